import {
  chmodSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspect } from '../container/index.ts';
import { BackupKey } from '../keys/backup-key.ts';
import {
  canMount,
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
} from './fixture.ts';
import { StrongroomError } from '../errors.ts';
import {
  backup,
  DirectoryStorage,
  history,
  list,
  manifestContent,
  MediaHasher,
  openManifest,
  restore,
  RestoreError,
  tagBlocks,
  verify,
  type Upload,
} from './index.ts';

/** No two chunks alike. */
const noise = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) * 13 + (i >> 16)) & 255);

describe('round trip', () => {
  // proves MAN-12, RST-1
  it('brings back contents of every size around a chunk, and every kind of name', async () => {
    const chunk = 2 ** 18;
    const sizes = [
      0,
      1,
      chunk - 17,
      chunk - 16,
      chunk - 15,
      chunk - 1,
      chunk,
      chunk + 1,
      2 * chunk,
      5 * chunk + 3,
    ];
    const at = place({
      ...Object.fromEntries(sizes.map((size) => [`sizes/${size}`, noise(size)])),
      zeros: new Uint8Array(3 * chunk),
      'a.txt': 'beside a folder that sorts between',
      'a/x': 'in the folder',
      'unicode/é': 'composed',
      'unicode/e\u0301': 'decomposed',
      'unicode/😀 \uffff': 'beyond the first plane',
      'odd/back\\slash': '1',
      'odd/cur:2,S': '2',
      'odd/ leading and trailing ': '3',
      'odd/con': '4',
      'odd/new\nline': '5',
      [`long/${'x'.repeat(255)}`]: '6',
      'deep/1/2/3/4/5/6/7/8/9/file': '7',
    });
    mkdirSync(join(at.source, 'empty/within'), { recursive: true });
    const result = await backup(at.source, at.storage, { key });
    expect(result).toMatchObject({ generation: 1, skipped: [] });
    const report = await restore(at.storage, key, at.target);
    expect(tree(at.target)).toEqual(tree(at.source));
    expect(report).toMatchObject({ copies: 2, failed: [], damaged: [], generation: 1 });
    expect(report.restored.length).toBe(result.entries);
    expect(result.entries).toBe(Object.keys(tree(at.source)).length);
  });

  it('brings back links, rights and times', async () => {
    const at = place({ 'bin/tool': '#!', 'secret/key': 'k', old: 'o' });
    symlinkSync('../bin/tool', join(at.source, 'secret/link'));
    symlinkSync('nowhere/at/all', join(at.source, 'dangling'));
    lutimesSync(join(at.source, 'dangling'), 1000, 1000);
    chmodSync(join(at.source, 'bin/tool'), 0o755);
    chmodSync(join(at.source, 'secret/key'), 0o400);
    chmodSync(join(at.source, 'secret'), 0o500);
    utimesSync(join(at.source, 'bin/tool'), 1234567890.25, 1234567890.25);
    utimesSync(join(at.source, 'old'), new Date(-86_400_500), new Date(-86_400_500));
    utimesSync(join(at.source, 'secret'), 5, 5);
    await backup(at.source, at.storage, { key });
    await restore(at.storage, key, at.target);
    for (const path of ['bin/tool', 'secret/key', 'secret', 'old', 'secret/link', 'dangling', 'bin']) {
      const before = lstatSync(join(at.source, path));
      const after = lstatSync(join(at.target, path));
      expect([path, after.mode]).toEqual([path, before.mode]);
      expect(Math.abs(after.mtimeMs - before.mtimeMs)).toBeLessThan(0.01);
    }
    expect(readlinkSync(join(at.target, 'secret/link'))).toBe('../bin/tool');
    expect(readlinkSync(join(at.target, 'dangling'))).toBe('nowhere/at/all');
    expect(lstatSync(join(at.target, 'old')).mtimeMs).toBe(-86400500);
    chmodSync(join(at.source, 'secret'), 0o700);
    chmodSync(join(at.target, 'secret'), 0o700);
  });

  it('does not bring back set-user-id', async () => {
    const at = place({ tool: 'x' });
    chmodSync(join(at.source, 'tool'), 0o4755);
    await backup(at.source, at.storage, { key });
    await restore(at.storage, key, at.target);
    expect(statSync(join(at.target, 'tool')).mode & 0o7777).toBe(0o755);
  });

  it('writes nothing that names a file or its content', async () => {
    const at = place({ 'holiday-in-rome.txt': 'arrivederci'.repeat(100) });
    await backup(at.source, at.storage, { key });
    for (const name of readdirSync(at.storage.folder)) {
      expect(name).toMatch(/^[a-z2-7]{32}\.sro$/u);
      const bytes = readFileSync(join(at.storage.folder, name)).toString('latin1');
      expect(bytes).not.toContain('rome');
      expect(bytes).not.toContain('arrivederci');
    }
  });

  it('an empty folder is a backup', async () => {
    const at = place();
    await backup(at.source, at.storage, { key });
    expect(await restore(at.storage, key, at.target)).toMatchObject({ restored: [], failed: [] });
    expect(tree(at.target)).toEqual({});
  });

  it('tells progress that ends at the total', async () => {
    const at = place({ a: noise(3_000_000), b: 'b', 'c/d': 'd' });
    for (const run of [
      (onProgress: (p: object) => void) => backup(at.source, at.storage, { key, onProgress }),
      (onProgress: (p: object) => void) => restore(at.storage, key, at.target, { onProgress }),
      (onProgress: (p: object) => void) => verify(at.storage, key, { onProgress }),
    ]) {
      const seen: object[] = [];
      await run((progress) => seen.push(progress));
      expect(seen.length).toBeGreaterThan(4);
      expect(seen.at(-1)).toEqual({
        path: '',
        entries: 4,
        entriesTotal: 4,
        bytes: 3_000_002,
        bytesTotal: 3_000_002,
      });
    }
  });
});

