import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeHeader, encodePrefix } from '../container/header.ts';
import { inspect, seal } from '../container/index.ts';
import { BackupKey } from '../keys/backup-key.ts';
import { codeOf, copiesOf, flipAt, key, objectOf, place, tamper, write, type Place } from './fixture.ts';
import {
  backup,
  DirectoryStorage,
  list,
  manifestContent,
  openManifest,
  restore,
  scan,
  storageName,
  verify,
  type Manifest,
} from './index.ts';

/** A manifest that a stranger wrote and sent to the owner as a picture; no key is needed for that. */
const forged = Buffer.concat([
  ...manifestContent({
    setId: new Uint8Array(16).fill(7),
    generation: 2 ** 40,
    created: 1_800_000_000,
    keyEpoch: 1,
    mediaKey: new Uint8Array(32),
    commitments: [new Uint8Array(32), new Uint8Array(32)],
    ancestors: [],
    wrappedKeys: [],
    objects: [],
    // As long as what has an object of its own.
    entries: Array.from({ length: 2000 }, (_, i) => ({
      kind: 'directory',
      path: `nothing-was-lost-${1000 + i}`,
      mode: 0o755,
      modified: { seconds: 0, nanoseconds: 0 },
    })),
  }),
]);

/** A storage that can answer each read of one name with another object. */
class TwoFaced extends DirectoryStorage {
  /** What is read: the header alone, the first chunk, or all; with the name. Returns what is served instead. */
  answer: (what: 'header' | 'start' | 'all', name: string) => string | undefined = () => undefined;
  /** Changes what is served. */
  change: (what: 'header' | 'start' | 'all', name: string, bytes: Uint8Array) => void = () => undefined;

  override async *read(name: string, start = 0, end = Infinity): AsyncGenerator<Uint8Array, void, undefined> {
    const what = end === 4184 ? 'header' : end === Infinity ? 'all' : 'start';
    for await (const piece of super.read(this.answer(what, name) ?? name, start, end)) {
      this.change(what, name, piece);
      yield piece;
    }
  }
}

async function twoFaced(): Promise<{
  at: Place;
  storage: TwoFaced;
  copies: readonly string[];
  picture: string;
}> {
  const at = place({ 'funny.jpg': forged, diary: 'the only copy'.repeat(10_000) });
  await backup(at.source, at.storage, { key });
  const storage = new TwoFaced(at.storage.folder);
  return { at, storage, copies: await copiesOf(at), picture: await objectOf(at, 'funny.jpg') };
}

// proves SET-19, SET-20
describe('a storage that answers two reads of one name with two objects', () => {
  it.each([
    ['after the header', ['start', 'all']],
    ['after the first chunk', ['all']],
  ])('cannot pass a file for the manifest %s', async (_when, lies) => {
    const { at, storage, copies, picture } = await twoFaced();
    storage.answer = (what, name) => (copies.includes(name) && lies.includes(what) ? picture : undefined);
    expect(await codeOf(restore(storage, key, at.target))).toBe('object-mismatch');
    expect(await codeOf(verify(storage, key))).toBe('object-mismatch');
    expect(await codeOf(list(storage, key))).toBe('object-mismatch');
    // With one honest copy the backup is found, and the other copy reported.
    const [liar = ''] = copies;
    storage.answer = (what, name) => (name === liar && lies.includes(what) ? picture : undefined);
    const opened = await openManifest(storage, key);
    expect(opened.manifest.generation).toBe(1);
    expect(opened.damaged).toEqual([{ name: liar, code: 'object-mismatch', manifest: true }]);
    expect(opened.copies).toEqual(copies.slice(1));
  });

  it('cannot pass a file for a manifest by another type in the first answer', async () => {
    const { at, storage, picture } = await twoFaced();
    // Nobody needs a key to write another type into a header and to make its check anew.
    storage.change = (what, name, bytes) => {
      if (name !== picture || what !== 'header') return;
      const header = inspect(bytes);
      bytes.set(
        encodeHeader(encodePrefix({ ...header, type: 'manifest', chunkLog2: 16 }), header.commitment),
      );
    };
    const report = await restore(storage, key, at.target);
    expect(report).toMatchObject({ generation: 1, restored: ['diary', 'funny.jpg'], failed: [] });
    expect(report.damaged).toEqual([{ name: picture, code: 'object-mismatch', manifest: true }]);
  });

  it('cannot pass one file for another', async () => {
    const { at, storage, picture } = await twoFaced();
    const diary = await objectOf(at, 'diary');
    storage.answer = (what, name) => (name === diary && what === 'all' ? picture : undefined);
    expect((await verify(storage, key)).failed).toEqual([{ path: 'diary', code: 'object-mismatch' }]);
  });
});

/** Changes the last byte: a small manifest is one chunk. */
const inBody = flipAt(-1);
const inHeader = flipAt(20);

