/**
 * A reference vault in a process of its own: `node vault-process.ts FOLDER POLICY`. The folder is made into a vault if
 * it holds none. Prints its address; SIGTERM ends it in order, and so does the end of its input.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Policy } from '../../reference/fleet/index.ts';
import { CONFIG_FILE, initVault, serveVault } from '../../reference/vault/index.ts';

const [, , folder = '', policy = '{}'] = process.argv;
if (!existsSync(join(folder, CONFIG_FILE))) {
  await initVault({ folder, port: 0, policy: JSON.parse(policy) as Partial<Policy> });
}
const server = await serveVault({ folder, port: 0, log: () => undefined });
process.stdout.write(`${JSON.stringify({ url: server.url, failure: server.failure() ?? null })}\n`);
const stop = (): void => void server.close().then(() => process.exit(0));
process.once('SIGTERM', stop);
process.stdin.once('end', stop).resume();
