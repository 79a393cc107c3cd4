/**
 * Ranges over HTTP, from a server of the suite's own that lies in one place.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { serveObject, TAG, type Lie, type ObjectServer } from '../hostile/object-server.ts';
import { fresh, same, toHex, zeros, type Bytes } from '../peer/primitives.ts';
import { TYPES, writeObject } from '../peer/sealed-object.ts';
import { describe } from '../runner/connection.ts';
import type { Case, CaseContext } from '../runner/case.ts';
import { failed, type Score } from '../runner/score.ts';

const C = 2 ** 14;
/** Chunks in the object: more than anybody has to fetch for ten bytes. */
const CHUNKS = 20;
const OFFSET = 5 * C - 5;
const LENGTH = 10;

/** What an implementation must make of a server. */
interface Expected {
  /** Codes of which one is right; none if the range must be read. */
  readonly codes: readonly string[];
  /** What must hold of the requests. */
  readonly requests?: (server: ObjectServer) => string | undefined;
}

async function read(
  { adapter, folder }: CaseContext,
  lie: Lie | undefined,
  expected: Expected,
): Promise<Score> {
  if (adapter === undefined) throw new Error('a range needs an adapter');
  const [key, content] = [fresh(32), fresh(C * CHUNKS)];
  const { object } = writeObject({ key, salt: fresh(32), content, type: TYPES.blob });
  const server = await serveObject(object, lie);
  const sink = join(folder, toHex(fresh(8)));
  try {
    const params = { key: toHex(key), url: server.url, offset: OFFSET, length: LENGTH, sink };
    const outcome = await adapter.call('range.read', params);
    if (outcome.outcome === 'crash' || outcome.outcome === 'timeout')
      return failed(outcome.outcome, outcome.detail);
    const released: Bytes = new Uint8Array(existsSync(sink) ? readFileSync(sink) : []);
    const wanted = content.slice(OFFSET, OFFSET + LENGTH);
    if (!same(released, wanted.slice(0, released.length)))
      return failed('over-release', 'released what is not the content', { actual: toHex(released) });
    if (outcome.outcome === 'ok') {
      if (expected.codes.length > 0)
        return failed('accepted-invalid', 'believed the server', { expected: expected.codes.join(' or ') });
      if (released.length < LENGTH) return failed('wrong-output', 'not all of the range came out');
      const fault = expected.requests?.(server);
      return fault === undefined ? { status: 'pass' } : failed('wrong-output', fault);
    }
    const code = outcome.outcome === 'reject' ? outcome.error : describe(outcome);
    if (expected.codes.includes(code)) return { status: 'pass' };
    return failed(expected.codes.length === 0 ? 'rejected-valid' : 'wrong-error', 'ended otherwise', {
      expected: expected.codes.join(' or ') || 'ok',
      actual: code,
    });
  } finally {
    await server.close();
  }
}

/** True for the answers after the first. */
function later(number: number): boolean {
  return number > 0;
}

/** Each request asks for one part, each but the first for the version of the first, and for no more than is needed. */
function asksWell({ requests }: ObjectServer): string | undefined {
  if (requests.some(({ range }) => !/^bytes=\d+-\d+$/u.test(range))) return 'a request without one range';
  if (requests.slice(1).some(({ ifRange }) => ifRange !== TAG)) return 'a later request without If-Range';
  const bytes = requests.reduce((sum, { start, end }) => sum + end - start, 0);
  return bytes > 5 * C ? `${bytes} bytes were fetched for ${LENGTH}` : undefined;
}

type Row = readonly [id: string, title: string, codes: readonly string[], lie: Lie];

