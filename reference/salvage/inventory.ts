/**
 * What a storage still holds of a set (spec/salvage.md, "Inventory").
 *
 * @module
 */
import type { BackupKey, ObjectKey } from '../container/index.ts';
import type { CryptoEngine } from '../crypto/engine.ts';
import { StrongroomError } from '../errors.ts';
import { ObjectKey as ObjectKeyClass } from '../keys/object-key.ts';
import type { ObjectReference } from '../set/manifest.ts';
import { storageName, type Storage } from '../set/index.ts';
import { equal, hex, type Bytes } from '../wire/bytes.ts';
import { knownHeader, MAX_HEADER_LENGTH, namedHeader, type KnownHeader } from './header.ts';
import {
  namesOfManifests,
  salvageManifests,
  type ManifestObject,
  type SalvagedManifest,
} from './manifests.ts';
import { salvageObject, type SalvagedObject } from './object.ts';
import type { SearchBudget } from './places.ts';
import { damagedBytes, type DamagedBytes } from './source.ts';

/** An object of the storage. */
export interface StoredObject {
  readonly name: string;
  readonly bytes: DamagedBytes;
  readonly known: KnownHeader | 'other-key' | 'none';
}

/** Everything that could be found. */
export interface Inventory {
  /** By ascending name. */
  readonly stored: readonly StoredObject[];
  /** Those of the set, the newest first. */
  readonly manifests: readonly SalvagedManifest[];
  /** 16 bytes; undefined if no manifest tells. */
  readonly setId: Bytes | undefined;
  /** The objects that were salvaged, by their storage names and by their commitments in hexadecimal. */
  readonly byName: ReadonlyMap<string, SalvagedObject>;
  readonly byCommitment: ReadonlyMap<string, SalvagedObject>;
  /** Commitments in hexadecimal of what belongs to other sets. */
  readonly ofOthers: ReadonlySet<string>;
  /** Storage names that some manifest gives to a manifest. */
  readonly namedManifests: ReadonlySet<string>;
}

/** How to look. */
export interface InventoryOptions {
  readonly engine: CryptoEngine;
  readonly budget: SearchBudget;
  readonly signal: AbortSignal | undefined;
  /** Which set, if the storage holds several under the key: 32 hexadecimal digits. */
  readonly set: string | undefined;
  readonly tell: (name: string) => void;
}

/** Lists a storage and finds every chunk of every object of one set. @throws StrongroomError `wrong-key`, `fork`, `cancelled` */
export async function takeInventory(
  storage: Storage,
  key: BackupKey | ObjectKey,
  options: InventoryOptions,
): Promise<Inventory> {
  const { engine } = options;
  const keys: (BackupKey | ObjectKey)[] = [key];
  let stored = await listed(storage);
  const copies: ManifestObject[] = [];
  let manifests: readonly SalvagedManifest[] = [];
  let foreign: readonly string[] = [];
  for (let found = 1; found > 0;) {
    stored = await identified(stored, keys, engine);
    for (const each of stored) {
      if (!isManifest(each) || copies.some(({ name }) => name === each.name)) continue;
      options.tell(each.name);
      copies.push({
        name: each.name,
        object: await salvageObject(each.bytes, each.known, { ...options, key: each.known.key }),
        isOwn: each.known.key === key,
      });
    }
    if (isOfOtherKeys(stored)) throw new StrongroomError('wrong-key', 'no object is of this key');
    ({ manifests, foreign } = await salvageManifests(copies));
    const more = manifests.flatMap(({ wrappedKeys }) => wrappedKeys.map(({ objectKey }) => objectKey));
    const before = keys.length;
    for (const raw of more) {
      if (!keys.some((each) => each instanceof ObjectKeyClass && equal(each.bytes(), raw)))
        keys.push(ObjectKeyClass.fromBytes(raw));
    }
    found = keys.length - before;
  }
  const setId = choose(manifests, options.set);
  const ofSet = manifests.filter((each) => each.setId === undefined || (setId && equal(each.setId, setId)));
  const others = manifests.filter((each) => !ofSet.includes(each));
  const references = referencesOf(ofSet);
  const namesOfOthers = new Set([...others.flatMap((each) => each.copies), ...foreign]);
  const ofOthers = new Set(
    [...referencesOf(others).keys()].filter((commitment) => !references.has(commitment)),
  );
  const byName = new Map<string, SalvagedObject>();
  for (const { name, object } of copies) {
    if (namesOfOthers.has(name)) ofOthers.add(hex(object.header.commitment));
    else byName.set(name, object);
  }
  const byCommitment = new Map<string, SalvagedObject>();
  const namedBy = new Map([...references.values()].map((each) => [storageName(each.commitment), each]));
  for (const each of inOrder(stored)) {
    const reference = each.known === 'none' ? namedBy.get(each.name) : undefined;
    const named = reference && namedHeader(reference, keys, engine);
    const known = typeof each.known === 'string' ? named : each.known;
    if (known === undefined || known.header.type === 'manifest') continue;
    const commitment = hex(known.header.commitment);
    if (byCommitment.has(commitment) || ofOthers.has(commitment)) continue;
    options.tell(each.name);
    const object = await salvageObject(
      each.bytes,
      { ...lengthsOf(references.get(commitment)), header: known.header },
      { ...options, key: known.key },
    );
    byName.set(each.name, object);
    byCommitment.set(commitment, object);
  }
  const namedManifests = namesOfManifests(manifests);
  return { stored, manifests: ofSet, setId, byName, byCommitment, ofOthers, namedManifests };
}

