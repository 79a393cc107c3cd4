/**
 * The anchor of level `software`: a file of two slots that are written in turn, so that a torn write costs nothing
 * that was confirmed (spec/storage.md, "Software anchor").
 *
 * @module
 */
import { open, realpath, type FileHandle } from 'node:fs/promises';
import { NONCE_LENGTH, TAG_LENGTH } from '../crypto/engine.ts';
import { nodeEngine } from '../crypto/node.ts';
import { systemRandom } from '../crypto/random.ts';
import { StrongroomError } from '../errors.ts';
import { tryLock, type Lock } from '../files/lock.ts';
import { label } from '../keys/labels.ts';
import { concat, equal, type Bytes } from '../wire/bytes.ts';
import {
  decode,
  encode,
  opaque,
  optional,
  padded,
  struct,
  u16,
  u32,
  u64,
  vector,
  type Codec,
} from '../wire/codec.ts';
import { checkSecretFile, createFile } from './file.ts';
import type { Anchor, AnchorEntry, PartitionKey } from './interface.ts';

/** Bytes of a slot on disk: one page, so that a write touches one slot alone. */
const SLOT = 4096;

interface Slot {
  /** Grows by one with every write. */
  readonly serial: number;
  readonly entries: readonly AnchorEntry[];
}

const PartitionKey: Codec<PartitionKey> = struct<PartitionKey>('PartitionKey', {
  epoch: u32,
  key: opaque(32, 'key'),
});

const AnchorEntry: Codec<AnchorEntry> = struct<AnchorEntry>('AnchorEntry', {
  partition: u16,
  n: u64,
  headHash: opaque(32, 'head_hash'),
  current: PartitionKey,
  next: optional(PartitionKey),
});

const Slot: Codec<Slot> = padded(
  struct<Slot>('AnchorSlot', {
    serial: u64,
    entries: vector(AnchorEntry, 0, 3840),
  }),
  SLOT - NONCE_LENGTH - TAG_LENGTH,
);

function seal(key: Uint8Array, slot: Slot): Bytes {
  const nonce = systemRandom('anchor_nonce', NONCE_LENGTH);
  return concat(nonce, nodeEngine.aead(key).seal(nonce, encode(Slot, slot), label('hsm-anchor')));
}

function unseal(key: Uint8Array, sealed: Uint8Array): Slot | undefined {
  const nonce = sealed.subarray(0, NONCE_LENGTH);
  const plain = nodeEngine.aead(key).open(nonce, sealed.subarray(NONCE_LENGTH), label('hsm-anchor'));
  return plain && decode(Slot, plain);
}

/** A later value of the same partition: one head on, or other keys at the same head. */
function follows(from: AnchorEntry, to: AnchorEntry): boolean {
  if (from.partition !== to.partition) return false;
  return to.n === from.n + 1 || (to.n === from.n && equal(to.headHash, from.headHash));
}

/** The newest slot of a whole file; undefined if it is damaged. */
function newestOf(key: Uint8Array, bytes: Uint8Array): Slot | undefined {
  const slots = [unseal(key, bytes.subarray(0, SLOT)), unseal(key, bytes.subarray(SLOT))];
  const [even, odd] = slots;
  const inPlace = slots.every((slot, at) => slot === undefined || slot.serial % 2 === at);
  const inTurn = even === undefined || odd === undefined || Math.abs(even.serial - odd.serial) === 1;
  if (bytes.length !== 2 * SLOT || !inPlace || !inTurn) return undefined;
  return (even?.serial ?? -1) > (odd?.serial ?? -1) ? even : odd;
}

/** Both slots as they are on the disk, and what may follow them. */
async function readSlots(file: FileHandle): Promise<Bytes> {
  const { buffer, bytesRead } = await file.read(new Uint8Array(2 * SLOT + 1), { position: 0 });
  return buffer.subarray(0, bytesRead);
}

async function lockOf(path: string): Promise<Lock> {
  const lock = await tryLock(`${await realpath(path)}.lock`);
  if (lock !== undefined) return lock;
  throw new StrongroomError('anchor-locked', `another process has ${path}`, { subject: path });
}

/** {@link Anchor} in a file. */
export class SoftwareAnchor implements Anchor {
  readonly #file: FileHandle;
  readonly #lock: Lock;
  readonly #key: Bytes;
  /** Both slots, as this process has read or written them last. */
  readonly #bytes: Bytes;
  #slot: Slot;
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle, lock: Lock, key: Bytes, bytes: Bytes, slot: Slot) {
    this.#file = file;
    this.#lock = lock;
    this.#key = key;
    this.#bytes = bytes;
    this.#slot = slot;
  }

  /** Makes the file, with both slots. @throws StrongroomError `state-exists` */
  static create(path: string, key: Bytes, entries: readonly AnchorEntry[]): Promise<void> {
    return createFile(path, concat(seal(key, { serial: 0, entries }), seal(key, { serial: 1, entries })));
  }

  /**
   * Locks the anchor for as long as it is open, and reads it.
   *
   * @throws StrongroomError `anchor-missing`, `anchor-locked`, `anchor-damaged`, `keys-exposed`
   */
  static async open(path: string, key: Bytes): Promise<SoftwareAnchor> {
    await checkSecretFile(path, 'anchor-missing');
    const lock = await lockOf(path);
    let file: FileHandle | undefined;
    try {
      file = await open(path, 'r+');
      const bytes = await readSlots(file);
      const newest = newestOf(key, bytes);
      if (newest === undefined)
        throw new StrongroomError('anchor-damaged', `${path} is damaged`, { subject: path });
      return new SoftwareAnchor(file, lock, key, bytes, newest);
    } catch (error) {
      await file?.close();
      lock.release();
      throw error;
    }
  }

  // oxlint-disable-next-line typescript/require-await -- the contract is asynchronous
  async read(): Promise<readonly AnchorEntry[]> {
    return this.#slot.entries;
  }

  advance(changes: Parameters<Anchor['advance']>[0]): Promise<void> {
    const step = this.#writing.then(() => this.#write(changes));
    // A write that failed leaves the slot unknown: everything after it fails as well.
    this.#writing = step;
    step.catch(() => {});
    return step;
  }

  async #write(changes: Parameters<Anchor['advance']>[0]): Promise<void> {
    // The lock keeps others out; this tells of those that have no regard for it.
    if (!equal(await readSlots(this.#file), this.#bytes))
      throw new StrongroomError('anchor-conflict', 'another writer has changed the anchor');
    const entries = this.#slot.entries.map((entry) => {
      const change = changes.find(({ from }) => from.partition === entry.partition);
      if (change === undefined) return entry;
      const present = equal(encode(AnchorEntry, change.from), encode(AnchorEntry, entry));
      if (!present || !follows(change.from, change.to)) {
        throw new StrongroomError('anchor-conflict', `partition ${entry.partition} is at ${entry.n}`);
      }
      return change.to;
    });
    const slot = { serial: this.#slot.serial + 1, entries };
    const at = (slot.serial % 2) * SLOT;
    this.#bytes.set(seal(this.#key, slot), at);
    await this.#file.write(this.#bytes, at, SLOT, at);
    await this.#file.datasync();
    this.#slot = slot;
  }

  async close(): Promise<void> {
    await this.#writing.catch(() => {});
    await this.#file.close();
    this.#lock.release();
  }
}