const NO_RANGES: readonly Row[] = [
  [
    'whole',
    'A server that answers with the whole object',
    ['no-ranges'],
    (answer) => {
      answer.status = 200;
    },
  ],
  [
    'shifted',
    'A part that begins a byte before the one that was asked for',
    ['no-ranges'],
    (answer, { start, end }) => {
      if (start === 0) return;
      answer.headers['content-range'] = String(answer.headers['content-range']).replace(
        `${start}-${end - 1}`,
        `${start - 1}-${end - 2}`,
      );
    },
  ],
  [
    'shorter',
    'A part that is a byte shorter than was asked for',
    ['no-ranges'],
    (answer, { start, end }) => {
      answer.headers['content-range'] = String(answer.headers['content-range']).replace(
        `${start}-${end - 1}`,
        `${start}-${end - 2}`,
      );
      answer.body = answer.body.slice(0, -1);
    },
  ],
  [
    'no-place',
    'A part that does not say what it is',
    ['no-ranges'],
    (answer) => {
      delete answer.headers['content-range'];
    },
  ],
  [
    'many-parts',
    'An answer in several parts',
    ['no-ranges'],
    (answer) => {
      delete answer.headers['content-range'];
      answer.headers['content-type'] = 'multipart/byteranges; boundary=part';
    },
  ],
  [
    'no-tag',
    'A part without an entity tag',
    ['no-ranges'],
    (answer) => {
      delete answer.headers['etag'];
    },
  ],
  [
    'weak-tag',
    'A part with a weak entity tag',
    ['no-ranges'],
    (answer) => {
      answer.headers['etag'] = `W/${TAG}`;
    },
  ],
];

const CHANGED: readonly Row[] = [
  [
    'other-tag',
    'Another entity tag in a later answer',
    ['changed'],
    (answer, _request, number) => {
      if (later(number)) answer.headers['etag'] = '"version-2"';
    },
  ],
  [
    'other-length',
    'Another length of the whole in a later answer',
    ['changed'],
    (answer, _request, number) => {
      const place = String(answer.headers['content-range']);
      if (later(number))
        answer.headers['content-range'] = place.replace(/\d+$/u, (total) => String(Number(total) + 1));
    },
  ],
  [
    'replaced',
    'The whole of another version in answer to If-Range',
    ['changed'],
    (answer, _request, number) => {
      if (later(number)) Object.assign(answer, { status: 200, headers: { etag: '"version-2"' } });
    },
  ],
];

const FAILURES: readonly Row[] = [
  ...(
    [
      [404, 'object-missing'],
      [410, 'object-missing'],
      [401, 'permission'],
      [403, 'permission'],
      [416, 'truncated'],
      [500, 'io'],
      [503, 'io'],
    ] as const
  ).map(([status, code]): Row => [
    `status-${status}`,
    `Status ${status}`,
    [code],
    (answer) => Object.assign(answer, { status, headers: {}, body: zeros(0) }),
  ]),
  [
    'breaks-off',
    'A connection that breaks off within a part',
    ['io'],
    (answer, _request, number) => {
      if (later(number)) answer.breaksOff = true;
    },
  ],
];

const DAMAGE: readonly Row[] = [
  [
    'other-bytes',
    'Bytes of another place under the right description',
    ['chunk-damaged'],
    (answer, _request, number) => {
      if (later(number)) answer.body = answer.body.map((byte) => byte ^ 1);
    },
  ],
];

function cases(rows: readonly Row[], why: string, requirement: string): Case[] {
  return rows.map(([id, title, codes, lie]) => ({
    ...about,
    id: `http-ranges.${id}`,
    title,
    why,
    requirements: [requirement],
    run: async (context) => read(context, lie, { codes }),
  }));
}

const about = { role: 'container-reader', level: 'core', feature: 'http-ranges' } as const;

/** Ranges of objects behind HTTP. */
export const httpRangeCases: readonly Case[] = [
  {
    ...about,
    id: 'http-ranges.honest',
    title: 'A range of an object on a server that does as it should',
    why: 'Ten bytes of a gigabyte are fetched as ten bytes, of one version of the object.',
    requirements: ['RNG-1', 'RNG-10'],
    run: async (context) => read(context, undefined, { codes: [], requests: asksWell }),
  },
  ...cases(
    NO_RANGES,
    'What is not the part that was asked for is no range: a reader that takes it puts bytes in the wrong place.',
    'RNG-9',
  ),
  ...cases(CHANGED, 'Parts of two versions make neither of them.', 'RNG-10'),
  ...cases(
    FAILURES,
    'An object that is gone, one that may not be read and a network that fails are told apart.',
    'RNG-6',
  ),
  ...cases(DAMAGE, 'A server is not believed: every chunk authenticates itself.', 'CHK-4'),
];