describe('generations', () => {
  // proves SET-8
  it('follow each other in one set, and older ones stay', async () => {
    const at = place({ a: '1' });
    const first = await backup(at.source, at.storage, { key });
    write(at.source, 'a', '2');
    const second = await backup(at.source, at.storage, { key });
    expect(second).toMatchObject({ generation: 2, setId: first.setId });
    const { manifest } = await openManifest(at.storage, key);
    const { manifestId, manifests: commitments } = first;
    expect(manifest.ancestors).toEqual([{ generation: 1, manifestId, commitments }]);
    expect(manifest.commitments).toEqual(second.manifests);
    const names = (await history(at.storage, key)).map(({ generation }) => generation);
    expect(names).toEqual([2, 2, 1, 1]);
    const [older] = (await history(at.storage, key)).filter(({ generation }) => generation === 1);
    const target = join(at.base, 'older');
    await restore(at.storage, key, target, { manifest: older?.name ?? '' });
    await restore(at.storage, key, at.target);
    expect(tree(target)).toEqual({ a: '1' });
    expect(tree(at.target)).toEqual({ a: '2' });
  });

  // proves SET-6, MAN-9, HDR-3
  it('never share an object or a salt', async () => {
    const at = place({ a: noise(70_000), b: noise(80_000) });
    await backup(at.source, at.storage, { key });
    for (const [i, path] of ['a', 'b'].entries()) write(at.source, path, noise(90_000 + i));
    await backup(at.source, at.storage, { key });
    const salts = readdirSync(at.storage.folder).map((name) =>
      Buffer.from(inspect(readFileSync(join(at.storage.folder, name))).salt).toString('hex'),
    );
    expect(salts.length).toBe(8);
    expect(new Set(salts).size).toBe(8);
  });

  // proves MAN-9
  it('of one folder have nothing random in common', async () => {
    const at = place({ a: 'same' });
    const other = new DirectoryStorage(join(at.base, 'other'));
    const [one, two] = [
      await backup(at.source, at.storage, { key }),
      await backup(at.source, other, { key }),
    ];
    expect(one.setId).not.toEqual(two.setId);
    const keys = [at.storage, other].map(async (each) => (await openManifest(each, key)).manifest.mediaKey);
    expect(await keys[0]).not.toEqual(await keys[1]);
    const names = new Set([at.storage, other].flatMap(({ folder }) => readdirSync(folder)));
    expect(names.size).toBe(6);
  });

  // proves MAN-1, MAN-18, MAN-22
  it('are described as the table says', async () => {
    const content = noise(70_000);
    const at = place({ 'd/file': content });
    chmodSync(join(at.source, 'd/file'), 0o4640);
    utimesSync(join(at.source, 'd/file'), new Date(-1), new Date(-1));
    const before = Math.floor(Date.now() / 1000);
    const first = await backup(at.source, at.storage, { key });
    const { manifest } = await openManifest(at.storage, key);
    expect(manifest).toMatchObject({ setId: first.setId, generation: 1, keyEpoch: 1, ancestors: [] });
    expect(manifest.created).toBeGreaterThanOrEqual(before);
    expect(manifest.created).toBeLessThanOrEqual(Date.now() / 1000);
    const [name, stored] = [await objectOf(at, 'd/file'), manifest.entries[1]];
    const object = readFileSync(join(at.storage.folder, name));
    const { prefix, commitment } = inspect(object);
    expect(stored).toMatchObject({
      kind: 'file',
      path: 'd/file',
      mode: 0o640,
      modified: { seconds: -1, nanoseconds: 999_000_000 },
      contentLength: 70_000,
      parts: [{ object: 0, range: undefined }],
    });
    const hasher = new MediaHasher(manifest.mediaKey);
    hasher.update(content);
    expect(stored).toMatchObject({ mediaId: hasher.digest() });
    const tag = Buffer.from(tagBlocks(manifest.mediaKey, 0, content));
    expect(Buffer.concat([...manifestContent(manifest)]).includes(tag)).toBe(false);
    expect(manifest.objects).toEqual([
      { commitment, prefix, length: object.length, contentLength: 70_000, keyEpoch: 1 },
    ]);
    const second = await backup(at.source, at.storage, { key });
    const next = (await openManifest(at.storage, key)).manifest;
    expect(next).toMatchObject({ setId: first.setId, generation: 2, mediaKey: manifest.mediaKey });
    expect(next.ancestors).toMatchObject([{ generation: 1, manifestId: first.manifestId }]);
    expect(second.manifestId).not.toEqual(first.manifestId);
  });

  // proves SET-2
  it('never take the place of an object', async () => {
    const at = place();
    const name = `${'a'.repeat(32)}.sro`;
    for (const [text, code] of [
      ['first', 'fulfilled'],
      ['second', 'exists'],
    ] as const) {
      const upload: Upload = at.storage.put(name);
      await upload.write([Buffer.from(text)]);
      await upload.sync();
      expect(await codeOf(Promise.resolve().then(() => upload.commit()))).toBe(code);
      await upload.discard();
      expect(readFileSync(join(at.storage.folder, name), 'utf8')).toBe('first');
    }
  });

  // proves SET-15
  it('two of the same number are a fork, until one is named', async () => {
    const at = place({ a: '0' });
    await backup(at.source, at.storage, { key });
    const other = place();
    execFileSync('cp', ['-r', at.storage.folder, other.storage.folder]);
    write(at.source, 'a', 'left');
    await backup(at.source, at.storage, { key });
    write(at.source, 'a', 'right');
    await backup(at.source, other.storage, { key });
    execFileSync('cp', ['-rn', `${other.storage.folder}/.`, at.storage.folder]);
    expect(await codeOf(restore(at.storage, key, at.target))).toBe('fork');
    expect(await codeOf(verify(at.storage, key))).toBe('fork');
    const contents = new Set<string>();
    for (const { name, generation } of await history(at.storage, key)) {
      if (generation < 2) continue;
      const report = await restore(at.storage, key, at.target, { manifest: name, force: true });
      expect(report.copies).toBe(2);
      contents.add(readFileSync(join(at.target, 'a'), 'utf8'));
    }
    expect(contents).toEqual(new Set(['left', 'right']));
    // A new backup is newer than both and ends the fork.
    expect(await backup(at.source, at.storage, { key })).toMatchObject({ generation: 3 });
    const { ancestors } = (await openManifest(at.storage, key)).manifest;
    expect(ancestors.map(({ generation }) => generation)).toEqual([1]);
  });

  it('two sets in one storage are a fork, for a backup too', async () => {
    const at = place({ a: 'a' });
    const other = place({ b: 'b' });
    await backup(at.source, at.storage, { key });
    await backup(other.source, other.storage, { key });
    execFileSync('cp', ['-rn', `${other.storage.folder}/.`, at.storage.folder]);
    expect(await codeOf(restore(at.storage, key, at.target))).toBe('fork');
    expect(await codeOf(backup(at.source, at.storage, { key }))).toBe('fork');
  });

  it('of another key are no concern', async () => {
    const at = place({ a: 'a' });
    const stranger = BackupKey.generate();
    await backup(at.source, at.storage, { key: stranger });
    expect(await codeOf(restore(at.storage, key, at.target))).toBe('wrong-key');
    expect(await backup(at.source, at.storage, { key })).toMatchObject({ generation: 1 });
    expect(await restore(at.storage, key, at.target)).toMatchObject({ failed: [] });
    expect(await list(at.storage, stranger)).toMatchObject({ generation: 1, copies: 2 });
  });

  it('a storage without any is no backup', async () => {
    const at = place({ a: 'a' });
    expect(await codeOf(restore(at.storage, key, at.target))).toBe('no-backup');
    await backup(at.source, at.storage, { key });
    for (const name of await copiesOf(at)) at.storage.remove(name);
    expect(await codeOf(restore(at.storage, key, at.target))).toBe('no-backup');
    expect(await codeOf(restore(at.storage, key, at.target, { manifest: `${'a'.repeat(32)}.sro` }))).toBe(
      'object-missing',
    );
  });
});

