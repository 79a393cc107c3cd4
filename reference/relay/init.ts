/**
 * Making a relay: its key, an empty list of tokens and its configuration, in a new folder.
 *
 * @module
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ed25519PublicKey } from '../crypto/ed25519.ts';
import { systemRandom } from '../crypto/random.ts';
import { StrongroomError } from '../errors.ts';
import { createFile } from '../hsm/file.ts';
import { hex, utf8, wipe, type Bytes } from '../wire/bytes.ts';
import { RelayConfig, RELAY_CONFIG_FILE } from './config.ts';
import { createTokens } from './tokens.ts';

/** Name of the file that the vault is made with: the public key in hexadecimal. */
export const RELAY_PUBLIC_KEY_FILE = 'relay.pub';

const CONFIG = {
  version: 1,
  listen: { host: '127.0.0.1', port: 8788 },
  key: 'relay.key',
  tokens: 'tokens.json',
  maxConcurrent: 256,
  limits: { account: { perMinute: 60, burst: 60 }, address: { perMinute: 600, burst: 600 } },
} as const;

/**
 * Makes a relay: its key, an empty list of tokens, its configuration. The vault has to be told the public key,
 * which is also in `relay.pub`.
 *
 * @param vault base address of the vault
 * @returns the Ed25519 public key, 32 bytes
 * @throws StrongroomError `state-exists`, `invalid-config`
 */
export async function initRelay(folder: string, vault: string, port?: number): Promise<Bytes> {
  const listen = { ...CONFIG.listen, ...(port !== undefined && { port }) };
  const config = RelayConfig.safeParse({ ...CONFIG, listen, vault });
  if (!config.success) {
    const [issue] = config.error.issues;
    const subject = issue?.path.join('.') ?? '';
    throw new StrongroomError('invalid-config', `${subject}: ${issue?.message}`, { subject });
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const secret = systemRandom('relay_key', 32);
  const publicKey = ed25519PublicKey(secret);
  await createFile(join(folder, CONFIG.key), secret);
  wipe(secret);
  await createFile(join(folder, RELAY_PUBLIC_KEY_FILE), utf8(`${hex(publicKey)}\n`));
  await createTokens(join(folder, CONFIG.tokens));
  await createFile(join(folder, RELAY_CONFIG_FILE), utf8(`${JSON.stringify(config.data, undefined, 2)}\n`));
  return publicKey;
}
