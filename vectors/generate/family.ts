/**
 * What every generator of vectors uses. A family is built from accepting vectors; every reject is made from one of
 * them by a single edit, so that undoing the edit proves that nothing else is wrong.
 *
 * @module
 */
import { cat, sha256, toHex, unhex, type Bytes } from '../../conformance/peer/primitives.ts';
import type {
  Digest,
  Edit,
  Level,
  Packed,
  Role,
  Run,
  Tree,
  Value,
  Vector,
  VectorFile,
} from '../../conformance/schema/vector.ts';
import { fieldOf, hexOf, withField } from '../../conformance/vectors.ts';

/** Runs of one byte at least this long are written as a piece. */
const RUN = 48;

/** Hexadecimal text, in pieces where long runs of one byte make that shorter. */
export function pack(bytes: Uint8Array): string | { pieces: Packed['pieces'] } {
  const pieces: Packed['pieces'] = [];
  let text = 0;
  for (let at = 0; at < bytes.length;) {
    let end = at;
    while (end < bytes.length && bytes[end] === bytes[at]) end++;
    if (end - at >= RUN) {
      if (at > text) pieces.push(toHex(bytes.subarray(text, at)));
      pieces.push({ repeat: toHex(bytes.subarray(at, at + 1)), count: end - at });
      text = end;
    }
    at = Math.max(end, at + 1);
  }
  if (pieces.length === 0) return toHex(bytes);
  if (text < bytes.length) pieces.push(toHex(bytes.subarray(text)));
  return { pieces };
}

/** Length and SHA-256. */
export function digest(bytes: Uint8Array): Digest {
  return { length: bytes.length, sha256: toHex(sha256(bytes)) };
}

/** Digests of the prefixes of `plaintext` that end at a chunk, up to `chunks` chunks: all that may be released. */
export function prefixes(plaintext: Uint8Array, chunk: number, chunks: number): Digest[] {
  return Array.from({ length: chunks + 1 }, (_, n) => digest(plaintext.subarray(0, n * chunk)));
}

/** The words of one vector. */
export interface Words {
  readonly title: string;
  readonly why: string;
  readonly requirements: string[];
}

/** What a generator says about an accepting vector. */
export interface Accept extends Words {
  readonly input: Record<string, Value>;
  readonly result: Record<string, Value>;
  readonly released?: Digest;
  readonly tree?: Tree;
  readonly intermediates?: Record<string, Value>;
}

/** What a generator says about a reject. */
export interface Reject extends Words {
  readonly errors: string[];
  readonly position?: number;
  readonly released?: Digest[];
  /** What may lie in the target; nothing unless told. */
  readonly tree?: Tree;
}

/** The zero bytes that may always be released. */
export const NOTHING: Digest[] = [digest(new Uint8Array(0))];

/** One file of vectors in the making. */
export class Family {
  readonly name: string;
  readonly #meta: { feature: string; description: string; role: Role; op: string };
  readonly #vectors = new Map<string, Vector>();

  constructor(name: string, meta: { feature: string; description: string; role: Role; op: string }) {
    this.name = name;
    this.#meta = meta;
  }

