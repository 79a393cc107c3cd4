/**
 * The HSM that a configuration names.
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import type { AnchorEntry, Hsm, HsmKeys, PairSuite } from './interface.ts';
import { Pkcs11Hsm, Pkcs11Keys, type Pkcs11Paths } from './pkcs11/hsm.ts';
import { SoftwareHsm, SoftwareKeys, type SoftwareHsmPaths } from './software.ts';

/** Keys and anchor in files. */
export interface SoftwareHsmConfig extends SoftwareHsmPaths {
  readonly kind: 'software';
}

/** Keys and anchor in a device. */
export interface Pkcs11HsmConfig extends Pkcs11Paths {
  readonly kind: 'pkcs11';
}

/** One or the other. */
export type HsmConfig = SoftwareHsmConfig | Pkcs11HsmConfig;

/** @throws StrongroomError those of `SoftwareHsm.open` or `Pkcs11Hsm.open` */
export function openHsm(config: HsmConfig): Promise<Hsm> {
  return config.kind === 'software' ? SoftwareHsm.open(config) : Pkcs11Hsm.open(config);
}

/** The keys alone: also beside a vault that has them open. @throws StrongroomError as {@link openHsm}, without the anchor's */
export function openHsmKeys(config: HsmConfig): Promise<HsmKeys> {
  return config.kind === 'software' ? SoftwareKeys.openKeys(config) : Pkcs11Keys.openKeys(config);
}

/** The suite of new pairs, unless told. */
export function usualSuite({ kind }: HsmConfig): PairSuite {
  return kind === 'software' ? 1 : 2;
}

/**
 * Makes the keys. The anchor is made by `firstEntries`, which may use them, and is the last thing to appear.
 *
 * @throws StrongroomError `state-exists`, `unsupported-suite`, and those of {@link openHsm}
 */
export async function createHsm(
  config: HsmConfig,
  firstEntries: (hmac: Hsm['hmac']) => Promise<readonly AnchorEntry[]>,
  suite: PairSuite = usualSuite(config),
): Promise<Hsm> {
  if (config.kind === 'software') return SoftwareHsm.create(config, firstEntries, suite);
  if (suite !== 2) throw new StrongroomError('unsupported-suite', 'devices have pairs of suite 2');
  return Pkcs11Hsm.create(config, firstEntries);
}