describe('what cannot be read and may be a newer manifest', () => {
  type History = { readonly at: Place; readonly copies: readonly (readonly [string, string])[] };

  /** A set of as many generations, in each of which one file changes and one stays. */
  async function history(generations: number): Promise<History> {
    const at = place({ stays: 'the same' });
    const copies: [string, string][] = [];
    for (let generation = 1; generation <= generations; generation++) {
      write(at.source, 'diary', `${generation}`.repeat(70_000));
      await backup(at.source, at.storage, { key });
      const [first = '', second = ''] = await copiesOf(at);
      copies.push([first, second]);
    }
    return { at, copies };
  }

  /** The copies of a generation, counted from 1. */
  const of = ({ copies }: History, generation: number): readonly [string, string] =>
    copies[generation - 1] ?? ['', ''];

  async function isStopped({ at, copies }: History, code: string, readable: number): Promise<void> {
    for (const run of [restore(at.storage, key, at.target), verify(at.storage, key), list(at.storage, key)]) {
      expect(await codeOf(run)).toBe(code);
    }
    expect(existsSync(at.target)).toBe(false);
    const manifest = copies[readable - 1]?.[0] ?? '';
    expect(await restore(at.storage, key, at.target, { manifest })).toMatchObject({ generation: readable });
  }

  // proves SET-16
  it.each<[string, (history: History) => void, string]>([
    [
      'both newest copies, in their bodies',
      (h) => of(h, 2).map((name) => tamper(h.at, name, inBody)),
      'chunk-damaged',
    ],
    [
      'both newest copies, in their headers',
      (h) => of(h, 2).map((name) => tamper(h.at, name, inHeader)),
      'header-damaged',
    ],
    [
      'one newest copy in its header, the other in its body',
      (h) => {
        tamper(h.at, of(h, 2)[0], inHeader);
        tamper(h.at, of(h, 2)[1], inBody);
      },
      'chunk-damaged',
    ],
    [
      'both newest copies, cut to nothing',
      (h) => of(h, 2).map((name) => tamper(h.at, name, () => Buffer.of())),
      'truncated',
    ],
    [
      'one newest copy in its header, the other gone',
      (h) => {
        tamper(h.at, of(h, 2)[0], inHeader);
        h.at.storage.remove(of(h, 2)[1]);
      },
      'header-damaged',
    ],
  ])('stops everything but a backup that is named: %s', async (_what, damage, code) => {
    const set = await history(2);
    damage(set);
    expect(await codeOf(backup(set.at.source, set.at.storage, { key }))).toBe(code);
    await isStopped(set, code, 1);
  });

  // proves SET-16
  it.each([inBody, inHeader])('stops them too if generations in between were removed', async (damage) => {
    const set = await history(4);
    for (const generation of [2, 3]) for (const name of of(set, generation)) set.at.storage.remove(name);
    for (const name of of(set, 4)) tamper(set.at, name, damage);
    await isStopped(set, damage === inBody ? 'chunk-damaged' : 'header-damaged', 1);
  });

  // proves SET-15, SET-16
  it('stops them if it is anything with the name of an object', async () => {
    const set = await history(1);
    write(set.at.storage.folder, `${'d'.repeat(32)}.sro`, 'garbage');
    expect(await codeOf(backup(set.at.source, set.at.storage, { key }))).toBe('not-an-object');
    await isStopped(set, 'not-an-object', 1);
  });

  // proves SET-15
  it('stops them if it is the object of a stranger, for it does not show that it is', async () => {
    const set = await history(1);
    const { source } = place({ a: 'a' });
    await backup(source, set.at.storage, { key: BackupKey.generate() });
    expect(await restore(set.at.storage, key, set.at.target)).toMatchObject({ generation: 1, failed: [] });
    const strangers = readdirSync(set.at.storage.folder).filter(
      (name) => inspect(readFileSync(join(set.at.storage.folder, name))).type !== 'manifest',
    );
    const ours = (await openManifest(set.at.storage, key)).manifest.objects.map(({ commitment }) =>
      storageName(commitment),
    );
    const [theirs = ''] = strangers.filter((name) => !ours.includes(name));
    tamper(set.at, theirs, inHeader);
    expect(await codeOf(list(set.at.storage, key))).toBe('header-damaged');
  });

  it('is not the manifest of a stranger, whatever state it is in behind its header', async () => {
    const set = await history(1);
    const { source } = place({ a: 'a' });
    const { manifests } = await backup(source, set.at.storage, { key: BackupKey.generate() });
    for (const commitment of manifests) tamper(set.at, storageName(commitment), inBody);
    expect(await restore(set.at.storage, key, set.at.target)).toMatchObject({ generation: 1, failed: [] });
  });

  it.each([inBody, inHeader])(
    'is not the twin of what is read, nor an earlier generation',
    async (damage) => {
      const set = await history(4);
      for (const name of of(set, 3)) set.at.storage.remove(name);
      for (const name of [...of(set, 1), ...of(set, 2), of(set, 4)[1]]) tamper(set.at, name, damage);
      const report = await restore(set.at.storage, key, set.at.target);
      expect(report).toMatchObject({ generation: 4, copies: 1, failed: [] });
      expect(report.damaged).toHaveLength(5);
    },
  );

  it('is not a file that a generation names, the newest or an earlier one', async () => {
    const set = await history(3);
    const { manifest } = await openManifest(set.at.storage, key);
    const earlier = await openManifest(set.at.storage, key, { manifest: of(set, 1)[0] });
    const large = ({ objects }: Manifest): string =>
      storageName(objects.find(({ length }) => length > 66_000)?.commitment ?? new Uint8Array());
    tamper(set.at, large(earlier.manifest), inHeader);
    expect(await verify(set.at.storage, key)).toMatchObject({ generation: 3, failed: [] });
    tamper(set.at, large(manifest), inHeader);
    expect(await verify(set.at.storage, key)).toMatchObject({
      generation: 3,
      failed: [{ path: 'diary', code: 'header-damaged' }],
    });
    // Once nobody can say whose it is, it may be anything.
    for (const name of of(set, 1)) set.at.storage.remove(name);
    expect(await codeOf(verify(set.at.storage, key))).toBe('header-damaged');
  });

  it('is no reason to begin a set anew', async () => {
    for (const damage of [inBody, inHeader]) {
      const set = await history(1);
      for (const name of of(set, 1)) tamper(set.at, name, damage);
      expect(await codeOf(backup(set.at.source, set.at.storage, { key }))).not.toBe('fulfilled');
    }
  });
});