  #add(
    id: string,
    vector: Omit<Vector, 'id' | 'role' | 'level'>,
    role: Role = this.#meta.role,
    level: Level = 'core',
  ): void {
    const whole = `${this.name}.${id}`;
    if (this.#vectors.has(whole)) throw new Error(`${whole} is there already`);
    const { title, why, ...rest } = vector;
    this.#vectors.set(whole, { id: whole, title, why, role, level, ...rest });
  }

  /** Adds a sweep: `outcomes` says what becomes of each edit of the rule in `input`. */
  sweep(
    id: string,
    words: Words,
    input: Record<string, Value>,
    outcomes: Iterable<Omit<Run, 'count'>>,
    level?: Level,
  ): void {
    const runs: Run[] = [];
    for (const outcome of outcomes) {
      const last = runs.at(-1);
      const again = last?.code === outcome.code && last.released.join() === outcome.released.join();
      if (again) runs[runs.length - 1] = { ...last, count: last.count + 1 };
      else runs.push({ count: 1, ...outcome });
    }
    this.#add(
      id,
      { ...words, op: this.#meta.op, input, expect: { outcome: 'each', runs } },
      undefined,
      level,
    );
  }

  /** Adds an accepting vector. */
  accept(
    id: string,
    { title, why, requirements, input, result, released, tree, intermediates }: Accept,
    how: { op?: string; role?: Role } = {},
  ): void {
    this.#add(
      id,
      {
        title,
        why,
        op: how.op ?? this.#meta.op,
        requirements,
        input,
        expect: { outcome: 'ok', result, ...(released && { released }), ...(tree && { tree }) },
        ...(intermediates && { intermediates }),
      },
      how.role,
    );
  }

  #twin(id: string): Vector {
    const twin = this.#vectors.get(`${this.name}.${id}`);
    if (twin?.expect.outcome !== 'ok') throw new Error(`${id} is not an accepting vector`);
    return twin;
  }

  #reject(id: string, twin: Vector, input: Record<string, Value>, edit: Edit, reject: Reject): void {
    const { title, why, requirements, errors, position, released, tree } = reject;
    const sink = twin.expect.outcome === 'ok' && twin.expect.released !== undefined;
    const target = tree !== undefined || (twin.expect.outcome === 'ok' && twin.expect.tree !== undefined);
    this.#add(
      id,
      {
        title,
        why,
        op: twin.op,
        requirements,
        input,
        from: { vector: twin.id, edit },
        expect: {
          outcome: 'reject',
          errors,
          ...(position !== undefined && { position }),
          ...(sink && { released: released ?? NOTHING }),
          ...(target && { tree: tree ?? {} }),
        },
      },
      twin.role,
    );
  }

  /** Adds a reject whose input differs in one run of bytes of one field: `removed` bytes at `offset` become `inserted`. */
  bytes(
    id: string,
    from: string,
    change: { field: string; offset: number; removed?: number | 'rest'; inserted?: Uint8Array },
    reject: Reject,
  ): void {
    const twin = this.#twin(from);
    const { field, offset, inserted = new Uint8Array(0) } = change;
    const whole = unhex(hexOf(fieldOf(twin.input, field)));
    const start = offset < 0 ? whole.length + offset : offset;
    const removed = change.removed === 'rest' ? whole.length - start : (change.removed ?? 0);
    const gone = whole.slice(start, start + removed);
    if (gone.length !== removed) throw new Error(`${id}: the edit lies outside ${field}`);
    if (toHex(gone) === toHex(inserted)) throw new Error(`${id}: the edit changes nothing`);
    const edited: Bytes = cat(whole.slice(0, start), inserted, whole.slice(start + removed));
    const edit: Edit = { kind: 'bytes', field, offset: start, removed: pack(gone), inserted: pack(inserted) };
    this.#reject(id, twin, withField(twin.input, field, pack(edited)), edit, reject);
  }

  /** Adds a reject of which only the first `kept` bytes of a field are left. */
  cut(id: string, from: string, field: string, kept: number, reject: Reject): void {
    const { length } = unhex(hexOf(fieldOf(this.#twin(from).input, field)));
    this.bytes(id, from, { field, offset: kept, removed: length - kept }, reject);
  }

  /** Adds a reject that flips bits of the byte at `offset`. */
  flip(
    id: string,
    from: string,
    change: { field: string; offset: number; mask?: number },
    reject: Reject,
  ): void {
    const whole = unhex(hexOf(fieldOf(this.#twin(from).input, change.field)));
    const offset = change.offset < 0 ? whole.length + change.offset : change.offset;
    const byte = (whole[offset] ?? 0) ^ (change.mask ?? 1);
    this.bytes(id, from, { field: change.field, offset, removed: 1, inserted: Uint8Array.of(byte) }, reject);
  }

  /** Adds a reject in which an input field has another value; null takes it out. */
  value(id: string, from: string, field: string, now: Value, reject: Reject): void {
    const twin = this.#twin(from);
    const edit: Edit = { kind: 'value', field, was: fieldOf(twin.input, field) ?? null, now };
    this.#reject(id, twin, withField(twin.input, field, now), edit, reject);
  }

  /** Adds a reject that the writer sealed with one other value; `input` is what came out. */
  sealed(
    id: string,
    from: string,
    edit: { place: string; was: Value; now: Value },
    input: Record<string, Value>,
    reject: Reject,
  ): void {
    const twin = this.#twin(from);
    this.#reject(id, twin, { ...twin.input, ...input }, { kind: 'sealed', ...edit }, reject);
  }

  /** The finished file. */
  file(): VectorFile {
    return {
      format: 'strongroom-vectors/1',
      family: this.name,
      feature: this.#meta.feature,
      licence: 'CC0-1.0',
      description: this.#meta.description,
      vectors: [...this.#vectors.values()],
    };
  }
}
