/**
 * The files of a state folder that the ceremony works on (spec/fleet.md, "Roll-over"), and the lock that keeps two
 * ceremonies apart.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePins, type Pins } from '../client/pins.ts';
import { waitForLock } from '../files/lock.ts';
import { readDescriptor, type FleetDescriptor } from '../fleet/index.ts';
import { copy, type Bytes } from '../wire/bytes.ts';
import { readConfig, type VaultConfig } from './config.ts';
import { readServed } from './serving.ts';

/** The next descriptor of the fleet, which its signers have yet to sign. */
export const UNSIGNED_FILE = 'fleet.unsigned';
/** What clients pin. */
export const PINS_FILE = 'pins.json';

async function readIfThere(path: string): Promise<Bytes | undefined> {
  try {
    return copy(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A folder whose ceremony nobody else has a part in meanwhile. */
export interface Ceremony {
  readonly config: VaultConfig;
  readonly pins: Pins;
  /** The descriptor in place; none before the first has been installed. */
  readonly installed: FleetDescriptor | undefined;
  /** That of {@link UNSIGNED_FILE}, if its serial is above the installed one. */
  readonly pending: FleetDescriptor | undefined;
}

/**
 * Does something in a state folder while no other ceremony goes on there; the vault may run beside it.
 *
 * @throws StrongroomError `invalid-config`, `state-damaged`, `bad-descriptor`, and what `work` throws
 */
export async function inCeremony<T>(folder: string, work: (ceremony: Ceremony) => Promise<T>): Promise<T> {
  const config = await readConfig(folder);
  const lock = await waitForLock(join(folder, `${UNSIGNED_FILE}.lock`));
  try {
    const pins = parsePins(await readFile(join(folder, PINS_FILE), 'utf8'));
    const served = await readIfThere(config.descriptor);
    const installed = served && readServed(served);
    const unsigned = await readIfThere(join(folder, UNSIGNED_FILE));
    const next = unsigned && readDescriptor(unsigned);
    const pending = next !== undefined && next.serial > (installed?.serial ?? 0) ? next : undefined;
    return await work({ config, pins, installed, pending });
  } finally {
    lock.release();
  }
}