async function listed(storage: Storage): Promise<StoredObject[]> {
  const stored: StoredObject[] = [];
  for await (const { name, length } of storage.list()) {
    const bytes = damagedBytes(length, (start, end) => storage.read(name, start, end));
    stored.push({ name, bytes, known: 'none' });
  }
  return stored.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The same objects, with what these keys say of those that were not known. */
async function identified(
  stored: readonly StoredObject[],
  keys: readonly (BackupKey | ObjectKey)[],
  engine: CryptoEngine,
): Promise<StoredObject[]> {
  const out: StoredObject[] = [];
  for (const each of stored) {
    const { name, bytes } = each;
    if (typeof each.known !== 'string') {
      out.push(each);
      continue;
    }
    const start = await bytes.read(0, Math.min(MAX_HEADER_LENGTH, bytes.length));
    out.push({ name, bytes, known: knownHeader(start, keys, engine, name) });
  }
  return out;
}

/** True if headers are whole and none is of a key that is known. */
function isOfOtherKeys(stored: readonly StoredObject[]): boolean {
  return (
    stored.some(({ known }) => known === 'other-key') &&
    stored.every(({ known }) => typeof known === 'string')
  );
}

function isManifest(stored: StoredObject): stored is StoredObject & { readonly known: KnownHeader } {
  return typeof stored.known !== 'string' && stored.known.header.type === 'manifest';
}

/** By ascending name; but what has the name of its header comes first, and what has no header last. */
function inOrder(stored: readonly StoredObject[]): StoredObject[] {
  const rank = ({ name, known }: StoredObject): number => {
    if (typeof known === 'string') return 2;
    return storageName(known.header.commitment) === name ? 0 : 1;
  };
  return stored.toSorted((a, b) => rank(a) - rank(b));
}

/** Every object that the manifests name, by its commitment in hexadecimal; the newest manifest has the word. */
export function referencesOf(manifests: readonly SalvagedManifest[]): Map<string, ObjectReference> {
  const all = manifests.flatMap(({ objects }) => [...objects.values()]);
  return new Map(all.toReversed().map((each) => [hex(each.commitment), each]));
}

function lengthsOf(reference: ObjectReference | undefined): { length?: number; contentLength?: number } {
  return reference === undefined ? {} : { length: reference.length, contentLength: reference.contentLength };
}

/** The set that is meant. @throws StrongroomError `fork` if there are several and none is named */
function choose(manifests: readonly SalvagedManifest[], wanted: string | undefined): Bytes | undefined {
  const known = manifests.flatMap(({ setId }) => (setId === undefined ? [] : [setId]));
  const ids = [...new Set(known.map(hex))].sort();
  const id = wanted ?? (ids.length === 1 ? ids[0] : undefined);
  const chosen = known.find((each) => hex(each) === id);
  if (chosen !== undefined || (wanted === undefined && ids.length === 0)) return chosen;
  throw new StrongroomError('fork', `the sets of the storage are ${ids.join(', ')}: name one of them`);
}