// proves SET-15
describe('a manifest that is named', () => {
  const fork = async (): Promise<{ at: Place; of: (text: string) => Promise<[string, string]> }> => {
    const many = Array.from({ length: 700 }, (_, i) => [`of more chunks than one ${i}`, 'text']);
    const at = place({ a: 'one', ...Object.fromEntries(many) });
    await backup(at.source, at.storage, { key });
    const other = place();
    cpSync(at.storage.folder, other.storage.folder, { recursive: true });
    const names: Record<string, [string, string]> = {};
    for (const [text, storage] of [
      ['two', at.storage],
      ['three', other.storage],
    ] as const) {
      write(at.source, 'a', text);
      const { manifests } = await backup(at.source, storage, { key });
      names[text] = manifests.map(storageName) as [string, string];
    }
    cpSync(other.storage.folder, at.storage.folder, { recursive: true });
    return { at, of: async (text) => names[text] ?? ['', ''] };
  };

  it.each(['two', 'three'])('and damaged is read from its own twin and no other: %s', async (text) => {
    const { at, of } = await fork();
    const [first, second] = await of(text);
    tamper(at, first, flipAt(-1));
    await restore(at.storage, key, at.target, { manifest: first });
    expect(readFileSync(join(at.target, 'a'), 'utf8')).toBe(text);
    tamper(at, second, flipAt(-1));
    expect(await codeOf(list(at.storage, key, { manifest: first }))).toBe('chunk-damaged');
  });

  it('and has no header that can be read gives its own code', async () => {
    const { at, of } = await fork();
    const [name] = await of('two');
    tamper(at, name, flipAt(20));
    write(at.storage.folder, `${'2'.repeat(32)}.sro`, 'garbage');
    expect(await codeOf(list(at.storage, key, { manifest: name }))).toBe('header-damaged');
  });
});

it('a scan of thousands of objects, and one for what is new, cost little', async () => {
  const at = place({ diary: 'text' });
  await backup(at.source, at.storage, { key });
  const blob = seal(new Uint8Array(100), { key, type: 'blob' });
  for (let i = 0; i < 3000; i++) {
    const header = inspect(blob);
    const commitment = new Uint8Array(32);
    new DataView(commitment.buffer).setUint32(0, i);
    write(
      at.storage.folder,
      storageName(commitment),
      Buffer.concat([encodeHeader(header.prefix, commitment), blob.subarray(header.length)]),
    );
  }
  const reads = { count: 0, bytes: 0 };
  const storage = new (class extends DirectoryStorage {
    override async *read(
      name: string,
      start?: number,
      end?: number,
    ): AsyncGenerator<Uint8Array, void, undefined> {
      reads.count++;
      for await (const piece of super.read(name, start, end)) {
        reads.bytes += piece.length;
        yield piece;
      }
    }
  })(at.storage.folder);
  const found = await scan(storage, key);
  expect(found.objects.size).toBe(3003);
  expect(found.manifests).toHaveLength(2);
  expect(reads.count).toBe(3005);
  expect(reads.bytes).toBeLessThan(3005 * 4184);
  reads.count = 0;
  write(at.source, 'diary', 'more');
  await backup(at.source, at.storage, { key });
  const since = await scan(storage, key, undefined, found.objects);
  expect(since.manifests.map(({ generation }) => generation)).toEqual([2, 2]);
  expect(reads.count).toBe(3 + 2);
});
