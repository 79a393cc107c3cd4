/**
 * A reference vault in a process of its own: `node vault-process.ts FOLDER POLICY SUITE`. The folder is made into
 * a vault if it holds none. Prints its address and the pins of its clients. A line of its input is a number of seconds by which its own time goes on at once;
 * SIGTERM ends it in order, and so does the end of its input.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parsePins } from '../../reference/client/index.ts';
import type { Policy } from '../../reference/fleet/index.ts';
import { CONFIG_FILE, initVault, serveVault } from '../../reference/vault/index.ts';
import { fromHex, hex } from '../../reference/wire/bytes.ts';

const [, , folder = '', policyText = '{}', suite = '1'] = process.argv;
if (!existsSync(join(folder, CONFIG_FILE))) {
  const { relayKeys, ...policy } = JSON.parse(policyText) as Partial<Policy> & { relayKeys?: string[] };
  const relays = relayKeys && { relayKeys: relayKeys.map(fromHex) };
  await initVault({ folder, port: 0, suite: suite === '2' ? 2 : 1, policy: { ...policy, ...relays } });
}
let ahead = 0;
const monotonic = (): number => performance.now() / 1000 + ahead;
const server = await serveVault({ folder, port: 0, log: () => undefined, monotonic });
const { fleetId, signers, threshold } = parsePins(readFileSync(join(folder, 'pins.json'), 'utf8'));
const pins = { fleetId: hex(fleetId), signers: signers.map(hex), threshold };
process.stdout.write(`${JSON.stringify({ url: server.url, failure: server.failure() ?? null, pins })}\n`);
const stop = (): void => void server.close().then(() => process.exit(0));
process.once('SIGTERM', stop);
createInterface({ input: process.stdin })
  .on('line', (seconds) => {
    ahead += Number(seconds);
    process.stdout.write('{}\n');
  })
  .once('close', stop);
