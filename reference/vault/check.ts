/**
 * A look at a state folder from outside, beside a vault that may be running: nothing is locked, opened or changed.
 *
 * @module
 */
import { checkSecretFile } from '../hsm/file.ts';
import { connectionLimit } from '../service/connections.ts';
import { readConfig, type VaultConfig } from './config.ts';
import { checkListen, checkStore, readFor } from './server.ts';
import { readServed } from './serving.ts';

/** What was found. */
export interface Checked extends VaultConfig {
  /** Last second, since 1970, at which clients take the descriptor. */
  readonly notAfter: number;
  /** Connections that would be possible at once. */
  readonly connections: number;
}

/**
 * Looks whether a vault could start; the keys are not opened.
 *
 * @throws StrongroomError `invalid-config`, `keys-missing`, `keys-exposed`, `anchor-missing`
 */
export async function checkVault(
  folder: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Checked> {
  const config = await readConfig(folder, environment);
  const { notAfter, policy } = readServed(await readFor('descriptor', config.descriptor));
  await readFor('opaqueKeys', config.opaqueKeys);
  await checkStore(config.store);
  const { hsm } = config;
  if (hsm.kind === 'software') {
    await checkSecretFile(hsm.keys, 'keys-missing');
    await checkSecretFile(hsm.sealingKey, 'keys-missing');
    await checkSecretFile(hsm.anchor, 'anchor-missing');
  } else {
    await readFor('hsm', hsm.module);
    await checkSecretFile(hsm.pinFile, 'keys-missing');
  }
  checkListen(policy, config.listen.host);
  return { ...config, notAfter, connections: connectionLimit() };
}
