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
import { concat, equal, wipe, type Bytes } from '../wire/bytes.ts';
import { decode, encode, padded, struct, u64, vector, type Codec } from '../wire/codec.ts';
import { AnchorEntryCodec, QueuedAnchor } from './anchor.ts';
import { checkSecretFile, createFile } from './file.ts';
import type { AnchorEntry } from './interface.ts';

/** Bytes of a slot on disk: one page, so that a write touches one slot alone. */
const SLOT = 4096;

interface Slot {
  /** Grows by one with every write. */
  readonly serial: number;
  readonly entries: readonly AnchorEntry[];
}

const Slot: Codec<Slot> = padded(
  struct<Slot>('AnchorSlot', {
    serial: u64,
    entries: vector(AnchorEntryCodec, 0, 3840),
  }),
  SLOT - NONCE_LENGTH - TAG_LENGTH,
);

function seal(key: Uint8Array, slot: Slot): Bytes {
  const nonce = systemRandom('anchor_nonce', NONCE_LENGTH);
  const plain = encode(Slot, slot);
  const sealed = concat(nonce, nodeEngine.aead(key).seal(nonce, plain, label('hsm-anchor')));
  wipe(plain);
  return sealed;
}

function unseal(key: Uint8Array, sealed: Uint8Array): Slot | undefined {
  const nonce = sealed.subarray(0, NONCE_LENGTH);
  const plain = nodeEngine.aead(key).open(nonce, sealed.subarray(NONCE_LENGTH), label('hsm-anchor'));
  return plain && decode(Slot, plain);
}

/** True if one slot has a data key that the other has not. */
function hasOther(slot: Slot, than: Slot): boolean {
  const keysOf = ({ entries }: Slot): Bytes[] =>
    entries.flatMap(({ current, next }) => [current, next ?? current].map(({ key }) => key));
  const known = keysOf(than);
  return keysOf(slot).some((key) => !known.some((other) => equal(other, key)));
}

/** The newest slot of a whole file, and the other one if it opens; undefined if the file is damaged. */
function slotsOf(key: Uint8Array, bytes: Uint8Array): { newest: Slot; other: Slot | undefined } | undefined {
  const slots = [unseal(key, bytes.subarray(0, SLOT)), unseal(key, bytes.subarray(SLOT))];
  const [even, odd] = slots;
  const inPlace = slots.every((slot, at) => slot === undefined || slot.serial % 2 === at);
  const inTurn = even === undefined || odd === undefined || Math.abs(even.serial - odd.serial) === 1;
  if (bytes.length !== 2 * SLOT || !inPlace || !inTurn) return undefined;
  const [newest, other] = (even?.serial ?? -1) > (odd?.serial ?? -1) ? [even, odd] : [odd, even];
  return newest && { newest, other };
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
export class SoftwareAnchor extends QueuedAnchor {
  readonly #file: FileHandle;
  readonly #lock: Lock;
  readonly #key: Bytes;
  /** Both slots, as this process has read or written them last. */
  readonly #bytes: Bytes;
  #slot: Slot;

  private constructor(file: FileHandle, lock: Lock, key: Bytes, bytes: Bytes, slot: Slot) {
    super();
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
      const slots = slotsOf(key, bytes);
      if (slots === undefined)
        throw new StrongroomError('anchor-damaged', `${path} is damaged`, { subject: path });
      const { newest, other } = slots;
      const anchor = new SoftwareAnchor(file, lock, key, bytes, newest);
      // A torn slot, or one from before a key was taken away, may hold what is to be gone.
      if (other === undefined || hasOther(other, newest)) await anchor.#write(newest.entries);
      return anchor;
    } catch (error) {
      await file?.close();
      lock.release();
      throw error;
    }
  }

  protected get entries(): readonly AnchorEntry[] {
    return this.#slot.entries;
  }

  /** Closes the file after what is under way. */
  async close(): Promise<void> {
    await this.settled();
    await this.#file.close();
    this.#lock.release();
  }

  protected async replace(entries: readonly AnchorEntry[]): Promise<void> {
    const before = this.#slot;
    await this.#write(entries);
    // The other slot still has the keys that were taken away.
    if (hasOther(before, this.#slot)) await this.#write(entries);
  }

  async #write(entries: readonly AnchorEntry[]): Promise<void> {
    // The lock keeps others out; this tells of those that have no regard for it.
    if (!equal(await readSlots(this.#file), this.#bytes))
      throw new StrongroomError('anchor-conflict', 'another writer has changed the anchor');
    const slot = { serial: this.#slot.serial + 1, entries };
    const at = (slot.serial % 2) * SLOT;
    this.#bytes.set(seal(this.#key, slot), at);
    await this.#file.write(this.#bytes, at, SLOT, at);
    await this.#file.datasync();
    this.#slot = slot;
  }
}
