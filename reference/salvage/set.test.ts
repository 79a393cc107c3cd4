import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inspect } from '../container/index.ts';
import { sealWith } from '../container/writer.ts';
import { nodeEngine } from '../crypto/node.ts';
import { systemRandom } from '../crypto/random.ts';
import { BackupKey } from '../keys/backup-key.ts';
import {
  codeOf,
  copiesOf,
  flipAt,
  flipChunk,
  key,
  objectOf,
  place,
  tamper,
  tree,
  write,
  type Place,
} from '../set/fixture.ts';
import {
  backup,
  DirectoryStorage,
  openManifest,
  restore,
  storageName,
  verify,
  type Storage,
} from '../set/index.ts';
import { manifestContent } from '../set/manifest-content.ts';
import { rekey } from '../set/rekey.ts';
import { MemoryStorage } from '../set/storage-fixture.ts';
import { concat } from '../wire/bytes.ts';
import { noise } from './fixture.ts';
import { rebuild } from './rebuild.ts';
import { canonical, salvage, type EntryReport, type SalvageOptions, type SalvageReport } from './index.ts';

const MIB = 2 ** 20;

/** Salvages into the target of the place; the report, and what is in the target. */
async function save(
  at: Place,
  options: SalvageOptions = {},
): Promise<SalvageReport & { readonly out: Record<string, string> }> {
  rmSync(at.target, { recursive: true, force: true });
  const report = await salvage(at.storage, key, { target: at.target, ...options });
  return { ...report, out: tree(at.target) };
}

const entryOf = (report: SalvageReport, path: string): EntryReport[] =>
  report.entries.filter((each) => each.path === path);
const stateOf = (report: SalvageReport, path: string): string =>
  entryOf(report, path)
    .map(({ state }) => state)
    .join();
const objectsIn = (report: SalvageReport, state: string): string[] =>
  report.objects.filter((each) => each.state === state).map(({ name }) => name);

function names({ storage }: Place): string[] {
  return readdirSync(storage.folder).sort();
}

const BIG = noise(3 * MIB, 3);

/** A backup of one file with chunks, small ones, a folder and a link. */
async function aBackup(more: Record<string, string | Uint8Array> = {}): Promise<Place> {
  const at = place({ 'big.bin': BIG, 'd/small.txt': 'small', 'd/e/other.txt': 'other', empty: '', ...more });
  symlinkSync('small.txt', join(at.source, 'd/link'));
  await backup(at.source, at.storage, { key });
  return at;
}

