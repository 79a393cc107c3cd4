/**
 * The configuration of a relay: `relay.json` of its folder, and variables of the environment. Paths in it are relative
 * to that folder.
 *
 * @module
 */
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Rate } from '../service/limits.ts';
import type { Listen } from '../service/listen.ts';
import { ListenConfig, RateConfig, readSettings, variableOf } from '../service/settings.ts';

/** Name of the file in the folder. */
export const RELAY_CONFIG_FILE = 'relay.json';
const PREFIX = 'STRONGROOM_RELAY_';

/** Schema of `relay.json`. */
export const RelayConfig: z.ZodType<RelayConfig> = z.strictObject({
  version: z.literal(1),
  listen: ListenConfig,
  metrics: ListenConfig.optional(),
  vault: z.url({ protocol: /^https?$/u }),
  key: z.string().min(1),
  tokens: z.string().min(1),
  maxConcurrent: z.int().min(1).max(65536),
  limits: z
    .strictObject({
      account: RateConfig.optional(),
      address: RateConfig.optional(),
      forwardedFor: z.boolean().optional(),
    })
    .optional(),
});

/** Where a relay listens, and for which vault. */
export interface RelayConfig {
  readonly version: 1;
  readonly listen: Listen;
  /** Where metrics are served; nowhere if it is absent. */
  readonly metrics?: Listen | undefined;
  /** Base address of the vault. */
  readonly vault: string;
  /** Ed25519 private key that assertions are signed with. */
  readonly key: string;
  /** Accounts, and the hashes of their tokens. */
  readonly tokens: string;
  /** Requests that are handled at once; more are answered `overloaded`. */
  readonly maxConcurrent: number;
  /** None unless told. */
  readonly limits?:
    | {
        readonly account?: Rate | undefined;
        readonly address?: Rate | undefined;
        /** True if a proxy of one's own stands before the relay: then the last `X-Forwarded-For` is the address. */
        readonly forwardedFor?: boolean | undefined;
      }
    | undefined;
}

const FIELDS = {
  'listen.host': 'text',
  'listen.port': 'number',
  'metrics.host': 'text',
  'metrics.port': 'number',
  vault: 'text',
  key: 'text',
  tokens: 'text',
  maxConcurrent: 'number',
  'limits.account.perMinute': 'number',
  'limits.account.burst': 'number',
  'limits.address.perMinute': 'number',
  'limits.address.burst': 'number',
  'limits.forwardedFor': 'switch',
} as const;

/** Each field, and the variable that sets it. */
export const RELAY_VARIABLES: ReadonlyMap<string, string> = new Map(
  Object.keys(FIELDS).map((field) => [field, variableOf(PREFIX, field)]),
);

/**
 * Reads the configuration of a relay; the paths in it come back absolute.
 *
 * @throws StrongroomError `invalid-config`; `details.subject` names the field or the variable
 */
export async function readRelayConfig(
  folder: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<RelayConfig> {
  const file = join(folder, RELAY_CONFIG_FILE);
  const config = await readSettings(RelayConfig, { file, prefix: PREFIX, fields: FIELDS, environment });
  return { ...config, key: resolve(folder, config.key), tokens: resolve(folder, config.tokens) };
}
