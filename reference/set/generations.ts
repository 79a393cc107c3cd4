/**
 * Every generation of a set that the storage still holds, those under older backup keys included (spec/retention.md,
 * "Keys of a set").
 *
 * @module
 */
import { streamKey, type HeaderInfo } from '../container/index.ts';
import { objectKeyOf } from '../container/stream-key.ts';
import { nodeEngine } from '../crypto/node.ts';
import { isStrongroomError, type ErrorCode } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { ObjectKey } from '../keys/object-key.ts';
import { equal, hex, wipe, type Bytes } from '../wire/bytes.ts';
import type { Commitments, Manifest } from './manifest.ts';
import { isFatal, readManifest, type ManifestCopy, type OpenedManifest } from './newest.ts';
import type { Pacer } from './objects.ts';
import { storageName, type Storage } from './storage.ts';

/** What opens objects of a set. */
export type SetKey = BackupKey | ObjectKey;

/** True if the header belongs to an object that this key sealed. */
export function opensUnder(
  key: SetKey,
  { prefix, commitment }: Pick<HeaderInfo, 'prefix' | 'commitment'>,
): boolean {
  const objectKey = objectKeyOf(key, nodeEngine);
  const derived = streamKey(objectKey, prefix, new Uint8Array());
  wipe(objectKey, derived.key, derived.baseNonce);
  return equal(derived.commitment, commitment);
}

/** The keys of older epochs that a manifest carries. */
export function olderKeys({ wrappedKeys }: Manifest): ObjectKey[] {
  return wrappedKeys.map(({ objectKey }) => ObjectKey.fromBytes(objectKey));
}

/** One generation, by what its manifests and later ones say of it. */
export interface Generation {
  readonly generation: number;
  /** Storage names of its copies, whether or not they are there. */
  readonly copies: ReadonlySet<string>;
  /** Storage names of the copies that were read whole. */
  readonly whole: readonly string[];
  /** Storage names of the objects that the whole copies name. */
  readonly objects: ReadonlySet<string>;
}

interface Known extends Generation {
  readonly copies: Set<string>;
  readonly whole: string[];
  readonly objects: Set<string>;
  /** Manifest ids that later generations give for it, in hexadecimal. */
  readonly ids: Set<string>;
}

/** Reads one manifest after the other, and keeps what they say of generations. */
export class Generations {
  readonly #storage: Storage;
  readonly #pacer: Pacer;
  readonly #byNumber = new Map<number, Known>();
  readonly #byCopy = new Map<string, Known>();
  readonly #keys = new Map<string, SetKey>();
  readonly #manifests: ManifestCopy[] = [];
  /** Codes of the manifests that could not be read, by storage name. */
  readonly faults: Map<string, ErrorCode> = new Map();

  private constructor(storage: Storage, pacer: Pacer) {
    this.#storage = storage;
    this.#pacer = pacer;
  }

  /**
   * Reads all manifests of the set whose newest one was opened.
   *
   * @throws StrongroomError `cancelled`; what cannot be read is in {@link faults}
   */
  static async read(
    storage: Storage,
    key: BackupKey,
    { manifest, scan }: OpenedManifest,
    pacer: Pacer,
  ): Promise<Generations> {
    const all = new Generations(storage, pacer);
    for (const { name } of scan.manifests) await all.#add([key], name);
    const keys = olderKeys(manifest);
    const others = new Set(scan.damaged.flatMap(({ code, name }) => (code === 'wrong-key' ? [name] : [])));
    // A manifest under an older key counts if another one names it; then what it names counts too.
    for (let next = all.#highest(others); next !== undefined; next = all.#highest(others)) {
      others.delete(next);
      await all.#add(keys, next);
    }
    return all;
  }

  /** The highest generation first. */
  all(): readonly Generation[] {
    return [...this.#byNumber.values()].sort((a, b) => b.generation - a.generation);
  }

  /** The generation that a copy belongs to. */
  of(name: string): Generation | undefined {
    return this.#byCopy.get(name);
  }

  /** Every copy that was read, the highest generation first. */
  get manifests(): readonly ManifestCopy[] {
    return this.#manifests.sort((a, b) => b.generation - a.generation || (a.name < b.name ? -1 : 1));
  }

  /** The key under which a copy was read. */
  keyOf(name: string): SetKey | undefined {
    return this.#keys.get(name);
  }

  #highest(names: ReadonlySet<string>): string | undefined {
    const known = [...names].flatMap((name) => {
      const generation = this.#byCopy.get(name)?.generation;
      return generation === undefined ? [] : [{ name, generation }];
    });
    return known.sort((a, b) => b.generation - a.generation)[0]?.name;
  }

  async #add(keys: readonly SetKey[], name: string): Promise<void> {
    let fault: ErrorCode = 'wrong-key';
    for (const key of keys) {
      try {
        const { manifest, id } = await readManifest(this.#storage, key, name, this.#pacer, false);
        // An old key can be in other hands: what it opens is believed only if it is what was named.
        const isNamed = this.#byCopy.get(name)?.ids.has(hex(id)) ?? false;
        if (key instanceof ObjectKey && !isNamed) fault = 'object-mismatch';
        else return this.#note(name, key, manifest);
      } catch (error) {
        if (!isStrongroomError(error) || isFatal(error.code)) throw error;
        if (error.code !== 'wrong-key') fault = error.code;
      }
    }
    this.faults.set(name, fault);
  }

  #note(name: string, key: SetKey, manifest: Manifest): void {
    const { setId, generation, created, commitments, ancestors, objects } = manifest;
    this.#manifests.push({ name, setId, generation, created });
    this.#keys.set(name, key);
    const known = this.#known(generation, commitments);
    known.copies.add(name);
    this.#byCopy.set(name, known);
    known.whole.push(name);
    for (const { commitment } of objects) known.objects.add(storageName(commitment));
    for (const { generation, commitments, manifestId } of ancestors) {
      this.#known(generation, commitments).ids.add(hex(manifestId));
    }
  }

  #known(generation: number, commitments: Commitments): Known {
    const known = this.#byNumber.get(generation) ?? {
      generation,
      copies: new Set(),
      whole: [],
      objects: new Set(),
      ids: new Set(),
    };
    this.#byNumber.set(generation, known);
    for (const commitment of commitments as readonly Bytes[]) {
      known.copies.add(storageName(commitment));
      this.#byCopy.set(storageName(commitment), known);
    }
    return known;
  }
}
