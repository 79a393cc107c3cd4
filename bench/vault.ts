/**
 * Recoveries begun at the vault's core: KE2 alone, with the store in memory, and with a charge that is durable in
 * store and anchor. No channel, no HTTP. Beside them opaque-ke, the library of WhatsApp's own vault, as a server that
 * keeps nothing; and, where SoftHSM is, the same with keys and anchor in a token of it.
 *
 * @module
 */
import { client, ready, server } from '@serenity-kit/opaque';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MISSING, SoftToken } from '../reference/hsm/pkcs11/testing/softhsm.ts';
import { sodiumSuite } from '../reference/opaque/index.ts';
import type { Row } from './harness.ts';
import { ke2Of } from './opaque.ts';
import { Core, makeVault } from './vault-core.ts';
import {
  CLIENTS,
  costOf,
  Medians,
  recoverCost,
  recoverStarts,
  ROUNDS,
  row,
  type Cost,
} from './vault-load.ts';

/** A function that answers the same request for a login again and again, by opaque-ke. */
async function opaqueKe(): Promise<() => unknown> {
  await ready;
  const serverSetup = server.createSetup();
  const userIdentifier = 'account';
  const password = 'correct horse battery staple';
  const { clientRegistrationState, registrationRequest } = client.startRegistration({ password });
  const { registrationResponse } = server.createRegistrationResponse({
    serverSetup,
    userIdentifier,
    registrationRequest,
  });
  const { registrationRecord } = client.finishRegistration({
    password,
    clientRegistrationState,
    registrationResponse,
    keyStretching: { 'argon2id-custom': { iterations: 1, memory: 1024, parallelism: 1 } },
  });
  const { startLoginRequest } = client.startLogin({ password });
  return () => server.startLogin({ serverSetup, userIdentifier, registrationRecord, startLoginRequest });
}

/** Recoveries begun, `accounts` times 30 in each of the rounds; 5 with a device. */
export async function vault(accounts: number): Promise<Row[]> {
  const suite = await sodiumSuite();
  const token = MISSING === undefined ? new SoftToken() : undefined;
  const folder = await mkdtemp(join(tmpdir(), 'strongroom-bench-'));
  try {
    const cores = new Map<string, Core>();
    for (const name of ['memory', 'durable', ...(token === undefined ? [] : ['device'])]) {
      const own = join(folder, name);
      const hsm = name === 'device' && token ? { kind: 'pkcs11' as const, ...token.paths } : undefined;
      await makeVault(own, accounts, hsm);
      cores.set(name, await Core.open(own, name === 'memory' ? 'memory' : 'disk'));
    }
    const bare = { ke2: await ke2Of(suite), opaqueKe: await opaqueKe() };
    const costs = new Medians<Cost>();
    const count = 30 * accounts;
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, run] of Object.entries(bare)) {
        const times = Math.ceil(count / 3);
        const cost = await costOf(times, () => {
          for (let i = 0; i < times; i++) run();
        });
        costs.note(name, cost);
      }
      for (const [name, core] of cores) {
        const { fleetId } = core.fleet;
        const times = name === 'device' ? 5 * accounts : count;
        costs.note(name, await recoverCost(core, recoverStarts(suite, fleetId, accounts, times)));
      }
    }
    for (const core of cores.values()) await core.close();

    const section = `vault core, ${CLIENTS} clients, ${accounts} accounts`;
    const rate = (name: string, of: string, measure: keyof Cost, to?: Row): Row =>
      row(section, name, 1e6 / costs.of(of, measure), 'op/s', to);
    const time = (name: string, of: string, measure: keyof Cost, to?: Row): Row =>
      row(section, name, costs.of(of, measure), 'us', to);
    const ke2 = rate('KE2 alone, libsodium', 'ke2', 'wall');
    const other = rate('opaque-ke (WebAssembly), no store', 'opaqueKe', 'wall', ke2);
    const durable = rate('recover-start, charge durable', 'durable', 'wall', ke2);
    const ke2Time = time('  processor time of KE2 alone', 'ke2', 'thread');
    const elsewhere = costs.of('durable', 'cpu') - costs.of('durable', 'thread');
    return [
      ke2,
      other,
      rate('recover-start, store in memory', 'memory', 'wall', ke2),
      durable,
      ...(token ? [rate('recover-start, charge durable, SoftHSM', 'device', 'wall', ke2)] : []),
      row(section, '  charge durable, beside opaque-ke', durable.value, 'op/s', other),
      ke2Time,
      time('  processor time of it, its own thread', 'durable', 'thread', ke2Time),
      row(section, '  other threads (store, files, collector)', elsewhere, 'us', ke2Time),
    ];
  } finally {
    token?.remove();
    await rm(folder, { recursive: true, force: true });
  }
}
