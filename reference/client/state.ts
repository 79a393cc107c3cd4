/**
 * What a client remembers of a fleet (spec/client.md, "State"): serial, hash and level of the newest descriptor, and
 * for each account the highest state version of a signed answer. None of it is secret; losing it loses only rollback detection.
 *
 * @module
 */
import { z } from 'zod';
import { StrongroomError } from '../errors.ts';
import { LEVELS, type ProtectionLevel } from '../fleet/descriptor.ts';
import { fromHex, hex, type Bytes } from '../wire/bytes.ts';
import type { Keeper } from './keeper.ts';

const safe = z.int().nonnegative();
const AccountState = z.strictObject({ version: safe, report: safe });
const StateFile = z.strictObject({
  version: z.literal(1),
  /** Serial of the newest descriptor that was accepted. */
  serial: safe,
  /** SHA-256 of that descriptor in hexadecimal. */
  descriptor: z
    .string()
    .regex(/^[0-9a-f]{64}$/u)
    .optional(),
  /** Protection level of that descriptor. */
  level: z.enum(LEVELS).optional(),
  /** By account name in hexadecimal. */
  accounts: z.record(z.string().regex(/^(?:[0-9a-f]{2}){1,64}$/u), AccountState),
});
type StateFile = z.infer<typeof StateFile>;

/** What is remembered of one account. */
export interface AccountState {
  /** Highest state version of a signed answer. */
  readonly version: number;
  /** Serial of the failed-attempt report that the owner was shown last. */
  readonly report: number;
}

/** JSON text as one of the files of this program. @throws StrongroomError `state-damaged` */
export function parseState<T>(schema: z.ZodType<T>, name: string, text: string): T {
  const fault = (cause: unknown): StrongroomError =>
    new StrongroomError(
      'state-damaged',
      `${name} is not as this program wrote it`,
      { subject: name },
      { cause },
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw fault(cause);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw fault(parsed.error);
  return parsed.data;
}

const NOTHING: StateFile = { version: 1, serial: 0, accounts: {} };
const UNKNOWN: AccountState = { version: 0, report: 0 };

/** The memory of one fleet. */
export class FleetState {
  readonly #keeper: Keeper;
  readonly #name: string;
  #file: StateFile = NOTHING;

  private constructor(keeper: Keeper, fleetId: Uint8Array) {
    this.#keeper = keeper;
    this.#name = `fleet-${hex(fleetId)}.json`;
  }

  /** Reads what is known of the fleet; nothing yet is no fault. @throws StrongroomError `state-damaged` */
  static async load(keeper: Keeper, fleetId: Uint8Array): Promise<FleetState> {
    const state = new FleetState(keeper, fleetId);
    await state.#read();
    return state;
  }

  /** Serial of the newest descriptor accepted; 0 before the first. */
  get serial(): number {
    return this.#file.serial;
  }

  /** SHA-256 of the newest descriptor accepted, 32 bytes; none before the first. */
  get descriptorHash(): Bytes | undefined {
    const { descriptor } = this.#file;
    return descriptor === undefined ? undefined : fromHex(descriptor);
  }

  /** What is known of an account. */
  account(name: Uint8Array): AccountState {
    return accountIn(this.#file, name);
  }

  /** Level of the newest descriptor accepted; none before the first. */
  get level(): ProtectionLevel | undefined {
    return this.#file.level;
  }

  /** Remembers a descriptor that was accepted: its serial, SHA-256 and level. */
  sawDescriptor(serial: number, hash: Uint8Array, level: ProtectionLevel): Promise<void> {
    return this.#update((known) => {
      const isKnown = serial < known.serial || (serial === known.serial && known.descriptor !== undefined);
      return isKnown ? known : { ...known, serial, descriptor: hex(hash), level };
    });
  }

  /** Remembers what a verified answer told; nothing ever goes down. */
  saw(name: Uint8Array, seen: Partial<AccountState>): Promise<void> {
    return this.#update((known) => {
      const before = accountIn(known, name);
      const version = Math.max(before.version, seen.version ?? 0);
      const report = Math.max(before.report, seen.report ?? 0);
      if (version === before.version && report === before.report) return known;
      return { ...known, accounts: { ...known.accounts, [hex(name)]: { version, report } } };
    });
  }

  async #read(): Promise<void> {
    this.#file = this.#parse(await this.#keeper.read(this.#name));
  }

  #parse(text: string | undefined): StateFile {
    return text === undefined ? this.#file : parseState(StateFile, this.#name, text);
  }

  /** Changes what is remembered, on top of what others may have learnt meanwhile; `change` gives back no news as it is. */
  async #update(change: (known: StateFile) => StateFile): Promise<void> {
    if (change(this.#file) === this.#file) return;
    let next = this.#file;
    await this.#keeper.update(this.#name, (text) => {
      const known = this.#parse(text);
      next = change(known);
      return next === known ? undefined : JSON.stringify(next);
    });
    this.#file = next;
  }
}

function accountIn({ accounts }: StateFile, name: Uint8Array): AccountState {
  return accounts[hex(name)] ?? UNKNOWN;
}