describe('damage', () => {
  const files = { a: noise(70_000), b: noise(600_000), 'c/d': 'whole' };

  // proves RST-9, RST-10, RST-11
  it.each([
    ['its header', flipAt(20), 'header-damaged'],
    ['its magic', flipAt(0), 'not-an-object'],
    ['its version', flipAt(8), 'unsupported-version'],
    ['its chunk size', flipAt(10), 'unsupported-chunk-size'],
    ['its first chunk', flipChunk, 'chunk-damaged'],
    ['its last byte', flipAt(-1), 'chunk-damaged'],
    ['its end', (bytes: Buffer) => bytes.subarray(0, -40), 'truncated'],
    ['all but its header', (bytes: Buffer) => bytes.subarray(0, inspect(bytes).length), 'truncated'],
    ['all of it', () => new Uint8Array(), 'truncated'],
    ['nothing, with a byte added', (bytes: Buffer) => Buffer.concat([bytes, Buffer.of(0)]), 'trailing-data'],
  ] as const)('of an object, in %s, costs that file only', async (_what, change, code) => {
    const at = place(files);
    await backup(at.source, at.storage, { key });
    tamper(at, await objectOf(at, 'b'), change);
    const error: unknown = await restore(at.storage, key, at.target).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(RestoreError);
    if (!(error instanceof RestoreError)) return;
    expect(error.code).toBe(code);
    expect(error.report.failed).toEqual([{ path: 'b', code }]);
    expect(error.report.restored).toEqual(['a', 'c', 'c/d']);
    expect(Object.keys(tree(at.target)).sort()).toEqual(['a', 'c/', 'c/d']);
    expect(await verify(at.storage, key)).toMatchObject({ failed: [{ path: 'b', code }], verified: 3 });
  });

  // proves RST-9
  it('of nothing: an object that is missing, swapped, or of an older backup', async () => {
    const at = place({ ...files, e: noise(80_000) });
    await backup(at.source, at.storage, { key });
    const old = readFileSync(join(at.storage.folder, await objectOf(at, 'a')));
    write(at.source, 'a', noise(70_001));
    await backup(at.source, at.storage, { key });
    const [a, b, e] = [await objectOf(at, 'a'), await objectOf(at, 'b'), await objectOf(at, 'e')];
    tamper(at, a, () => old);
    expect(await codeOf(restore(at.storage, key, at.target))).toBe('object-mismatch');
    rmSync(join(at.storage.folder, a));
    expect((await verify(at.storage, key)).failed).toEqual([{ path: 'a', code: 'object-missing' }]);
    renameSync(join(at.storage.folder, e), join(at.storage.folder, 'e'));
    renameSync(join(at.storage.folder, b), join(at.storage.folder, e));
    renameSync(join(at.storage.folder, 'e'), join(at.storage.folder, b));
    expect((await verify(at.storage, key)).failed).toEqual([
      { path: 'a', code: 'object-missing' },
      { path: 'b', code: 'object-mismatch' },
      { path: 'e', code: 'object-mismatch' },
    ]);
  });

  // proves SET-4
  it('an object of another key or account in its place is a mismatch, not a wrong key', async () => {
    const at = place(files);
    const other = place(files);
    await backup(at.source, at.storage, { key });
    const stranger = BackupKey.generate();
    await backup(other.source, other.storage, { key: stranger });
    const [name = ''] = (await verify(other.storage, stranger)).unused.concat(
      readdirSync(other.storage.folder).filter(
        (each) => inspect(readFileSync(join(other.storage.folder, each))).type === 'blob',
      ),
    );
    tamper(at, await objectOf(at, 'a'), () => readFileSync(join(other.storage.folder, name)));
    expect((await verify(at.storage, key)).failed).toEqual([{ path: 'a', code: 'object-mismatch' }]);
  });

  // proves SET-17, SET-18
  it.each([
    ['header', flipAt(30), 'header-damaged'],
    ['first chunk', flipChunk, 'chunk-damaged'],
    ['end', (bytes: Buffer) => bytes.subarray(0, -1), 'chunk-damaged'],
  ] as const)(
    'of one manifest, in its %s: the other serves, and the report says so',
    async (_what, change, code) => {
      for (const which of [0, 1]) {
        const at = place(files);
        await backup(at.source, at.storage, { key });
        const name = (await copiesOf(at))[which] ?? '';
        tamper(at, name, change);
        const report = await restore(at.storage, key, at.target);
        expect(tree(at.target)).toEqual(tree(at.source));
        expect(report).toMatchObject({ copies: 1, failed: [] });
        expect(report.damaged).toMatchObject([{ name, code }]);
      }
    },
  );

  // proves SET-7, SET-18
  it('of one manifest that is gone: the other serves', async () => {
    const at = place(files);
    await backup(at.source, at.storage, { key });
    at.storage.remove((await copiesOf(at))[0] ?? '');
    expect(await restore(at.storage, key, at.target)).toMatchObject({ copies: 1, failed: [] });
  });

  // proves SET-16, SET-17
  it('of both manifests, in a late chunk: the error is reported, the older backup is not taken for the newest', async () => {
    const at = place();
    for (let i = 0; i < 400; i++) symlinkSync('to', join(at.source, `${i}-${'n'.repeat(200)}`));
    await backup(at.source, at.storage, { key });
    await backup(at.source, at.storage, { key });
    for (const name of await copiesOf(at)) tamper(at, name, flipAt(-1));
    expect(await codeOf(restore(at.storage, key, at.target))).toBe('chunk-damaged');
    const [old] = (await history(at.storage, key)).filter(({ generation }) => generation === 1);
    expect(await restore(at.storage, key, at.target, { manifest: old?.name ?? '' })).toMatchObject({
      failed: [],
    });
    expect(await backup(at.source, at.storage, { key })).toMatchObject({ generation: 3, skipped: [] });
  });

  it('of both manifests from the start: the reason is the damage, not the key', async () => {
    const at = place(files);
    await backup(at.source, at.storage, { key });
    const copies = await copiesOf(at);
    for (const name of copies) tamper(at, name, flipChunk);
    expect(await codeOf(restore(at.storage, key, at.target))).toBe('chunk-damaged');
    expect(await codeOf(restore(at.storage, key, at.target, { manifest: copies[0] ?? '' }))).toBe(
      'chunk-damaged',
    );
    expect(await codeOf(restore(at.storage, BackupKey.generate(), at.target))).toBe('wrong-key');
  });

  it('of the disk under one object costs that one only, and stops a backup', async () => {
    const at = place(files);
    await backup(at.source, at.storage, { key });
    const [copy = ''] = await copiesOf(at);
    for (const name of [await objectOf(at, 'a'), copy]) {
      class Scratched extends DirectoryStorage {
        override read(
          each: string,
          start?: number,
          end?: number,
        ): AsyncGenerator<Uint8Array, void, undefined> {
          return each === name ? broken() : super.read(each, start, end);
        }
      }
      // oxlint-disable-next-line require-yield -- it fails before it could
      async function* broken(): AsyncGenerator<Uint8Array, void, undefined> {
        throw new StrongroomError('io', 'EIO: i/o error, read');
      }
      const storage = new Scratched(at.storage.folder);
      const report = await verify(storage, key);
      expect(report.failed).toEqual(name === copy ? [] : [{ path: 'a', code: 'io' }]);
      expect(report.copies).toBe(name === copy ? 1 : 2);
      expect(report.damaged).toMatchObject([{ name, code: 'io' }]);
      expect(await codeOf(backup(at.source, storage, { key }))).toBe('io');
    }
  });

  // proves SET-1, SET-3, RST-12
  it('of nothing: strays, renamed objects and other files are reported or ignored', async () => {
    const at = place(files);
    await backup(at.source, at.storage, { key });
    const blob = readFileSync(join(at.storage.folder, await objectOf(at, 'a')));
    const [copy = ''] = await copiesOf(at);
    const manifest = readFileSync(join(at.storage.folder, copy));
    writeFileSync(join(at.storage.folder, 'notes.txt'), 'not an object');
    writeFileSync(join(at.storage.folder, `${'b'.repeat(32)}.sro`), blob);
    writeFileSync(join(at.storage.folder, `${'c'.repeat(32)}.sro`), manifest);
    const report = await verify(at.storage, key);
    expect(report).toMatchObject({ failed: [], copies: 2 });
    expect(report.damaged.map(({ name, code }) => `${name[0]} ${code}`).sort()).toEqual([
      'b object-mismatch',
      'c object-mismatch',
    ]);
    expect(report.unused.map((name) => name[0])).toEqual(['b', 'c']);
  });
});

