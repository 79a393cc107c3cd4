/**
 * Vectors of chats in a set.
 *
 * @module
 */
import {
  chatHead,
  conversation,
  media,
  message,
  participant,
  reaction,
  shard,
} from '../../conformance/peer/chat.ts';
import { named, sha256, toHex, utf8, type Bytes } from '../../conformance/peer/primitives.ts';
import { record } from '../../conformance/peer/records.ts';
import { TYPES } from '../../conformance/peer/sealed-object.ts';
import type { Value, VectorFile } from '../../conformance/schema/vector.ts';
import { digest, Family } from './family.ts';
import { stored, words } from './restoring.ts';
import { asked, blob, file, folder, PHOTO, SET_ID, storage, type Files } from './sets.ts';

type Parts = readonly (Bytes | readonly Bytes[])[];

/** The files of a chat, each as the parts of its shard, and the media. */
interface Chat {
  /** In place of a head that counts right. */
  readonly head?: Parts;
  readonly people: Parts;
  readonly messages: Parts;
  readonly photo?: Uint8Array | undefined;
}

const [HEAD, PEOPLE, MESSAGES] = ['head', 'people-00000000', 'messages-00000000'].map(
  (name) => `conversations/${name}`,
) as [string, string, string];
const PICTURE = { message: 2, id: 1, path: 'a/1.jpg', length: PHOTO.length, sha256: sha256(PHOTO) };
const PICTURE_PATH = `media/${PICTURE.path}`;
const ANNA = [conversation(1, 'Anna'), participant(1, 1, 'Me'), participant(2, 1, 'Anna')];
const TEAM = [conversation(2, 'Team', 2), participant(3, 2, 'Me')];
const FIRST = message({ id: 1, conversation: 1, sender: 1, body: 'Hello' });
const SECOND = message({ id: 2, conversation: 1, sender: 2, body: 'Look at this', replyTo: 1 });
const THIRD = message({ id: 3, conversation: 2, sender: 3, body: 'Hello all' });
const CHAT: Chat = {
  people: [ANNA, TEAM],
  messages: [[FIRST, SECOND, media(PICTURE), reaction(2, 1, '👍')], [THIRD]],
  photo: PHOTO,
};

/** A head that counts these rows. */
function counted(...shards: readonly Parts[]): Parts {
  const records = shards.flatMap((parts) => parts.flat());
  const count = (type: string): number => records.filter((one) => toHex(one.slice(0, 2)) === type).length;
  const attachments = count('8044');
  const files = Math.min(1, attachments);
  return [chatHead(count('8041'), count('8042'), count('8043'), files, attachments, count('0045'))];
}

/** A set that holds the chat. `schemas` says the schema of a shard where it is another one. */
function files(
  { people, messages, photo, head = counted(people, messages) }: Chat,
  schemas: Readonly<Record<string, number>> = {},
): Files {
  const shards = [
    [HEAD, head],
    [MESSAGES, messages],
    [PEOPLE, people],
  ] as const;
  const contents: (readonly [string, Uint8Array, number])[] = shards
    .filter(([, parts]) => parts.length > 0)
    .map(([path, parts]) => [path, shard(SET_ID, parts, schemas[path]), TYPES.records]);
  if (photo !== undefined) contents.push([PICTURE_PATH, photo, TYPES.blob]);
  const entries = contents.map(([path, content], object) => file(path, content, [{ object }]));
  return {
    objects: contents.map(([path, content, type]) =>
      blob(`chat ${path}`, content, { type, ...(type === TYPES.records && { chunkLog2: 16 }) }),
    ),
    entries: [
      folder('conversations'),
      ...entries.filter(({ path }) => path !== PICTURE_PATH),
      folder('media'),
      folder('media/a'),
      ...entries.filter(({ path }) => path === PICTURE_PATH),
    ],
  };
}

function rows(result: Record<string, Value> = {}): Record<string, Value> {
  const at = (id: number): number => 1_700_000_000_000 + id;
  const text = (value: string): string => toHex(utf8(value));
  return {
    conversations: [
      [1, 1, at(0), text('Anna')],
      [2, 2, at(0), text('Team')],
    ],
    participants: [
      [1, 1, text('+1'), text('Me')],
      [2, 1, text('+2'), text('Anna')],
      [3, 2, text('+3'), text('Me')],
    ],
    messages: [
      [1, 1, 1, at(1), null, null, null, text('Hello')],
      [2, 1, 2, at(2), 1, null, null, text('Look at this')],
      [3, 2, 3, at(3), null, null, null, text('Hello all')],
    ],
    attachments: [
      [2, 0, text('file 1'), 1, text('a/1.jpg'), text('image/jpeg'), PHOTO.length, toHex(sha256(PHOTO))],
    ],
    reactions: [[2, 1, at(0), text('👍')]],
    files: [{ path: 'a/1.jpg', ...digest(PHOTO) }],
    ...result,
  };
}

