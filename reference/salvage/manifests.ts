/**
 * Manifests that are damaged (spec/salvage.md, "Manifests"): the two copies of one have equal content, so what either of
 * them still has is there.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { isStrongroomError } from '../errors.ts';
import { ManifestReader, type SetManifestHead } from '../set/manifest-content.ts';
import {
  Entry,
  MANIFEST_CHUNK_LOG2,
  MANIFEST_ENTRY,
  MANIFEST_HEAD,
  MANIFEST_OBJECT,
  ManifestHead,
  NumberedObject,
  WRAPPED_KEY,
  WrappedKey,
  type Commitments,
  type ObjectReference,
} from '../set/manifest.ts';
import { checkPath, checkTarget } from '../set/paths.ts';
import { Begin, BEGIN } from '../set/records.ts';
import { storageName } from '../set/storage.ts';
import { copy, equal, hex, type Bytes } from '../wire/bytes.ts';
import { decode, type Codec } from '../wire/codec.ts';
import type { Piece, SalvagedObject } from './object.ts';
import { salvageRecords, type RecordLoss } from './records.ts';
import { append, complement, type Span } from './spans.ts';

/** What is left of one manifest, by all of its copies. */
export interface SalvagedManifest extends RecordLoss {
  /** Storage names of the copies that were there, ascending. */
  readonly copies: readonly string[];
  /** 16 bytes, and the number of the generation, by its head or by a later manifest; undefined if neither tells. */
  readonly setId: Bytes | undefined;
  readonly generation: number | undefined;
  readonly head: SetManifestHead | undefined;
  /** SHA-256 of its content, 32 bytes, if it is complete. */
  readonly id: Bytes | undefined;
  /** True if nothing of it is lost: a strict reader takes its content. */
  readonly complete: boolean;
  /** What of its content is lost, up to the end as far as it is known. */
  readonly lost: readonly Span[];
  readonly wrappedKeys: readonly WrappedKey[];
  /** By their numbers. */
  readonly objects: ReadonlyMap<number, ObjectReference>;
  /** In the order of their paths. */
  readonly entries: readonly Entry[];
}

/** A stored object that is a manifest. */
export interface ManifestObject {
  readonly name: string;
  readonly object: SalvagedObject;
  /** True if it is under the key that was given, and not under one that a manifest has wrapped. */
  readonly isOwn: boolean;
}

/** Which commitments belong to one manifest, and which manifest it is. */
interface Identity {
  readonly setId: Bytes;
  readonly generation: number;
  readonly commitments: Commitments;
  /** SHA-256 of its content, 32 bytes, as a later manifest has it. */
  readonly manifestId?: Bytes;
}

/** The manifests of a storage. */
export interface Manifests {
  /** The newest first, those of unknown generation last. */
  readonly manifests: readonly SalvagedManifest[];
  /** Storage names of those that do not count: whoever has an old key can have made them. */
  readonly foreign: readonly string[];
}

/** Reads the manifests. */
export async function salvageManifests(copies: readonly ManifestObject[]): Promise<Manifests> {
  const alone = new Map<ManifestObject, Content>();
  for (const copy of copies) alone.set(copy, await readContent([copy]));
  const known = new Identities();
  for (const [{ isOwn }, { head }] of alone) if (isOwn && head !== undefined) known.add(head);
  const waiting = new Map([...alone].filter(([{ isOwn }]) => !isOwn));
  // What a manifest that counts says of those before it counts too.
  for (let before = -1; before !== waiting.size;) {
    before = waiting.size;
    for (const [copy, { id, head }] of waiting) {
      if (head === undefined || id === undefined || !known.names(copy, id)) continue;
      known.add(head);
      waiting.delete(copy);
    }
  }
  // Damage keeps the manifest id from being compared; then the name alone counts, and the entries are marked as older.
  const foreign = [...waiting].filter(([copy, { id }]) => id !== undefined || known.of(copy) === undefined);
  for (const [copy] of foreign) alone.delete(copy);
  const out: SalvagedManifest[] = [];
  const done = new Set<ManifestObject>();
  for (const [copy] of alone) {
    if (done.has(copy)) continue;
    const identity = known.of(copy);
    const twins = [...alone.keys()].filter(
      (each) => each === copy || (identity && includes(identity.commitments, each)),
    );
    for (const twin of twins) done.add(twin);
    const each = twins.flatMap((twin) => alone.get(twin) ?? []);
    const read = each.find(({ complete }) => complete) ?? (await readContent(twins));
    const believed = copy.isOwn || read.complete ? read : { ...read, head: undefined, wrappedKeys: [] };
    const { setId, generation } = believed.head ?? identity ?? {};
    out.push({ ...believed, copies: twins.map(({ name }) => name).sort(), setId, generation });
  }
  const manifests = out.sort(
    (a, b) =>
      (b.generation ?? 0) - (a.generation ?? 0) || ((a.copies[0] ?? '') < (b.copies[0] ?? '') ? -1 : 1),
  );
  return { manifests, foreign: foreign.map(([{ name }]) => name) };
}

