/**
 * Where a writer of sets is tested: a folder to back up and a storage, both the runner's, and the suite's own reader
 * and writer beside the one under test.
 *
 * @module
 */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fresh, same, toHex, type Bytes } from '../../peer/primitives.ts';
import { audit, objectsIn, type Audit, type Objects } from '../../peer/set-audit.ts';
import { demand, Fault } from '../../peer/set-reading.ts';
import type { Stored } from '../../peer/set.ts';
import type { Case, CaseContext } from '../../runner/case.ts';
import type { Adapter } from '../../runner/adapter.ts';
import { failed, score, type Score } from '../../runner/score.ts';
import type { FailureClass } from '../../schema/report.ts';
import type { Value } from '../../schema/vector.ts';
import { now, observe, within } from '../../tape/tape.ts';

/** A score that ends a case. */
class Ended extends Error {
  readonly score: Score;

  constructor(ended: Score) {
    super('ended');
    this.score = ended;
  }
}

/** Ends the case with this failure unless the fact holds. */
export function require(fact: boolean, failure: FailureClass, detail: string): asserts fact {
  if (!fact) throw new Ended(failed(failure, detail));
}

/** Something that was left out of a backup. */
export interface LeftOut {
  readonly path: string;
  readonly code: string;
}

/** What a backup reported. */
export interface BackedUp {
  readonly generation: Value | undefined;
  readonly skipped: Value | undefined;
}

/** Options of one backup. */
export type Options = Readonly<Record<string, Value>>;

/** A folder, a storage and a key. */
export class Stage {
  readonly key: Bytes = fresh(32);
  readonly folder: string;
  readonly storage: string;
  readonly adapter: Adapter;
  readonly #loose: boolean;
  readonly #top: string;