describe('a target', () => {
  // proves RST-2, RST-4
  it('is not overwritten, and nothing is written before that is known', async () => {
    const at = place({ a: 'new', z: 'new' });
    await backup(at.source, at.storage, { key });
    write(at.target, 'z', 'mine');
    expect(await codeOf(restore(at.storage, key, at.target))).toBe('exists');
    expect(tree(at.target)).toEqual({ z: 'mine' });
    await restore(at.storage, key, at.target, { force: true });
    expect(tree(at.target)).toEqual({ a: 'new', z: 'new' });
  });

  it('keeps what the backup does not name', async () => {
    const at = place({ 'd/a': 'new' });
    await backup(at.source, at.storage, { key });
    write(at.target, 'd/other', 'mine');
    await restore(at.storage, key, at.target);
    expect(tree(at.target)).toEqual({ 'd/': '', 'd/a': 'new', 'd/other': 'mine' });
  });

  // proves RST-5
  it('with a folder where a file goes, or a file where a folder goes, is refused even by force', async () => {
    for (const [path, clash] of [
      ['x', 'x/inside'],
      ['x/inside', 'x'],
    ] as const) {
      const at = place({ [path]: 'new' });
      await backup(at.source, at.storage, { key });
      write(at.target, clash, 'mine');
      expect(await codeOf(restore(at.storage, key, at.target, { force: true }))).toBe('exists');
      expect(readFileSync(join(at.target, clash), 'utf8')).toBe('mine');
    }
  });

  // proves RST-6
  it('with a link where a folder goes is refused: nothing is written through it', async () => {
    const at = place({ 'd/a': 'new' });
    await backup(at.source, at.storage, { key });
    mkdirSync(at.target);
    mkdirSync(join(at.base, 'elsewhere'));
    symlinkSync('../elsewhere', join(at.target, 'd'));
    expect(await codeOf(restore(at.storage, key, at.target, { force: true }))).toBe('unsafe-path');
    expect(readdirSync(join(at.base, 'elsewhere'))).toEqual([]);
  });

  it('with a link where a file goes: force replaces the link, not what it points to', async () => {
    const at = place({ a: 'new' });
    await backup(at.source, at.storage, { key });
    mkdirSync(at.target);
    write(at.base, 'elsewhere', 'mine');
    symlinkSync('../elsewhere', join(at.target, 'a'));
    expect(await codeOf(restore(at.storage, key, at.target))).toBe('exists');
    await restore(at.storage, key, at.target, { force: true });
    expect(tree(at.target)).toEqual({ a: 'new' });
    expect(readFileSync(join(at.base, 'elsewhere'), 'utf8')).toBe('mine');
  });

  it.skipIf(!canMount())('in which two names mean one file keeps it, even by force', async () => {
    const at = place({ a: 'one', b: 'two' });
    await backup(at.source, at.storage, { key });
    write(at.target, 'a', 'mine');
    write(at.target, 'b', '');
    execFileSync('mount', ['--bind', join(at.target, 'a'), join(at.target, 'b')]);
    try {
      expect(await codeOf(restore(at.storage, key, at.target, { force: true }))).toBe('exists');
      expect(readFileSync(join(at.target, 'a'), 'utf8')).toBe('mine');
    } finally {
      execFileSync('umount', [join(at.target, 'b')]);
    }
  });

  // proves RST-8
  it('in which a file appears meanwhile keeps that file', async () => {
    const at = place({ a: noise(5000), b: 'theirs' });
    await backup(at.source, at.storage, { key });
    const onProgress = ({ path }: { path: string }): void => {
      if (path === 'b') write(at.target, 'b', 'mine');
    };
    for (const force of [false, true]) {
      rmSync(at.target, { recursive: true, force: true });
      const error: unknown = await restore(at.storage, key, at.target, { force, onProgress }).catch(
        (cause: unknown) => cause,
      );
      expect(error).toMatchObject({ code: 'exists', report: { restored: ['a'] } });
      expect(Object.keys(tree(at.target))).toEqual(['a', 'b']);
      expect(readFileSync(join(at.target, 'b'), 'utf8')).toBe('mine');
    }
  });

  it('in which a folder becomes a link meanwhile gets nothing through it', async () => {
    const at = place({ a: 'first', 'd/b': 'second' });
    await backup(at.source, at.storage, { key });
    mkdirSync(join(at.base, 'elsewhere'));
    const onProgress = ({ path }: { path: string }): void => {
      if (path !== 'a') return;
      rmSync(join(at.target, 'd'), { recursive: true });
      symlinkSync('../elsewhere', join(at.target, 'd'));
    };
    expect(await codeOf(restore(at.storage, key, at.target, { onProgress }))).toBe('unsafe-path');
    expect(readdirSync(join(at.base, 'elsewhere'))).toEqual([]);
  });

  // proves RST-7
  it('gets its links after all of its files', async () => {
    const at = place({ b: 'file', z: 'file' });
    symlinkSync('b', join(at.source, 'a'));
    await backup(at.source, at.storage, { key });
    const seen: string[] = [];
    const onProgress = ({ path }: { path: string }): void => {
      if (path !== 'b' && path !== 'z') return;
      seen.push(path);
      expect(lstatSync(join(at.target, 'a'), { throwIfNoEntry: false })).toBeUndefined();
    };
    await restore(at.storage, key, at.target, { onProgress });
    expect(seen).toEqual(expect.arrayContaining(['b', 'z']));
    expect(readlinkSync(join(at.target, 'a'))).toBe('b');
  });

  // proves RST-3, RST-10
  it('gets no new file by force if the old one stands and the object is damaged', async () => {
    const at = place({ a: noise(500_000) });
    await backup(at.source, at.storage, { key });
    tamper(at, await objectOf(at, 'a'), flipAt(-1));
    write(at.target, 'a', 'mine');
    expect(await codeOf(restore(at.storage, key, at.target, { force: true }))).toBe('chunk-damaged');
    expect(tree(at.target)).toEqual({ a: 'mine' });
  });

  // proves RST-10
  it('that is cancelled half-way holds only whole files', async () => {
    const at = place({ a: 'whole', b: noise(8_000_000), c: 'later' });
    await backup(at.source, at.storage, { key });
    const stop = new AbortController();
    const options = {
      signal: stop.signal,
      onProgress: ({ bytes }: { bytes: number }) => {
        if (bytes > 1_000_000) stop.abort();
      },
    };
    const error: unknown = await restore(at.storage, key, at.target, options).catch(
      (cause: unknown) => cause,
    );
    // Small files lie together, so they come together, and those that were verified get their names.
    expect(error).toMatchObject({
      code: 'cancelled',
      report: { restored: ['a', 'c'], failed: [{ path: 'b' }] },
    });
    expect(tree(at.target)).toEqual({ a: 'whole', c: 'later' });
  });
});
