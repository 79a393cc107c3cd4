/**
 * The journal of one registration, or of a change of its password (spec/client.md, "Registration"): everything that
 * finishing it needs after a crash. It holds the backup key, so it is as secret as the device.
 *
 * @module
 */
import { z } from 'zod';
import { nodeEngine } from '../crypto/node.ts';
import { fromHex, hex, type Bytes } from '../wire/bytes.ts';
import type { Keeper } from './keeper.ts';
import type { Session } from './session.ts';
import { parseState } from './state.ts';

const bytes = (length: number): z.ZodType<Bytes, string> =>
  z
    .string()
    .regex(/^[0-9a-f]*$/u)
    .length(2 * length)
    .transform(fromHex);

const anyBytes: z.ZodType<Bytes, string> = z
  .string()
  .regex(/^(?:[0-9a-f]{2})*$/u)
  .transform(fromHex);

/** Before the vault has been given a record: only the key. A restart here begins anew. */
export interface Begun {
  readonly step: 'begun';
  /** The backup key, 32 bytes. */
  readonly key: Bytes;
}

/** From before `register-finish` is sent: nothing but these bytes is ever sent again. */
export interface Finishing {
  readonly step: 'finishing';
  /** The backup key, 32 bytes. */
  readonly key: Bytes;
  /** True once the vault has answered that it holds the record. */
  readonly finished: boolean;
  /** True while older backups have to be made readable with this key before it is confirmed. */
  readonly prepare: boolean;
  readonly generation: number;
  /** Encoded `RegisterFinish`, to be sent byte for byte. */
  readonly finish: Bytes;
  /** Encoded `RegisterConfirm`, to be sent byte for byte. */
  readonly confirm: Bytes;
  /** Owner's signature under the confirmation; empty if it replaces nothing. */
  readonly proof: Bytes;
}

/** From before `change-finish` is sent until the vault has decided on it. */
export interface Changing {
  readonly step: 'changing';
  readonly generation: number;
  /** Encoded `ChangeFinish`, to be sent byte for byte. */
  readonly finish: Bytes;
}

/** What a journal holds. */
export type Entry = Begun | Finishing | Changing;

const JournalFile: z.ZodType<Entry> = z.discriminatedUnion('step', [
  z.strictObject({ version: z.literal(1), step: z.literal('begun'), key: bytes(32) }),
  z.strictObject({
    version: z.literal(1),
    step: z.literal('finishing'),
    key: bytes(32),
    finished: z.boolean(),
    prepare: z.boolean(),
    generation: z.int().positive(),
    finish: anyBytes,
    confirm: anyBytes,
    proof: anyBytes,
  }),
  z.strictObject({
    version: z.literal(1),
    step: z.literal('changing'),
    generation: z.int().positive(),
    finish: anyBytes,
  }),
]);

/** The journal of one account at one fleet. */
export class Journal {
  readonly #keeper: Keeper;
  readonly #name: string;

  constructor(keeper: Keeper, fleetId: Uint8Array, account: Uint8Array) {
    this.#keeper = keeper;
    const name = nodeEngine.hash('sha256', account).subarray(0, 8);
    this.#name = `registration-${hex(fleetId)}-${hex(name)}.json`;
  }

  /** What was written last; undefined if no registration is under way. @throws StrongroomError `state-damaged` */
  async read(): Promise<Entry | undefined> {
    const text = await this.#keeper.read(this.#name);
    return text === undefined ? undefined : parseState(JournalFile, this.#name, text);
  }

  /** Durable when it returns. */
  write(entry: Entry): Promise<void> {
    const plain = Object.entries(entry).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? hex(value) : value,
    ]);
    return this.#keeper.write(this.#name, JSON.stringify({ version: 1, ...Object.fromEntries(plain) }));
  }

  /** It is live, refused, or given up. */
  erase(): Promise<void> {
    return this.#keeper.remove(this.#name);
  }
}

/** The journal of a session's account. */
export function journalOf({ keeper, descriptor, account }: Session): Journal {
  return new Journal(keeper, descriptor.fleetId, account);
}
