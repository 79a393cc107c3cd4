/**
 * The configuration of a vault: `vault.json` of its state folder, and variables of the environment. Paths in it are
 * relative to that folder.
 *
 * @module
 */
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { HsmConfig } from '../hsm/open.ts';
import type { Rate } from '../service/limits.ts';
import type { Listen } from '../service/listen.ts';
import { ListenConfig, RateConfig, readSettings, variableOf } from '../service/settings.ts';

/** Name of the file in the state folder. */
export const CONFIG_FILE = 'vault.json';
/** Variables of the environment that set fields begin with it. */
export const VARIABLE_PREFIX = 'STRONGROOM_VAULT_';

const path = z.string().min(1);

const softwareHsm = z.strictObject({
  kind: z.literal('software'),
  keys: path,
  sealingKey: path,
  anchor: path,
});
const pkcs11Hsm = z.strictObject({
  kind: z.literal('pkcs11'),
  module: path,
  tokenLabel: z.string().min(1).max(32),
  pinFile: path,
  keyPrefix: z.string().min(1).max(64).optional(),
});

/** How often one account, and one address, may ask. */
export interface VaultLimits {
  readonly account?: Rate | undefined;
  /** Behind a relay every request comes from the relay's address. */
  readonly address?: Rate | undefined;
}

/** Schema of `vault.json`. */
export const VaultConfig: z.ZodType<VaultConfig> = z.strictObject({
  version: z.literal(1),
  listen: ListenConfig,
  metrics: ListenConfig.optional(),
  store: path,
  hsm: z.discriminatedUnion('kind', [softwareHsm, pkcs11Hsm]),
  opaqueKeys: path,
  descriptor: path,
  maxConcurrent: z.int().min(1).max(65536),
  limits: z.strictObject({ account: RateConfig.optional(), address: RateConfig.optional() }).optional(),
  rekeyAfterSeconds: z.int().min(60).max(86_400).optional(),
});

/** Where a vault listens and where its files are. */
export interface VaultConfig {
  readonly version: 1;
  readonly listen: Listen;
  /** Where metrics are served; nowhere if it is absent. */
  readonly metrics?: Listen | undefined;
  /** SQLite file. */
  readonly store: string;
  /** Where keys and anchor are. */
  readonly hsm: HsmConfig;
  /** OPAQUE keys, wrapped by the HSM. */
  readonly opaqueKeys: string;
  /** Signed fleet descriptor. */
  readonly descriptor: string;
  /** Requests that are handled at once; more are answered `overloaded`. */
  readonly maxConcurrent: number;
  /** None unless told. */
  readonly limits?: VaultLimits | undefined;
  /** Vault time after which the data key is replaced; 86,400 unless told. */
  readonly rekeyAfterSeconds?: number | undefined;
}

/** Fields that a variable of the environment may set. */
const FIELDS = {
  'listen.host': 'text',
  'listen.port': 'number',
  'metrics.host': 'text',
  'metrics.port': 'number',
  store: 'text',
  'hsm.kind': 'text',
  'hsm.keys': 'text',
  'hsm.sealingKey': 'text',
  'hsm.anchor': 'text',
  'hsm.module': 'text',
  'hsm.tokenLabel': 'text',
  'hsm.pinFile': 'text',
  'hsm.keyPrefix': 'text',
  opaqueKeys: 'text',
  descriptor: 'text',
  maxConcurrent: 'number',
  'limits.account.perMinute': 'number',
  'limits.account.burst': 'number',
  'limits.address.perMinute': 'number',
  'limits.address.burst': 'number',
  rekeyAfterSeconds: 'number',
} as const;

/** Each field, and the variable that sets it. */
export const VARIABLES: ReadonlyMap<string, string> = new Map(
  Object.keys(FIELDS).map((field) => [field, variableOf(VARIABLE_PREFIX, field)]),
);

/** The same with the paths that are relative to a folder made absolute. */
export function resolveHsm(folder: string, hsm: HsmConfig): HsmConfig {
  const at = (relative: string): string => resolve(folder, relative);
  return hsm.kind === 'software'
    ? { ...hsm, keys: at(hsm.keys), sealingKey: at(hsm.sealingKey), anchor: at(hsm.anchor) }
    : { ...hsm, module: at(hsm.module), pinFile: at(hsm.pinFile) };
}

/**
 * Reads the configuration of a state folder; the paths in it come back absolute.
 *
 * @throws StrongroomError `invalid-config`; `details.subject` names the field or the variable
 */
export async function readConfig(
  folder: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<VaultConfig> {
  const file = join(folder, CONFIG_FILE);
  const source = { file, prefix: VARIABLE_PREFIX, fields: FIELDS, environment };
  const { hsm, ...rest } = await readSettings(VaultConfig, source);
  const at = (relative: string): string => resolve(folder, relative);
  return {
    ...rest,
    store: at(rest.store),
    opaqueKeys: at(rest.opaqueKeys),
    descriptor: at(rest.descriptor),
    hsm: resolveHsm(folder, hsm),
  };
}