/** The family. */
export function chats(): VectorFile {
  const family = new Family('chat', {
    feature: 'chat',
    role: 'chat-reader',
    op: 'chat.import',
    description:
      'Chats of a messenger in a set: conversations, messages, media and reactions, and rows that do not belong together.',
  });
  const accept = (
    id: string,
    chat: Chat,
    result: Record<string, Value>,
    title: string,
    why: string,
    ...requirements: string[]
  ): void =>
    family.accept(id, {
      ...words(title, why, ...(requirements.length === 0 ? ['CHT-8'] : requirements)),
      input: asked(stored(files(chat)), { target: {} }),
      result,
    });
  accept(
    'whole',
    CHAT,
    rows(),
    'Two conversations with a picture and a reaction',
    'Every kind of row comes back.',
  );
  accept(
    'ungrouped',
    { ...CHAT, people: [...ANNA, ...TEAM] },
    rows(),
    'Rows that are in no group',
    'How rows are grouped is for the writer to say.',
  );
  accept(
    'unknown',
    {
      ...CHAT,
      messages: [
        [FIRST, SECOND, media(PICTURE), reaction(2, 1, '👍')],
        [THIRD, record(0x0046, utf8('later'))],
      ],
    },
    rows(),
    'A record of a later version that is not critical',
    'It is passed over.',
  );
  const gone = message({ id: 2, conversation: 1, sender: 2, body: 'Look at this', replyTo: 77 });
  const was = rows()['messages'];
  const replies = Array.isArray(was)
    ? was.map((row) => (Array.isArray(row) && row[0] === 2 ? row.map((v, i) => (i === 4 ? 77 : v)) : row))
    : null;
  accept(
    'reply-gone',
    { ...CHAT, messages: [[FIRST, gone, media(PICTURE), reaction(2, 1, '👍')], [THIRD]] },
    rows({ messages: replies }),
    'An answer to a message that is gone',
    'Messages are deleted, and what answers them stays.',
  );
  const raw = Uint8Array.of(0x48, 0xff, 0x00, 0xc3);
  const odd = message({ id: 3, conversation: 2, sender: 3, body: raw });
  const texts = Array.isArray(was)
    ? was.map((row) => (Array.isArray(row) && row[0] === 3 ? [...row.slice(0, -1), toHex(raw)] : row))
    : null;
  accept(
    'bytes',
    { ...CHAT, messages: [[FIRST, SECOND, media(PICTURE), reaction(2, 1, '👍')], [odd]] },
    rows({ messages: texts }),
    'A text that is not UTF-8, with a zero byte',
    'Texts are kept as they are.',
    'CHT-12',
  );

  const no = (
    id: string,
    change: { place: string; now: Value; chat?: Partial<Chat>; schemas?: Record<string, number> },
    error: string,
    title: string,
    why: string,
    requirement = 'CHT-9',
    tree = true,
  ): void =>
    family.sealed(
      id,
      'whole',
      { place: change.place, was: 'as written', now: change.now },
      { storage: storage(...stored(files({ ...CHAT, ...change.chat }, change.schemas))) },
      {
        ...words(title, why, requirement, ...(tree ? ['CHT-10'] : [])),
        errors: [error],
        ...(tree && { tree: {} }),
      },
    );
  const people = (id: string, parts: Parts, title: string, why: string, error = 'bad-chat'): void =>
    no(id, { place: PEOPLE, now: title, chat: { people: parts } }, error, title, why);
  const messages = (id: string, parts: Parts, title: string, why: string, error = 'bad-chat'): void =>
    no(id, { place: MESSAGES, now: title, chat: { messages: parts } }, error, title, why);
  no(
    'no-head',
    { place: HEAD, now: 'absent', chat: { head: [] } },
    'not-found',
    'No head of a chat',
    'A set of files is no chat.',
    'CHT-8',
  );
  no(
    'two-heads',
    {
      place: HEAD,
      now: 'two records',
      chat: { head: [chatHead(2, 3, 3, 1, 1, 1), chatHead(2, 3, 3, 1, 1, 1)] },
    },
    'bad-chat',
    'Two records in the head',
    'Which numbers hold?',
  );
  no(
    'other-in-head',
    { place: HEAD, now: 'a conversation', chat: { head: [conversation(1, 'Anna')] } },
    'bad-chat',
    'A conversation in the head',
    'Every row has its file.',
  );
  no(
    'fewer',
    { place: 'ChatHead.messages', now: 4, chat: { head: [chatHead(2, 3, 4, 1, 1, 1)] } },
    'bad-chat',
    'A head that counts one message more',
    'A shard that is missing must be noticed.',
    'CHT-8',
  );
  no(
    'schema',
    { place: 'schema of the messages', now: 9, schemas: { [MESSAGES]: 9 } },
    'bad-chat',
    'A shard of another schema',
    'Its records mean something else.',
  );
  people(
    'id-0',
    [[conversation(0, 'Nobody')], ANNA, TEAM],
    'A conversation with the id 0',
    'Ids begin at 1.',
  );
  people(
    'other-shard',
    [ANNA, TEAM, [conversation(1024, 'Later')]],
    'A conversation of the next shard',
    'Every row has one place.',
  );
  messages(
    'message-other-shard',
    [...CHAT.messages, [message({ id: 32_768, conversation: 2, sender: 3, body: 'x' })]],
    'A message of the next shard',
    'Every row has one place.',
  );
  people(
    'participant-elsewhere',
    [ANNA, [conversation(2, 'Team', 2)], [participant(3, 1, 'Me')]],
    'A participant behind another conversation',
    'Rows stand behind the row to which they belong.',
  );
  people(
    'participant-first',
    [[participant(1, 1, 'Me')], [conversation(1, 'Anna'), participant(2, 1, 'Anna')], TEAM],
    'A participant before its conversation',
    'Rows stand behind the row to which they belong.',
  );
  people(
    'conversation-twice',
    [ANNA, [conversation(1, 'Anna')], TEAM],
    'A conversation twice',
    'Two rows of one id.',
  );
  people(
    'kind-3',
    [ANNA, [conversation(2, 'Team', 3), participant(3, 2, 'Me')]],
    'A conversation of a kind that does not exist',
    'A value that is not named means nothing.',
    'bad-record',
  );
  messages('message-twice', [...CHAT.messages, [THIRD]], 'A message twice', 'Two rows of one id.');
  messages(
    'sender',
    [
      [FIRST, SECOND, media(PICTURE), reaction(2, 1, '👍')],
      [message({ id: 3, conversation: 2, sender: 1, body: 'x' })],
    ],
    'A message by somebody of another conversation',
    'A text would be put into the mouth of somebody else.',
  );
  messages(
    'reaction-stranger',
    [[FIRST, SECOND, media(PICTURE), reaction(2, 9, '👍')], [THIRD]],
    'A reaction by nobody',
    'Rows that are named must be there.',
  );
  messages(
    'media-elsewhere',
    [
      [FIRST, SECOND, reaction(2, 1, '👍')],
      [THIRD, media(PICTURE)],
    ],
    'A picture behind another message',
    'It would be shown with the wrong words.',
  );
  messages(
    'media-two-kinds',
    [
      [
        FIRST,
        SECOND,
        media(PICTURE),
        media({ ...PICTURE, position: 1, path: 'a/2.jpg' }),
        reaction(2, 1, '👍'),
      ],
      [THIRD],
    ],
    'One file under two paths',
    'Which of them is it?',
  );
  no(
    'conversation-in-messages',
    {
      place: MESSAGES,
      now: 'a conversation',
      chat: {
        head: counted(CHAT.people, CHAT.messages),
        messages: [...CHAT.messages, [conversation(3, 'Here')]],
      },
    },
    'bad-chat',
    'A conversation among messages',
    'Every row has its file.',
  );
  messages(
    'critical',
    [...CHAT.messages, [record(0x8046, utf8('later'))]],
    'A critical record of a later version',
    'A conversation would say something else without it.',
    'unknown-critical-record',
  );
  no(
    'media-missing',
    { place: 'media', now: 'absent', chat: { photo: undefined } },
    'vanished',
    'A picture that is not in the set',
    'It is named, and the chat is there without it.',
    'CHT-11',
    false,
  );
  no(
    'media-other',
    { place: 'media', now: 'another picture', chat: { photo: named('another photo', PHOTO.length) } },
    'object-mismatch',
    'Another picture under its path',
    'The message says which one it brought.',
    'CHT-8',
    false,
  );
  const [shardObject] = files(CHAT).objects.slice(1);
  family.value('shard-missing', 'whole', `storage/${shardObject?.name ?? ''}`, null, {
    ...words(
      'A shard of messages that is not there',
      'Nothing is imported without a word about what is missing.',
      'CHT-11',
      'CHT-10',
    ),
    errors: ['object-missing'],
    tree: {},
  });
  family.value(
    'occupied',
    'whole',
    'target',
    { 'mine.txt': '6d696e65' },
    {
      ...words('Something at the target', 'Nothing is imported over it.', 'CHT-10'),
      errors: ['exists'],
      tree: { 'mine.txt': { kind: 'file', ...digest(utf8('mine')) } },
    },
  );
  return family.file();
}
