/**
 * The keys of a software HSM in a sealed file (spec/hsm.md, "Software HSM").
 *
 * @module
 */
import { NONCE_LENGTH } from '../crypto/engine.ts';
import { nodeEngine } from '../crypto/node.ts';
import { systemRandom } from '../crypto/random.ts';
import { StrongroomError } from '../errors.ts';
import { waitForLock } from '../files/lock.ts';
import { label } from '../keys/labels.ts';
import { concat, wipe, type Bytes } from '../wire/bytes.ts';
import { decode, encode, opaque, struct, u8, vector, type Codec } from '../wire/codec.ts';
import { createFile, readSecretFile, replaceFile } from './file.ts';
import type { PairSuite } from './interface.ts';
import { newPairSecret, PAIR_SECRET_LENGTH } from './pairs.ts';

/** Everything that is secret. */
export interface Keys {
  readonly version: number;
  readonly suite: number;
  readonly index: Bytes;
  readonly head: Bytes;
  readonly oprf: Bytes;
  readonly attempt: Bytes;
  /** Wraps other keys. */
  readonly box: Bytes;
  /** Seals the slots of the anchor. */
  readonly anchor: Bytes;
  /** Secret halves of the channel's pairs, newest first. */
  readonly kem: readonly Bytes[];
  /** Those of the receipts' pairs. */
  readonly receipt: readonly Bytes[];
}

const secrets = (name: string): Codec<Bytes[]> =>
  vector(opaque(PAIR_SECRET_LENGTH), PAIR_SECRET_LENGTH, 64 * PAIR_SECRET_LENGTH, name);

const Keys: Codec<Keys> = struct<Keys>('HsmKeys', {
  version: u8,
  suite: u8,
  index: opaque(32),
  head: opaque(32),
  oprf: opaque(64),
  attempt: opaque(64),
  box: opaque(32),
  anchor: opaque(32),
  kem: secrets('kem'),
  receipt: secrets('receipt'),
});

/** Where a key file is, and what it is sealed under. */
export interface KeyFilePaths {
  /** Sealed keys. */
  readonly keys: string;
  /** The 32-byte key that they are sealed under; better on another medium. */
  readonly sealingKey: string;
}

/** A random nonce, ciphertext and tag. */
export function sealBox(key: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Bytes {
  const nonce = systemRandom('box_nonce', NONCE_LENGTH);
  return concat(nonce, nodeEngine.aead(key).seal(nonce, plaintext, aad));
}

/** Undoes {@link sealBox}. @throws StrongroomError `keys-damaged` */
export function openBox(key: Uint8Array, box: Uint8Array, aad: Uint8Array, what: string): Bytes {
  const nonce = box.subarray(0, NONCE_LENGTH);
  const sealed = box.subarray(NONCE_LENGTH);
  const plain = nonce.length === NONCE_LENGTH ? nodeEngine.aead(key).open(nonce, sealed, aad) : undefined;
  if (plain === undefined)
    throw new StrongroomError('keys-damaged', `${what} does not open`, { subject: what });
  return plain;
}

/** Makes fresh keys with one pair of each kind, in new files. @throws StrongroomError `state-exists` */
export async function createKeys(paths: KeyFilePaths, suite: PairSuite): Promise<Keys> {
  const fresh = (name: string, length = 32): Bytes => systemRandom(name, length);
  const sealingKey = fresh('sealing_key');
  const keys: Keys = {
    version: 1,
    suite,
    index: fresh('index_key'),
    head: fresh('head_key'),
    oprf: fresh('oprf_key', 64),
    attempt: fresh('attempt_key', 64),
    box: fresh('box_key'),
    anchor: fresh('anchor_key'),
    kem: [newPairSecret(suite, 'kem')],
    receipt: [newPairSecret(suite, 'receipt')],
  };
  await createFile(paths.sealingKey, sealingKey);
  await createFile(paths.keys, sealBox(sealingKey, encode(Keys, keys), label('hsm-keys')));
  wipe(sealingKey);
  return keys;
}

async function readSealingKey(path: string): Promise<Bytes> {
  const sealingKey = await readSecretFile(path, 'keys-missing');
  if (sealingKey.length === 32) return sealingKey;
  throw new StrongroomError('keys-damaged', `${path} is not 32 bytes`, { subject: path });
}

function decodeKeys(plain: Bytes, path: string): Keys {
  try {
    return decode(Keys, plain);
  } catch (cause) {
    throw new StrongroomError('keys-damaged', `${path} does not decode`, { subject: path }, { cause });
  }
}

async function openKeys(path: string, sealingKey: Bytes): Promise<Keys & { readonly suite: PairSuite }> {
  const plain = openBox(sealingKey, await readSecretFile(path, 'keys-missing'), label('hsm-keys'), path);
  if (plain[0] !== 1) throw new StrongroomError('unsupported-version', `${path}: ${plain[0]}`);
  const keys = decodeKeys(plain, path);
  wipe(plain);
  const { suite } = keys;
  if (suite !== 1 && suite !== 2) throw new StrongroomError('unsupported-suite', `${path}: suite ${suite}`);
  return { ...keys, suite };
}

/** @throws StrongroomError `keys-missing`, `keys-damaged`, `keys-exposed`, `unsupported-version`, `unsupported-suite` */
export async function readKeys(paths: KeyFilePaths): Promise<Keys & { readonly suite: PairSuite }> {
  const sealingKey = await readSealingKey(paths.sealingKey);
  try {
    return await openKeys(paths.keys, sealingKey);
  } finally {
    wipe(sealingKey);
  }
}

/**
 * Replaces the file as a whole with what `change` makes of it; other processes wait meanwhile.
 *
 * @throws StrongroomError those of {@link readKeys}, `io`, and what `change` throws: the file is as it was then
 */
export async function changeKeys(paths: KeyFilePaths, change: (keys: Keys) => Keys): Promise<void> {
  const lock = await waitForLock(`${paths.keys}.lock`);
  const sealingKey = await readSealingKey(paths.sealingKey);
  try {
    const keys = change(await openKeys(paths.keys, sealingKey));
    await replaceFile(paths.keys, sealBox(sealingKey, encode(Keys, keys), label('hsm-keys')));
    wipeKeys(keys);
  } finally {
    wipe(sealingKey);
    lock.release();
  }
}

/** Overwrites all of them. */
export function wipeKeys({ index, head, oprf, attempt, box, anchor, kem, receipt }: Keys): void {
  wipe(index, head, oprf, attempt, box, anchor, ...kem, ...receipt);
}
