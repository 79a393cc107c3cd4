/**
 * Every writer of sets against every reader, and two writers after each other in one storage.
 *
 * @module
 */
import { chmodSync, lutimesSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { toHex } from '../peer/primitives.ts';
import { readTree } from '../runner/folder.ts';
import type { Cell, MatrixTable } from '../schema/matrix.ts';
import type { Place, Tree } from '../schema/vector.ts';
import { ask, attempt, Checks, drawn, Mismatch, newFolder, type Parameters, type Run } from './crossing.ts';
import type { Member } from './implementations.ts';

/** Lengths of files: none, one byte, what a pack holds, what fills chunks, and more than one piece of any reader. */
const FILES: readonly (readonly [path: string, length: number, mode: number])[] = [
  ['empty', 0, 0o644],
  ['one byte', 1, 0o600],
  ['notes/monday.txt', 100, 0o640],
  ['notes/tuesday.txt', 4096, 0o644],
  ['notes/Ä ü 雪 🎈.txt', 300, 0o644],
  ['notes/deep/er/still/file', 65_520, 0o444],
  ['program', 70_000, 0o755],
  ['film', 1_200_000, 0o644],
];

/** The folder in which all times are of the past, and each is another one. */
class Source {
  readonly folder: string;
  readonly #seed: number;
  #time = 1_500_000_000;

  constructor(run: Run, name: string) {
    this.folder = newFolder(run, name);
    this.#seed = run.seed;
  }

  write(path: string, length: number, mode = 0o644, name = path): this {
    const place = join(this.folder, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, drawn(this.#seed, `file ${name}`, length));
    chmodSync(place, mode);
    return this;
  }

  /** Gives everything that is there now a time of its own. */
  settle(): this {
    for (const path of Object.keys(readTree(this.folder))) {
      const time = (this.#time += 1000);
      lutimesSync(join(this.folder, path), time, time);
    }
    return this;
  }
}

/** A folder with something of everything that a set can hold. */
function first(run: Run, name: string): Source {
  const source = new Source(run, name);
  for (const [path, length, mode] of FILES) source.write(path, length, mode);
  mkdirSync(join(source.folder, 'nothing in it'));
  symlinkSync('../film', join(source.folder, 'notes', 'link'));
  return source.settle();
}

/** Changes, removes, adds and renames. */
function later(source: Source): void {
  source.write('notes/monday.txt', 100, 0o640, 'another monday').write('new', 20_000);
  rmSync(join(source.folder, 'program'));
  source.write('notes/moved', 70_000, 0o755, 'program').settle();
}

function plain(place: Place | undefined): string {
  return place === undefined ? 'nothing' : JSON.stringify(place);
}

/** What is wrong with a restored folder. */
function difference(expected: Tree, actual: Tree): string | undefined {
  const paths = [...new Set([...Object.keys(expected), ...Object.keys(actual)])].sort();
  const path = paths.find((each) => plain(expected[each]) !== plain(actual[each]));
  if (path === undefined) return undefined;
  return `${JSON.stringify(path)} is ${plain(actual[path])}, and was ${plain(expected[path])}`;
}

/** A storage, and what its last writer backed up. */
interface Stored {
  readonly storage: string;
  readonly key: string;
  readonly generation: number;
  readonly tree: Tree;
}

async function backUp(writer: Member, source: Source, stored: Omit<Stored, 'tree'>): Promise<Stored> {
  const tree = readTree(source.folder);
  const { folder } = source;
  const params: Parameters = { folder, storage: stored.storage, key: stored.key };
  const { generation, skipped } = await ask(writer, 'set.back-up', params);
  if (generation === stored.generation && JSON.stringify(skipped) === '[]') return { ...stored, tree };
  const said = `set.back-up made generation ${JSON.stringify(generation)} and left out ${JSON.stringify(skipped)}`;
  throw new Mismatch(writer.name, { op: 'set.back-up', params }, said);
}

async function reads(run: Run, reader: Member, stored: () => Stored): Promise<Checks> {
  const checks = new Checks(run);
  await checks.check('the newest generation is found', async () => {
    const { storage, key, generation } = stored();
    const request = { op: 'set.find', params: { storage, key } };
    const found = await ask(reader, request.op, request.params);
    if (found['generation'] !== generation || JSON.stringify(found['damaged']) !== '[]')
      throw new Mismatch(
        reader.name,
        request,
        `found ${JSON.stringify(found)}, not generation ${generation}`,
      );
  });
  await checks.check('everything in it verifies', async () => {
    const { storage, key, tree } = stored();
    const request = { op: 'set.verify', params: { storage, key } };
    const { verified, failed } = await ask(reader, request.op, request.params);
    const all = Object.keys(tree).length;
    if (verified !== all || JSON.stringify(failed) !== '[]')
      throw new Mismatch(
        reader.name,
        request,
        `verified ${JSON.stringify(verified)} of ${all} entries, failed ${JSON.stringify(failed)}`,
      );
  });
  await checks.check('the folder is restored, byte for byte, with modes and times', async () => {
    const { storage, key, tree } = stored();
    const request = { op: 'set.restore', params: { storage, key, target: newFolder(run, 'target') } };
    await ask(reader, request.op, request.params);
    const fault = difference(tree, readTree(request.params.target));
    if (fault !== undefined) throw new Mismatch(reader.name, request, fault);
  });
  return checks;
}

/**
 * Every writer against every reader; then every writer on top of what every writer left, so that each reads what the
 * other knows of the set.
 */
export async function crossSets(
  run: Run,
  writers: readonly Member[],
  readers: readonly Member[],
): Promise<MatrixTable> {
  const cells: Cell[] = [];
  const read = async (stored: () => Stored, by: readonly string[]): Promise<void> => {
    for (const reader of readers) {
      run.progress(`${reader.name} restores what ${by.join(' and then ')} backed up`);
      cells.push((await reads(run, reader, stored)).cell(by, reader.name));
    }
  };
  for (const one of writers) {
    for (const other of writers) {
      const name = `${one.name}-${other.name}`;
      const source = first(run, `source-${name}`);
      const key = toHex(drawn(run.seed, `set ${name}`, 32));
      const empty = { storage: newFolder(run, `storage-${name}`), key, generation: 1 };
      run.progress(`${one.name} backs up a folder`);
      const begun = await attempt(async () => backUp(one, source, empty));
      if (other === one) await read(begun, [one.name]);
      later(source);
      run.progress(`${other.name} backs up on top of ${one.name}`);
      const by = [one.name, other.name];
      await read(await attempt(async () => backUp(other, source, { ...begun(), generation: 2 })), by);
    }
  }
  return {
    kind: 'sets',
    title: 'Backup sets: who wrote the generations, and who restored the newest',
    cells,
  };
}