// proves SLV-6, SLV-26, SLV-27, SLV-28
test('a set without damage comes out whole, and the report is the same without a target', async () => {
  const at = await aBackup();
  const report = await save(at);
  expect(report.complete).toBe(true);
  expect(tree(join(at.target, 'files'))).toEqual(tree(at.source));
  expect(statSync(join(at.target, 'files/big.bin')).mtimeMs).toBeCloseTo(
    statSync(join(at.source, 'big.bin')).mtimeMs,
    -1,
  );
  expect(readdirSync(at.target).sort()).toEqual(['files', 'salvage.json']);
  const bare = await salvage(at.storage, key);
  const text = readFileSync(join(at.target, 'salvage.json'));
  expect(text).toEqual(Buffer.from(canonical(bare)));
  // Canonical: sorted, without white space, and nothing but the five kinds of values.
  expect(text.toString()).toMatch(/^\{"complete":true,"entries":\[/u);
  expect(text.toString()).not.toMatch(/\s/u);
  JSON.parse(text.toString(), (_name, value: unknown) => {
    expect(value !== null && (typeof value !== 'number' || Number.isSafeInteger(value))).toBe(true);
    return value;
  });
});

// proves SLV-2, SLV-3, SLV-14
test('one bad chunk leaves a file with a hole, which strict readers still refuse', async () => {
  const at = await aBackup();
  const name = await objectOf(at, 'big.bin');
  const { length: start } = inspect(readFileSync(join(at.storage.folder, name)));
  tamper(at, name, flipAt(start + 5 * (262_144 + 16) + 99));
  expect(await codeOf(restore(at.storage, key, `${at.target}-2`))).toBe('chunk-damaged');
  expect(existsSync(join(`${at.target}-2`, 'big.bin'))).toBe(false);
  const report = await save(at);
  expect(report.complete).toBe(false);
  expect(entryOf(report, 'big.bin')).toEqual([
    {
      path: 'big.bin',
      kind: 'file',
      state: 'partial',
      generation: 1,
      older: false,
      length: BIG.length,
      recovered: [
        [0, 5 * 262_144],
        [6 * 262_144, BIG.length],
      ],
    },
  ]);
  expect(existsSync(join(at.target, 'files/big.bin'))).toBe(false);
  const expected = Buffer.from(BIG);
  expected.fill(0, 5 * 262_144, 6 * 262_144);
  expect(readFileSync(join(at.target, 'partial/big.bin')).equals(expected)).toBe(true);
  expect(stateOf(report, 'd/small.txt')).toBe('whole');
  const object = report.objects.find((each) => each.name === name);
  expect(object).toMatchObject({ state: 'damaged', lost: [[5, 6]], chunks: 13, limited: false });
});

describe('a destroyed header', () => {
  // proves SLV-9
  test('is taken from the manifest, and everything is there', async () => {
    const at = await aBackup();
    const [name, pack] = [await objectOf(at, 'big.bin'), await objectOf(at, 'd/small.txt')];
    for (const each of [name, pack]) tamper(at, each, (bytes) => bytes.fill(0, 0, 60));
    expect((await verify(at.storage, key)).failed.length).toBeGreaterThan(0);
    const report = await save(at);
    expect(report.complete).toBe(true);
    expect(tree(join(at.target, 'files'))).toEqual(tree(at.source));
    expect(report.objects.find((each) => each.name === name)).toMatchObject({
      state: 'damaged',
      header: 'manifest',
    });
  });

  // proves SLV-6, SLV-7
  test('that nothing names is lost, and might have been a newer manifest', async () => {
    const at = await aBackup();
    writeFileSync(join(at.storage.folder, `${'a'.repeat(32)}.sro`), noise(5000));
    const report = await save(at);
    expect(report.entries.every(({ state }) => state === 'whole')).toBe(true);
    expect(report).toMatchObject({ complete: false });
    expect(objectsIn(report, 'unknown')).toEqual([`${'a'.repeat(32)}.sro`]);
  });

  // proves SLV-6
  test('of a manifest that its twin names does no harm', async () => {
    const at = await aBackup();
    const [first = ''] = await copiesOf(at);
    tamper(at, first, (bytes) => bytes.fill(0, 0, 60));
    expect(await save(at)).toMatchObject({ complete: true });
    expect(tree(join(at.target, 'files'))).toEqual(tree(at.source));
  });
});

// proves SLV-18
test('objects that were exchanged are both found, and one in the place of another is taken for itself alone', async () => {
  const at = await aBackup({ 'second.bin': noise(200_000, 8) });
  const [a, b] = [await objectOf(at, 'big.bin'), await objectOf(at, 'second.bin')].map((each) =>
    join(at.storage.folder, each),
  );
  if (a === undefined || b === undefined) throw new Error('no objects');
  copyFileSync(a, `${at.base}/a`);
  copyFileSync(b, a);
  copyFileSync(`${at.base}/a`, b);
  expect((await verify(at.storage, key)).failed).toHaveLength(2);
  expect(await save(at)).toMatchObject({ complete: true });
  expect(tree(join(at.target, 'files'))).toEqual(tree(at.source));
  // Now both names hold the second one.
  copyFileSync(a, b);
  const report = await save(at);
  expect([stateOf(report, 'big.bin'), stateOf(report, 'second.bin')]).toEqual(['lost', 'whole']);
  expect(objectsIn(report, 'copy')).toHaveLength(1);
  expect(objectsIn(report, 'missing')).toEqual([await objectOf(at, 'big.bin')]);
  expect(Object.keys(report.out).filter((path) => path.includes('big'))).toEqual([]);
});

// proves SLV-8
test('objects of other keys are left alone', async () => {
  const at = await aBackup();
  const other = place({ x: noise(100_000) });
  await backup(other.source, other.storage, { key: BackupKey.fromBytes(new Uint8Array(32).fill(1)) });
  for (const name of names(other))
    copyFileSync(join(other.storage.folder, name), join(at.storage.folder, name));
  const report = await save(at);
  expect(report.complete).toBe(true);
  expect(objectsIn(report, 'other-key')).toEqual(names(other));
  expect(await codeOf(salvage(other.storage, key))).toBe('wrong-key');
  tamper(other, names(other)[0] ?? '', (bytes) => bytes.fill(0, 0, 60));
  expect(await codeOf(salvage(other.storage, key))).toBe('wrong-key');
  for (const name of names(other)) tamper(other, name, (bytes) => bytes.fill(0, 0, 60));
  const lost = await salvage(other.storage, key);
  expect(lost).toMatchObject({ complete: false, entries: [], unnamed: [] });
  expect(objectsIn(lost, 'unknown')).toEqual(names(other));
});

// proves SLV-22
test('without any manifest contents come out under the names of their objects, and packed files under their paths', async () => {
  const at = await aBackup();
  const name = await objectOf(at, 'big.bin');
  for (const copy of await copiesOf(at)) rmSync(join(at.storage.folder, copy));
  write(at.source, 'd/small.txt', 'another');
  await backup(at.source, at.storage, { key });
  for (const copy of await copiesOf(at)) rmSync(join(at.storage.folder, copy));
  expect(await codeOf(restore(at.storage, key, `${at.target}-2`))).toBe('no-backup');
  const report = await save(at);
  expect(report).toMatchObject({ complete: false, entries: [], manifests: [] });
  expect(report.set_id).toBeUndefined();
  // The second backup knew nothing of the first one, so there are two objects of one content, and two packs.
  expect(report.unnamed.map(({ state }) => state)).toEqual(['whole', 'whole']);
  expect(readFileSync(join(at.target, 'unnamed', name)).equals(BIG)).toBe(true);
  const packed = report.packed.map(({ path, folder }) => `${folder} ${path}`).sort();
  expect(packed).toEqual([
    '1 d/e/other.txt',
    '1 d/small.txt',
    '1 empty',
    '2 d/e/other.txt',
    '2 d/small.txt',
    '2 empty',
  ]);
  const both = new Set([1, 2].map((folder) => report.out[`packed/${folder}/d/small.txt`]));
  expect(both).toEqual(new Set(['another', 'small']));
  tamper(at, name, flipChunk);
  const damaged = await save(at);
  expect(damaged.unnamed.map(({ state }) => state).sort()).toEqual(['partial', 'whole']);
  expect(existsSync(join(at.target, 'unnamed', `${name}.partial`))).toBe(true);
});

// proves SLV-19
describe('manifests of several chunks', async () => {
  const many = Object.fromEntries(
    Array.from({ length: 400 }, (_, i) => [`f${1000 + i}${'x'.repeat(240)}`, `content ${i}`]),
  );
  const original = place({ ...many, a: noise(80_000, 1), z: noise(80_000, 2) });
  await backup(original.source, original.storage, { key });
  const copies = await copiesOf(original);
  const files = names(original).map((name): [string, Buffer] => [
    name,
    readFileSync(join(original.storage.folder, name)),
  ]);
  /** The same storage, with these chunks of the copies destroyed. */
  function damaged(...lost: readonly (readonly number[])[]): Place {
    const at = place();
    mkdirSync(at.storage.folder);
    for (const [name, bytes] of files) writeFileSync(join(at.storage.folder, name), bytes);
    for (const [i, chunks] of lost.entries()) {
      const name = copies[i] ?? '';
      const { length } = inspect(readFileSync(join(at.storage.folder, name)));
      for (const chunk of chunks) tamper(at, name, flipAt(length + chunk * (65_536 + 16) + 5));
    }
    return at;
  }

  test('are merged from what either copy has', async () => {
    const at = damaged([0, 2], [1]);
    expect(await codeOf(restore(at.storage, key, `${at.target}-2`))).not.toBe('fulfilled');
    const report = await save(at);
    expect(report).toMatchObject({
      complete: true,
      manifests: [{ complete: true, lost: [], cut: 0, entries: 402 }],
    });
    expect(Object.keys(tree(join(at.target, 'files')))).toHaveLength(402);
    expect(readFileSync(join(at.target, 'files/z')).equals(Buffer.from(noise(80_000, 2)))).toBe(true);
  });

  test('lose only the entries of a chunk that both have lost; their files come out without their names', async () => {
    const at = damaged([1], [1]);
    const report = await save(at);
    expect(report).toMatchObject({
      complete: false,
      manifests: [{ complete: false, lost: [[65_536, 131_072]], cut: 1 }],
    });
    const kept = report.entries.filter(({ state }) => state === 'whole');
    expect(kept.length).toBe(report.entries.length);
    expect(kept.length).toBeGreaterThan(150);
    expect(stateOf(report, 'z')).toBe('whole');
    // What the gap hides is in the pack.
    expect(report.packed.length).toBe(402 - kept.length);
    for (const { path } of report.packed) expect(report.out[`packed/1/${path}`]).toBe(many[path]);
    for (const { path } of kept)
      if (path.startsWith('f')) expect(report.out[`files/${path}`]).toBe(many[path]);
  });

  test('without their beginnings are read on', async () => {
    const at = damaged([0], [0]);
    const report = await salvage(at.storage, key);
    expect(report.set_id).toBeUndefined();
    // No head says that the two are twins.
    const headless = { complete: false, cut: 1, lost: [[0, 65_536]] };
    expect(report.manifests).toMatchObject([headless, headless]);
    // The objects are named at the beginning, so entries have no place; packed files and objects are there all the same.
    expect(report.packed).toHaveLength(400);
    expect(report.unnamed).toHaveLength(2);
    expect(report.manifests[0]?.entries).toBeGreaterThan(150);
    expect(report.entries.every(({ state }) => state === 'lost')).toBe(true);
  });

  test('are found newer and older: a gap is filled from the generation before', async () => {
    const at = damaged();
    mkdirSync(at.source, { recursive: true });
    for (const [path, content] of Object.entries(many)) write(at.source, path, content);
    write(at.source, 'a', noise(80_000, 1));
    write(at.source, 'z', noise(80_000, 7));
    await backup(at.source, at.storage, { key });
    for (const copy of await copiesOf(at)) {
      const { length } = inspect(readFileSync(join(at.storage.folder, copy)));
      tamper(at, copy, flipAt(length + 65_552 + 5));
    }
    const report = await salvage(at.storage, key);
    expect(report.manifests).toMatchObject([
      { generation: 2, complete: false },
      { generation: 1, complete: true },
    ]);
    expect(report.complete).toBe(false);
    expect(report.entries).toHaveLength(402);
    const older = report.entries.filter(({ older: isOlder }) => isOlder);
    expect(older.length).toBeGreaterThan(100);
    expect(older.every(({ generation, state }) => generation === 1 && state === 'whole')).toBe(true);
    expect(entryOf(report, 'z')).toMatchObject([{ generation: 2, state: 'whole', older: false }]);
  });
});

// proves SLV-20, SLV-21
test('what the newest generation has lost comes from other objects of that content, or from an older version', async () => {
  const at = await aBackup({ 'again.bin': BIG, doc: noise(100_000, 1) });
  const before = names(at);
  write(at.source, 'doc', noise(100_000, 2));
  await backup(at.source, at.storage, { key });
  const doc = await objectOf(at, 'doc');
  expect(before).not.toContain(doc);
  tamper(at, doc, flipChunk);
  const report = await save(at);
  expect(entryOf(report, 'doc')).toMatchObject([
    { generation: 2, state: 'lost', older: false, recovered: [] },
    { generation: 1, state: 'whole', older: true },
  ]);
  expect(readFileSync(join(at.target, 'files/doc')).equals(Buffer.from(noise(100_000, 1)))).toBe(true);
  expect(report.complete).toBe(false);
  rmSync(join(at.storage.folder, doc));
  expect(stateOf(await save(at), 'doc')).toBe('lost,whole');
  // The third generation seals the content of the first anew, in another place.
  write(at.source, 'copy of doc', noise(100_000, 2));
  await backup(at.source, at.storage, { key });
  expect(await objectOf(at, 'copy of doc')).not.toBe(doc);
  const third = await save(at);
  expect(entryOf(third, 'doc')).toMatchObject([{ generation: 3, state: 'whole', older: false }]);
});

// proves SLV-20
test('a volume that is missing is a hole in its file', async () => {
  const at = place({ long: noise(1000_000, 4) });
  await backup(at.source, at.storage, { key, volumeLength: 300_000 });
  const { objects } = await salvage(at.storage, key);
  const second = objects.filter(({ type }) => type === 'blob');
  expect(second).toHaveLength(4);
  rmSync(join(at.storage.folder, second.find((each) => each.content_length === 100_000)?.name ?? ''));
  const report = await save(at);
  expect(entryOf(report, 'long')).toMatchObject([{ state: 'partial', recovered: [[0, 900_000]] }]);
  expect(objectsIn(report, 'missing')).toHaveLength(1);
  expect(
    readFileSync(join(at.target, 'partial/long'))
      .subarray(0, 900_000)
      .equals(Buffer.from(noise(1000_000, 4)).subarray(0, 900_000)),
  ).toBe(true);
});

// proves SLV-17
test('objects of older backup keys open under the keys that the manifest wraps', async () => {
  const at = await aBackup();
  const next = BackupKey.fromBytes(new Uint8Array(32).fill(5));
  await rekey(at.storage, key, next);
  const report = await salvage(at.storage, next, { target: at.target });
  expect(report.complete).toBe(true);
  expect(report.manifests.map(({ generation }) => generation)).toEqual([2, 1]);
  expect(tree(join(at.target, 'files'))).toEqual(tree(at.source));
  // The old key alone opens the generation before, and leaves the newer one alone.
  const old = await save(at);
  expect(old.manifests.map(({ generation }) => generation)).toEqual([1]);
  expect(old.entries.every(({ state }) => state === 'whole')).toBe(true);
});

test('of several sets one has to be named', async () => {
  const at = await aBackup();
  const other = place({ x: noise(100_000) });
  await backup(other.source, other.storage, { key });
  for (const name of names(other))
    copyFileSync(join(other.storage.folder, name), join(at.storage.folder, name));
  expect(await codeOf(save(at))).toBe('fork');
  const { set_id: set = '' } = await salvage(other.storage, key);
  expect(await codeOf(save(at, { set: '00'.repeat(16) }))).toBe('fork');
  const report = await save(at, { set });
  expect(report).toMatchObject({ complete: true, set_id: set });
  expect(tree(join(at.target, 'files'))).toEqual(tree(other.source));
  expect(objectsIn(report, 'other-set')).toHaveLength(names(at).length - names(other).length);
});

describe('the target', () => {
  // proves SLV-23
  test('is new or empty', async () => {
    const at = await aBackup();
    mkdirSync(at.target);
    expect(await codeOf(salvage(at.storage, key, { target: at.target }))).toBe('fulfilled');
    expect(await codeOf(salvage(at.storage, key, { target: at.target }))).toBe('exists');
    const file = join(at.base, 'file');
    writeFileSync(file, '');
    expect(await codeOf(salvage(at.storage, key, { target: file }))).not.toBe('fulfilled');
  });

  // proves SLV-24, SLV-25
  test('is not left through links, also if somebody makes them meanwhile', async () => {
    const at = await aBackup();
    const outside = join(at.base, 'outside');
    mkdirSync(outside);
    let done = false;
    const report = await save(at, {
      onProgress(what) {
        if (what !== 'd/small.txt' || done) return;
        done = true;
        rmSync(join(at.target, 'files/d'), { recursive: true });
        symlinkSync(outside, join(at.target, 'files/d'));
      },
    }).catch(() => undefined);
    expect(done).toBe(true);
    expect(readdirSync(outside)).toEqual([]);
    expect(report?.complete ?? false).toBe(false);
  });
});

// proves SLV-29
test('a manifest is rebuilt after very many generations', async () => {
  const at = place({ a: 'true' });
  await backup(at.source, at.storage, { key });
  const { manifest, id } = await openManifest(at.storage, key);
  const names = { manifestId: id, commitments: manifest.commitments };
  const ancestors = Array.from({ length: 256 }, (_, i) => ({ generation: 1000 - i, ...names }));
  const one = { ...manifest, head: { ...manifest, ancestors }, objects: new Map(), id: undefined };
  const inventory = { manifests: Array.from({ length: 1000 }, () => one), byName: new Map() };
  const sources = { random: systemRandom, now: Date.now };
  const options = { storage: at.storage, key, engine: nodeEngine, signal: undefined };
  const [name = ''] = (await rebuild(sources, inventory as never, [], options)) ?? [];
  expect((await openManifest(at.storage, key, { manifest: name })).manifest.generation).toBe(1001);
});

describe('under a new key', () => {
  const newKey = BackupKey.fromBytes(new Uint8Array(32).fill(9));

  // proves SLV-32
  test.each([false, true])(
    'what the holder of the old key has planted is not taken, and not rebuilt',
    async (damaged) => {
      const at = place({ a: 'true', b: noise(70_000, 1) });
      await backup(at.source, at.storage, { key });
      const theirs = new DirectoryStorage(join(at.base, 'theirs'));
      cpSync(at.storage.folder, theirs.folder, { recursive: true });
      await rekey(at.storage, key, newKey);
      write(at.source, 'a', 'planted');
      for (let i = 0; i < 3; i++) await backup(at.source, theirs, { key });
      cpSync(theirs.folder, at.storage.folder, { recursive: true });
      if (damaged) {
        const { manifest } = await openManifest(at.storage, newKey);
        for (const { commitment, contentLength } of manifest.objects)
          if (contentLength === 70_000) tamper(at, storageName(commitment), flipChunk);
      }
      const report = await salvage(at.storage, newKey, { target: at.target, rebuild: true });
      expect(report.complete).toBe(!damaged);
      expect(report.manifests.map(({ generation }) => generation)).toEqual([2, 1]);
      expect(readFileSync(join(at.target, 'files/a'), 'utf8')).toBe('true');
      if (!damaged) return;
      const [rebuilt = ''] = report.rebuilt ?? [];
      const { generation } = await restore(at.storage, newKey, `${at.target}-2`, { manifest: rebuilt });
      expect(generation).toBe(3);
      expect(tree(`${at.target}-2`)).toEqual({ a: 'true' });
    },
  );

  // proves SLV-32
  test('what they have put in the place of a copy that is named is not taken', async () => {
    const storage = new MemoryStorage();
    const at = place({ a: 'true' });
    let copy = '';
    // A header without an extension can be forged by simple means.
    for (; copy === '';) {
      storage.objects.clear();
      await backup(at.source, storage, { key });
      const { copies } = await openManifest(storage, key);
      copy = copies.find((name) => storage.objects.get(name)?.[13] === 0) ?? '';
    }
    await rekey(storage, key, newKey);
    const { manifest } = await openManifest(storage, key);
    const { salt } = inspect(storage.objects.get(copy) ?? new Uint8Array());
    const link = { kind: 'symlink', path: 'planted', mode: 0o777, target: 'a' } as const;
    const entries = [...manifest.entries, { ...link, modified: { seconds: 0, nanoseconds: 0 } }];
    const random = (_name: string, length: number): Uint8Array<ArrayBuffer> =>
      length === 32 ? salt : new Uint8Array(length).fill(0xff);
    const content = concat(...manifestContent({ ...manifest, entries }));
    storage.objects.set(copy, sealWith(random, content, { key, type: 'manifest', chunkLog2: 16 }));
    const report = await salvage(storage, newKey);
    expect(report.manifests).toMatchObject([{ generation: 2 }, { generation: 1 }]);
    const twins = manifest.commitments.map(storageName).filter((name) => name !== copy);
    expect(report.manifests[1]?.copies).toEqual(twins);
    expect(report.objects.find(({ name }) => name === copy)?.state).toBe('other-set');
  });
});

// proves SLV-29, SLV-30, SLV-31
test('a manifest is rebuilt only if that is asked for, of what is whole, and a strict reader restores it', async () => {
  const at = await aBackup({ doc: noise(100_000, 1) });
  tamper(at, await objectOf(at, 'doc'), flipChunk);
  const before = names(at);
  expect((await save(at)).rebuilt).toBeUndefined();
  expect(names(at)).toEqual(before);
  const report = await save(at, { rebuild: true });
  expect(report.rebuilt).toEqual(names(at).filter((name) => !before.includes(name)));
  expect(report.rebuilt).toHaveLength(2);
  expect(names(at)).toEqual(expect.arrayContaining(before));
  const { generation, restored } = await restore(at.storage, key, `${at.target}-2`);
  expect(generation).toBe(2);
  expect(restored).not.toContain('doc');
  rmSync(join(at.source, 'doc'));
  expect(tree(`${at.target}-2`)).toEqual(tree(at.source));
  // And a backup goes on from there.
  expect((await backup(at.source, at.storage, { key })).generation).toBe(3);
  expect((await save(at, { rebuild: true })).rebuilt).toBeUndefined();
});

// proves SLV-1, SLV-3, SLV-4
test('whatever is done to a storage: nothing wrong comes out, and twice the same report', async () => {
  const sizes = [70_000, 140_000, 5, 300, 0, 90_000];
  const original = place(Object.fromEntries(sizes.map((size, i) => [`d${i % 2}/f${i}`, noise(size, i + 1)])));
  await backup(original.source, original.storage, { key });
  write(original.source, 'd0/f2', 'new');
  write(original.source, 'd1/f5', noise(90_000, 77));
  await backup(original.source, original.storage, { key });
  const stored = names(original).map(
    (name) => new Uint8Array(readFileSync(join(original.storage.folder, name))),
  );
  const known = [
    ...sizes.map((size, i) => Buffer.from(noise(size, i + 1))),
    Buffer.from('new'),
    Buffer.from(noise(90_000, 77)),
  ];
  const object = fc.nat(stored.length - 1);
  const step = fc.oneof(
    fc.tuple(fc.constant('flip' as const), object, fc.nat(200_000), fc.constant(0)),
    fc.tuple(fc.constant('cut' as const), object, fc.nat(200_000), fc.constant(0)),
    fc.tuple(fc.constant('insert' as const), object, fc.nat(100_000), fc.integer({ min: 1, max: 5000 })),
    fc.tuple(fc.constant('remove' as const), object, fc.nat(100_000), fc.integer({ min: 1, max: 90_000 })),
    fc.tuple(fc.constant('zero' as const), object, fc.nat(100_000), fc.integer({ min: 1, max: 90_000 })),
    fc.tuple(fc.constant('delete' as const), object, fc.constant(0), fc.constant(0)),
    fc.tuple(fc.constant('exchange' as const), object, object, fc.constant(0)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), async (steps) => {
      const bytes: (Uint8Array | undefined)[] = stored.map((each) => each.slice());
      for (const [kind, i, at, n] of steps) {
        const whole = Buffer.from(bytes[i] ?? new Uint8Array());
        const where = at % (whole.length + 1);
        if (kind === 'flip' && whole.length > where) whole[where] = (whole[where] ?? 0) ^ 4;
        if (kind === 'zero') whole.fill(0, where, Math.min(whole.length, where + n));
        bytes[i] = new Uint8Array(whole);
        if (kind === 'cut') bytes[i] = bytes[i]?.slice(0, where);
        if (kind === 'insert')
          bytes[i] = new Uint8Array(
            Buffer.concat([whole.subarray(0, where), noise(n, n), whole.subarray(where)]),
          );
        if (kind === 'remove')
          bytes[i] = new Uint8Array(Buffer.concat([whole.subarray(0, where), whole.subarray(where + n)]));
        if (kind === 'delete') bytes[i] = undefined;
        if (kind === 'exchange') [bytes[i], bytes[at]] = [bytes[at], bytes[i]];
      }
      const at = place();
      mkdirSync(at.storage.folder);
      for (const [i, name] of names(original).entries()) {
        const each = bytes[i];
        if (each !== undefined) writeFileSync(join(at.storage.folder, name), each);
      }
      const report = await save(at);
      expect(Buffer.from(canonical(await salvage(at.storage, key)))).toEqual(
        readFileSync(join(at.target, 'salvage.json')),
      );
      for (const [path, text] of Object.entries(report.out)) {
        if (!/^(?:files|partial|unnamed|packed)\/.*[^/]$/u.test(path)) continue;
        const out = Buffer.from(text, 'latin1');
        const spans = path.startsWith('partial/')
          ? (entryOf(report, path.slice(8))[0]?.recovered ?? [])
          : (report.unnamed.find(({ name }) => path === `unnamed/${name}.partial`)?.recovered ?? [
              [0, out.length],
            ]);
        const isRight = known.some((each) =>
          spans.every(([from, to]) => each.subarray(from, to).equals(out.subarray(from, to))),
        );
        expect(isRight, path).toBe(true);
        if (path.startsWith('files/')) expect(known.some((each) => each.equals(out))).toBe(true);
      }
      // What was not touched comes out: a file whose object, and both manifests, are as they were.
      if (steps.length === 1 && report.manifests[0]?.complete === true) {
        const [touched] = steps.map(([, i, other]) => [i, other]);
        const hit = new Set((touched ?? []).map((i) => names(original)[i]));
        for (const { path, state } of report.entries.filter(({ kind }) => kind === 'file')) {
          if (hit.has(await objectOf(original, path))) continue;
          expect(state, path).toBe('whole');
        }
      }
    }),
    { numRuns: 25 },
  );
}, 120_000);

// proves SLV-5, SLV-24
test('a storage that answers each read otherwise gets nothing wrong out', async () => {
  const at = await aBackup();
  let reads = 0;
  const storage: Storage = {
    put: (name) => at.storage.put(name),
    list: () => at.storage.list(),
    remove: (name) => at.storage.remove(name),
    flush: () => at.storage.flush(),
    async *read(name, from, to) {
      const change = reads++ % 7 === 3;
      for await (const piece of at.storage.read(name, from, to)) {
        const bytes = piece.slice();
        if (change) bytes[0] = (bytes[0] ?? 0) ^ 1;
        yield bytes;
      }
    },
  };
  const report = await salvage(storage, key, { target: at.target });
  for (const { path, recovered = [] } of report.entries.filter(({ state }) => state === 'partial')) {
    const out = readFileSync(join(at.target, 'partial', path));
    const original = readFileSync(join(at.source, path));
    for (const [from, to] of recovered)
      expect(out.subarray(from, to).equals(original.subarray(from, to))).toBe(true);
  }
  for (const [path, text] of Object.entries(tree(at.target))) {
    if (path.startsWith('files/') && !path.endsWith('/')) expect(text).toBe(tree(at.source)[path.slice(6)]);
  }
});