  constructor({ adapter, loose, folder }: CaseContext) {
    if (adapter === undefined) throw new Error('a writer needs an adapter');
    this.adapter = adapter;
    this.#loose = loose;
    this.#top = join(folder, toHex(fresh(8)));
    this.folder = join(this.#top, 'folder');
    this.storage = join(this.#top, 'storage');
    mkdirSync(this.folder, { recursive: true });
    mkdirSync(this.storage, { recursive: true });
  }

  /** Removes all of it. */
  clear(): void {
    rmSync(this.#top, { recursive: true, force: true });
  }

  /** Writes a file of the folder. */
  write(path: string, content: Uint8Array): void {
    const place = join(this.folder, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, content);
  }

  /** Puts objects of the suite's own into the storage. */
  put(...objects: readonly Stored[]): void {
    for (const { name, object } of objects) this.overwrite(name, object);
  }

  /** Puts bytes under a name of the storage. */
  overwrite(name: string, object: Uint8Array): void {
    writeFileSync(join(this.storage, name), object);
  }

  /** Flips a bit of an object; from its end if the place is negative. */
  damage(name: string, at: number): void {
    const object = readFileSync(join(this.storage, name));
    const place = at < 0 ? object.length + at : at;
    object[place] = (object[place] ?? 0) ^ 1;
    this.overwrite(name, object);
  }

  /** All objects of the storage. */
  objects(): Objects {
    return objectsIn(this.storage);
  }

  /** Parameters of a backup. */
  params(): Record<string, Value> {
    return { folder: this.folder, storage: this.storage, key: toHex(this.key) };
  }

  /** Backs the folder up; whatever is no success ends the case. */
  async backUp(options: Options = {}): Promise<BackedUp> {
    const { generation, skipped } = await this.ask('set.back-up', { ...this.params(), ...options });
    return { generation, skipped };
  }

  /** Backs the folder up with nothing left out, and opens all that is there now. */
  async backUpWhole(options: Options = {}): Promise<Audit> {
    const { generation, skipped } = await this.backUp(options);
    require(JSON.stringify(skipped) === '[]', 'wrong-output', `left out ${JSON.stringify(skipped)}`);
    const found = this.look();
    require(found.manifest.generation === generation, 'wrong-output', `another generation than it says`);
    this.requireFolder(found);
    return found;
  }

  /** One request that has to succeed. */
  async ask(op: string, params: Options): Promise<Record<string, Value>> {
    const outcome = await this.adapter.call(op, { storage: this.storage, ...params });
    if (outcome.outcome === 'ok') return outcome.result;
    throw new Ended(score({ outcome: 'ok', result: {} }, outcome, undefined, this.#loose));
  }

  /** One request that has to be refused with this code, and to leave the storage as it is. */
  async refused(op: string, params: Options, ...errors: string[]): Promise<void> {
    const before = this.objects();
    const all = { storage: this.storage, key: toHex(this.key), ...params };
    const outcome = await this.adapter.call(op, all);
    const result = score({ outcome: 'reject', errors }, outcome, undefined, this.#loose);
    if (result.status !== 'pass') throw new Ended(result);
    this.requireAs(before, this.objects());
  }

  /** Opens the newest generation. */
  look(key: Bytes = this.key, generation?: number): Audit {
    return audit(this.objects(), key, generation);
  }

  /** Every object of `before` is there, byte for byte, and nothing else. */
  requireAs(before: Objects, after: Objects): void {
    this.requireKept(before, after);
    for (const name of after.keys()) require(before.has(name), 'state', `${name} came into the storage`);
  }

  /** Every object of `before` is there, byte for byte. */
  requireKept(before: Objects, after: Objects, names: Iterable<string> = before.keys()): void {
    for (const name of names) {
      const [was, now] = [before.get(name), after.get(name)];
      require(now !== undefined, 'state', `${name} was removed`);
      require(was !== undefined && same(was, now), 'state', `${name} was changed`);
    }
  }

  /** The backup holds what the folder holds, but for `without`. */
  requireFolder(found: Audit, without: readonly string[] = []): void {
    const left = new Set(found.entries.keys());
    for (const path of this.#paths('')) {
      if (without.some((each) => path === each || path.startsWith(`${each}/`))) continue;
      const entry = found.entries.get(path);
      demand(entry !== undefined, `${path} is not in the backup`);
      left.delete(path);
      const place = join(this.folder, path);
      const stat = lstatSync(place, { bigint: true });
      const kind = stat.isSymbolicLink() ? 'symlink' : stat.isDirectory() ? 'directory' : 'file';
      demand(entry.kind === kind, `${path} is of kind ${entry.kind}`);
      const modified = observe({ modified: path }, () => String(stat.mtimeNs));
      demand(String(entry.modified) === modified, `${path} has another time of modification`);
      if (process.platform !== 'win32')
        demand(entry.mode === Number(stat.mode & 0o777n), `${path} has another mode`);
      if (kind === 'symlink') demand(entry.target === readlinkSync(place), `${path} has another target`);
      if (kind !== 'file') continue;
      const content = found.contents.get(path) ?? fresh(1);
      demand(same(content, new Uint8Array(readFileSync(place))), `${path} has another content`);
    }
    demand(left.size === 0, `${[...left].join(', ')} is in the backup and not in the folder`);
  }

  #paths(parent: string): string[] {
    return readdirSync(join(this.folder, parent), { withFileTypes: true }).flatMap((each) => {
      const path = parent === '' ? each.name : `${parent}/${each.name}`;
      return each.isDirectory() ? [path, ...this.#paths(path)] : [path];
    });
  }
}

/** Bytes that no chunk or block repeats, and that cost nothing to make. */
export function content(length: number, seed = 0): Bytes {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + 8 <= length; at += 512) view.setFloat64(at, at + seed + 0.5);
  if (length > 0) bytes[length - 1] = 1 + (seed % 255);
  return bytes;
}

/** What every case of the role has in common. */
type About = Pick<Case, 'id' | 'title' | 'why' | 'requirements'> & Partial<Pick<Case, 'role' | 'feature'>>;

/** A case, played on a stage of its own. */
export function writes(about: About, play: (stage: Stage, context: CaseContext) => Promise<void>): Case {
  return played(about, async (context) => {
    const stage = new Stage(context);
    try {
      await play(stage, context);
    } finally {
      stage.clear();
    }
  });
}

function played(about: About, play: (context: CaseContext) => Promise<void>): Case {
  return {
    role: 'set-writer',
    level: 'core',
    feature: 'set-writer',
    ...about,
    blocked: (context) => (context.adapter === undefined ? 'needs an adapter' : undefined),
    run: async (context) => {
      nurseryOf(context);
      try {
        await play(context);
        return { status: 'pass' };
      } catch (error) {
        if (error instanceof Ended) return error.score;
        if (error instanceof Fault) return failed('wrong-output', error.message);
        throw error;
      }
    },
  };
}

/** Milliseconds after which a file is old enough to have a stamp, with some to spare. */
const AGE = 2200;

/** Folders that grow old while other cases run: nobody can set the time of status change. */
interface Nursery {
  readonly ready: number;
  readonly stages: ReadonlyMap<string, Stage>;
}

const preparations = new Map<string, (stage: Stage) => void>();
const nurseries = new WeakMap<CaseContext, Nursery>();

function nurseryOf(context: CaseContext): Nursery {
  const known = nurseries.get(context);
  if (known !== undefined) return known;
  const nursery = within('nursery', () => {
    const stages = [...preparations].map(([id, prepare]) => {
      const stage = new Stage(context);
      prepare(stage);
      return [id, stage] as const;
    });
    return { ready: now() + AGE, stages: new Map(stages) };
  });
  nurseries.set(context, nursery);
  return nursery;
}

/** A case whose folder is old enough for stamps when it is played. */
export function writesAged(
  about: About,
  prepare: (stage: Stage) => void,
  play: (stage: Stage) => Promise<void>,
): Case {
  preparations.set(about.id, prepare);
  return played(about, async (context) => {
    const { ready, stages } = nurseryOf(context);
    const stage = stages.get(about.id);
    if (stage === undefined) throw new Error('a folder that nobody prepared');
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, ready - Date.now())));
    await play(stage);
  });
}
