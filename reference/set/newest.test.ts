import { describe, expect, it } from 'vitest';
import { encodeHeader, encodePrefix } from '../container/header.ts';
import { inspect } from '../container/index.ts';
import { codeOf, copiesOf, key, objectOf, place, tamper, write, type Place } from './fixture.ts';
import { backup, DirectoryStorage, list, manifestContent, openManifest, restore, verify } from './index.ts';

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
function spoil(bytes: Buffer): Buffer {
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  return bytes;
}

describe('a manifest of an unknown generation', () => {
  /** Two generations, and a way to make copies of one unreadable from their first chunk on. */
  async function twoGenerations(): Promise<{
    readonly at: Place;
    readonly copies: readonly (readonly string[])[];
    readonly damage: (...names: readonly string[]) => void;
  }> {
    const at = place({ diary: 'first' });
    const copies: (readonly string[])[] = [];
    for (const content of ['first', 'second']) {
      write(at.source, 'diary', content);
      await backup(at.source, at.storage, { key });
      copies.push(await copiesOf(at));
    }
    const damage = (...names: readonly string[]): void => {
      for (const name of names) tamper(at, name, spoil);
    };
    return { at, copies, damage };
  }

  // proves SET-16
  it('stops restore and backup if it may be the newest', async () => {
    const { at, copies, damage } = await twoGenerations();
    damage(...(copies[1] ?? []));
    await expect(restore(at.storage, key, at.target)).rejects.toMatchObject({ code: 'chunk-damaged' });
    await expect(backup(at.source, at.storage, { key })).rejects.toMatchObject({ code: 'chunk-damaged' });
    const manifest = copies[0]?.[0] ?? '';
    expect(await restore(at.storage, key, at.target, { manifest })).toMatchObject({ generation: 1 });
  });

  it('stops nothing if it can only be an older one, or the twin of what is read', async () => {
    const { at, copies, damage } = await twoGenerations();
    const [[first = '', second = ''] = [], [twin = ''] = []] = copies;
    damage(first, second, twin);
    expect(await restore(at.storage, key, at.target)).toMatchObject({ generation: 2, copies: 1 });
  });

  it('is no reason to begin a set anew', async () => {
    const at = place({ diary: 'only' });
    await backup(at.source, at.storage, { key });
    for (const name of await copiesOf(at)) tamper(at, name, spoil);
    await expect(backup(at.source, at.storage, { key })).rejects.toMatchObject({ code: 'chunk-damaged' });
  });
});
