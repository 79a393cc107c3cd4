/**
 * Whole exchanges: `recover-start` over HTTP on loopback, at a vault in a process of its own. The clients keep their
 * connections, and have made and sealed their requests beforehand; every answer is opened and verified afterwards.
 *
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sodiumSuite } from '../reference/opaque/index.ts';
import { HttpFleet } from '../reference/vault/testing/http-account.ts';
import { copy, type Bytes } from '../reference/wire/bytes.ts';
import type { Row } from './harness.ts';
import { ke2Of } from './opaque.ts';
import { serve, type Served } from './vault-child.ts';
import { makeVault } from './vault-core.ts';
import { CLIENTS, costOf, inTurn, Medians, recoverStarts, ROUNDS, row } from './vault-load.ts';

/** Share of the rate at full load at which requests come one after the other, whatever the answers do. */
const PACE = 0.5;

type Prepared = Awaited<ReturnType<HttpFleet['seal']>>;

/** One round: exchanges a second, milliseconds to the answer, and the vault's processor time in microseconds. */
interface Round {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpu: number;
}

function post(url: URL, agent: Agent, body: Bytes): Promise<Bytes> {
  const headers = { 'content-type': 'application/octet-stream', 'content-length': body.length };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        if (response.statusCode === 200) resolve(copy(Buffer.concat(parts)));
        else reject(new Error(`status ${response.statusCode}`));
      });
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Sends all; each `at` its millisecond if it is told, or as soon as one of the clients is free. */
async function send(
  server: Served,
  fleet: HttpFleet,
  requests: readonly Prepared[],
  pace?: number,
): Promise<Round> {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const url = new URL('/v1/exchange', server.url);
  const latencies: number[] = [];
  const answers: { readonly sealed: Prepared['sealed']; readonly bytes: Bytes }[] = [];
  const one = async ({ exchange, sealed }: Prepared, begun = performance.now()): Promise<void> => {
    const bytes = await post(url, agent, exchange);
    latencies.push(performance.now() - begun);
    answers.push({ sealed, bytes });
  };
  const before = await server.usage();
  const begun = performance.now();
  if (pace === undefined) await inTurn(requests, one);
  else {
    // Timed from when it was due: a vault that stands still is not asked less.
    const due = requests.map((_, i) => begun + (1000 * i) / pace);
    const sent = requests.map(async (each, i) => {
      const at = due[i] ?? begun;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - performance.now())));
      await one(each, at);
    });
    await Promise.all(sent);
  }
  const rate = (1000 * requests.length) / (performance.now() - begun);
  const cpu = ((await server.usage()).cpu - before.cpu) / requests.length;
  agent.destroy();
  for (const { sealed, bytes } of answers) {
    const { outcome } = fleet.read(sealed, bytes);
    if (outcome !== 'ok') throw new Error(`answered ${outcome}`);
  }
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
  return { rate, cpu, p50: at(0.5), p99: at(0.99) };
}

/** `count` exchanges in each of the rounds, at full load, and half as many at half the rate. */
export async function exchanges(accounts: number, count: number): Promise<Row[]> {
  const suite = await sodiumSuite();
  const folder = await mkdtemp(join(tmpdir(), 'strongroom-bench-'));
  try {
    const pins = await makeVault(folder, accounts);
    const server = await serve(folder);
    try {
      const fleet = await HttpFleet.open(server.url, pins);
      const prepare = async (number: number): Promise<Prepared[]> => {
        const starts = recoverStarts(suite, pins.fleetId, accounts, number);
        const prepared: Prepared[] = [];
        for (const start of starts) prepared.push(await fleet.seal(start));
        return prepared;
      };
      const ke2 = await ke2Of(suite);
      const bare = new Medians<{ readonly rate: number; readonly cpu: number }>();
      const rounds = new Medians<Round>();
      await send(server, fleet, await prepare(Math.ceil(count / 4))); // warm
      for (let round = 0; round < ROUNDS; round++) {
        const [full, paced] = [await prepare(count), await prepare(Math.ceil(count / 2))];
        const times = Math.ceil(count / 2);
        const { wall, thread } = await costOf(times, () => {
          for (let i = 0; i < times; i++) ke2();
        });
        bare.note('ke2', { rate: 1e6 / wall, cpu: thread });
        const loaded = await send(server, fleet, full);
        rounds.note('full', loaded);
        rounds.note('paced', await send(server, fleet, paced, PACE * loaded.rate));
      }
      const section = `exchanges over HTTP, ${CLIENTS} clients, ${accounts} accounts`;
      const alone = row(section, 'KE2 alone, libsodium', bare.of('ke2', 'rate'), 'op/s');
      const time = row(section, '  processor time of KE2 alone', bare.of('ke2', 'cpu'), 'us');
      const cpu = rounds.of('full', 'cpu');
      const ms = (name: string, of: string, measure: 'p50' | 'p99'): Row =>
        row(section, name, rounds.of(of, measure), 'ms');
      return [
        alone,
        row(section, 'exchanges at full load', rounds.of('full', 'rate'), 'op/s', alone),
        ms('  half are answered within', 'full', 'p50'),
        ms('  99 % are answered within', 'full', 'p99'),
        row(section, 'exchanges at half that rate', rounds.of('paced', 'rate'), 'op/s'),
        ms('  half are answered within ', 'paced', 'p50'),
        ms('  99 % are answered within ', 'paced', 'p99'),
        time,
        row(section, '  processor time of an exchange, all threads', cpu, 'us', time),
        row(section, 'exchanges a second of one whole core', 1e6 / cpu, 'op/s'),
        row(section, 'resident memory of the vault', (await server.usage()).resident / 2 ** 20, 'MiB'),
      ];
    } finally {
      await server.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
