/**
 * The configuration of a vault: `vault.json` of its state folder. Paths in it are relative to that folder.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { StrongroomError } from '../errors.ts';

/** Name of the file in the state folder. */
export const CONFIG_FILE = 'vault.json';

const path = z.string().min(1);

/** Schema of `vault.json`. */
export const VaultConfig: z.ZodType<VaultConfig> = z.strictObject({
  version: z.literal(1),
  listen: z.strictObject({ host: z.string().min(1), port: z.int().min(0).max(65535) }),
  store: path,
  hsm: z.strictObject({ kind: z.literal('software'), keys: path, sealingKey: path, anchor: path }),
  opaqueKeys: path,
  descriptor: path,
  maxConcurrent: z.int().min(1).max(65536),
});

/** Where a vault listens and where its files are. */
export interface VaultConfig {
  readonly version: 1;
  readonly listen: { readonly host: string; readonly port: number };
  /** SQLite file. */
  readonly store: string;
  readonly hsm: {
    readonly kind: 'software';
    readonly keys: string;
    /** 32-byte key that `keys` is sealed under; better on another medium. */
    readonly sealingKey: string;
    readonly anchor: string;
  };
  /** OPAQUE keys, wrapped by the HSM. */
  readonly opaqueKeys: string;
  /** Signed fleet descriptor. */
  readonly descriptor: string;
  /** Requests that are handled at once; more are answered `overloaded`. */
  readonly maxConcurrent: number;
}

/**
 * Reads the configuration of a state folder; the paths in it come back absolute.
 *
 * @throws StrongroomError `invalid-config`; `details.subject` names the field
 */
export async function readConfig(folder: string): Promise<VaultConfig> {
  const file = join(folder, CONFIG_FILE);
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    const message = `${file}: ${(cause as Error).message}`;
    throw new StrongroomError('invalid-config', message, { subject: file }, { cause });
  }
  const parsed = VaultConfig.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const unknown = issue?.code === 'unrecognized_keys' ? issue.keys : [];
    const subject = [...(issue?.path ?? []), ...unknown].join('.');
    throw new StrongroomError('invalid-config', `${file}: ${subject}: ${issue?.message}`, { subject });
  }
  const at = (relative: string): string => resolve(dirname(file), relative);
  const { hsm, ...rest } = parsed.data;
  return {
    ...rest,
    store: at(rest.store),
    opaqueKeys: at(rest.opaqueKeys),
    descriptor: at(rest.descriptor),
    hsm: { ...hsm, keys: at(hsm.keys), sealingKey: at(hsm.sealingKey), anchor: at(hsm.anchor) },
  };
}