/** What heads say of the manifests that they name; the first one has the word. */
class Identities {
  readonly #byCommitment = new Map<string, Identity[]>();

  add(head: SetManifestHead): void {
    for (const each of [head, ...head.ancestors.map((one) => ({ ...one, setId: head.setId }))]) {
      for (const commitment of each.commitments) {
        const list = this.#byCommitment.get(hex(commitment)) ?? [];
        list.push(each);
        this.#byCommitment.set(hex(commitment), list);
      }
    }
  }

  of(copy: ManifestObject): Identity | undefined {
    return this.#all(copy)[0];
  }

  /** True if a head names this copy as an ancestor of this manifest id. */
  names(copy: ManifestObject, id: Bytes): boolean {
    return this.#all(copy).some(({ manifestId }) => manifestId !== undefined && equal(manifestId, id));
  }

  #all({ object }: ManifestObject): readonly Identity[] {
    return this.#byCommitment.get(hex(object.header.commitment)) ?? [];
  }
}

function includes([first, second]: Commitments, { object }: ManifestObject): boolean {
  return equal(first, object.header.commitment) || equal(second, object.header.commitment);
}

type Content = Omit<SalvagedManifest, 'copies' | 'setId' | 'generation'>;

/** The merged content of the copies of one manifest. */
async function readContent(copies: readonly ManifestObject[]): Promise<Content> {
  const objects = new Map<number, ObjectReference>();
  const entries: Entry[] = [];
  const wrappedKeys: WrappedKey[] = [];
  const loss: RecordLoss = { cut: 0, faulty: 0 };
  const strict = new ManifestReader();
  const hash = createHash('sha256');
  let isStrict = true;
  const spans: Span[] = [];
  async function* pieces(): AsyncGenerator<Piece, void, undefined> {
    for await (const piece of merged(copies)) {
      const { position, bytes } = piece;
      isStrict &&= position === (spans.at(-1)?.end ?? 0) && holds(() => strict.push(bytes));
      hash.update(bytes);
      append(spans, { start: position, end: position + bytes.length });
      yield piece;
    }
  }
  let begin: Begin | undefined;
  let manifestHead: ManifestHead | undefined;
  for await (const { type, codec, body } of salvageRecords(pieces(), 2 ** MANIFEST_CHUNK_LOG2, loss)) {
    if (codec !== 0) loss.faulty++;
    else if (type === BEGIN) begin ??= decoded(Begin, body);
    else if (type === MANIFEST_HEAD) manifestHead ??= decoded(ManifestHead, body);
    else if (type === WRAPPED_KEY) wrappedKeys.push(...[decoded(WrappedKey, body) ?? []].flat());
    else if (type === MANIFEST_OBJECT) {
      const numbered = decoded(NumberedObject, body);
      if (numbered !== undefined && !objects.has(numbered.number))
        objects.set(numbered.number, numbered.object);
    } else if (type === MANIFEST_ENTRY) {
      const entry = decoded(Entry, body);
      if (entry !== undefined && isSafe(entry)) entries.push(entry);
    }
  }
  const complete = isStrict && holds(() => strict.finish());
  const head = begin && manifestHead && { setId: begin.setId, ...manifestHead };
  const length = Math.max(...copies.map(({ object }) => object.end));
  return {
    head,
    id: complete ? copy(hash.digest()) : undefined,
    complete,
    lost: complete ? [] : complement(spans, length),
    wrappedKeys,
    objects,
    entries,
    ...loss,
  };
}

/** What any of the copies has, chunk by chunk. */
async function* merged(copies: readonly ManifestObject[]): AsyncGenerator<Piece, void, undefined> {
  const size = 2 ** MANIFEST_CHUNK_LOG2;
  const fitting = copies.filter(({ object }) => object.chunkSize === size);
  const end = Math.max(0, ...fitting.map(({ object }) => object.end));
  for (let start = 0; start < end; start += size) {
    for (const { object } of fitting) {
      const piece = (await object.read(start, Math.min(end, start + size)).next()).value;
      if (piece === undefined) continue;
      yield piece;
      break;
    }
  }
}

/** True if an entry names a place in the folder. */
function isSafe(entry: Entry): boolean {
  return holds(() => {
    checkPath(entry.path);
    if (entry.kind === 'symlink') checkTarget(entry.path, entry.target);
  });
}

/** The value of a body, unless it does not follow its structure. */
function decoded<T>(codec: Codec<T>, body: Uint8Array): T | undefined {
  try {
    return decode(codec, body);
  } catch (error) {
    if (isStrongroomError(error, 'malformed')) return undefined;
    throw error;
  }
}

/** True if a step does not fail with a code. */
function holds(step: () => unknown): boolean {
  try {
    step();
    return true;
  } catch (error) {
    if (isStrongroomError(error)) return false;
    throw error;
  }
}

/** Storage names that the manifests give to copies of themselves and of earlier ones. */
export function namesOfManifests(manifests: readonly SalvagedManifest[]): Set<string> {
  const all = manifests.flatMap(({ head }) => (head === undefined ? [] : [head, ...head.ancestors]));
  return new Set(all.flatMap(({ commitments }) => commitments.map(storageName)));
}
