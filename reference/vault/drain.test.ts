import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decode } from '../wire/codec.ts';
import { RecoverStarted } from '../exchange/answer.ts';
import { initVault, type InitResult } from './init.ts';
import { serveVault, type VaultEvent, type VaultServer } from './server.ts';
import { HttpFleet } from './testing/http-account.ts';

const ACCOUNTS = 12;
const AT_ONCE = 8;
const BUDGET = 100;
const ROUNDS = process.env['STRONGROOM_LONG'] === undefined ? 3 : 30;

let folder: string;
let pins: InitResult;
let events: VaultEvent[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'strongroom-drain-'));
  pins = await initVault({ folder, policy: { delays: [], maxBudget: BUDGET, ceiling: 1000 } });
});
afterAll(() => rmSync(folder, { recursive: true }));

const serve = (): Promise<VaultServer> => {
  events = [];
  return serveVault({ folder, port: 0, log: (event) => events.push(event) });
};

/** Guesses that are ready to be sent, all at once; 1 for each that is answered with the attempt that was charged. */
async function guesses(
  fleet: HttpFleet,
  name: string,
  onAnswer: () => void,
): Promise<() => Promise<number[]>> {
  const account = fleet.account(name);
  const bodies = Array.from({ length: AT_ONCE }, () => account.begin('wrong').body);
  const requests = await Promise.all(
    bodies.map((body) => fleet.seal(account.request('recover-start', body))),
  );
  return () =>
    Promise.all(
      requests.map(async ({ exchange, sealed }) => {
        const response = await fleet.post(exchange).catch(() => undefined);
        if (response?.status !== 200) return 0;
        // Not only a status: the whole answer has come, and it opens.
        const statement = fleet.read(sealed, new Uint8Array(await response.arrayBuffer()));
        expect(decode(RecoverStarted, statement.body).attemptId).toHaveLength(32);
        onAnswer();
        return 1;
      }),
    );
}

// proves HTP-13, HTP-14
it('a vault that stops under load charges nobody without an answer, and answers all that it has taken', async () => {
  const names = Array.from({ length: ACCOUNTS }, (_, i) => `account ${i}`);
  let server = await serve();
  let fleet = await HttpFleet.open(server.url, pins);
  await Promise.all(names.map((name) => fleet.account(name).register('secret', BUDGET)));
  let finished = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const before = await Promise.all(
      names.map(async (name) => (await fleet.account(name).call('status')).remaining),
    );
    const first = Promise.withResolvers<void>();
    const ready = await Promise.all(names.map((name) => guesses(fleet, name, first.resolve)));
    const sent = ready.map((send) => send());
    await first.promise;
    await server.close();
    const stopping = events.findIndex(({ event }) => event === 'stopping');
    finished += events
      .slice(stopping)
      .filter((event) => event.event === 'request' && event.status === 200).length;
    const answered = (await Promise.all(sent)).map((ones) => ones.reduce((sum, one) => sum + one, 0));
    server = await serve();
    fleet = await HttpFleet.open(server.url, pins);
    const after = await Promise.all(
      names.map(async (name) => (await fleet.account(name).call('status')).remaining),
    );
    expect(before.map((remaining, i) => remaining - (after[i] ?? 0))).toEqual(answered);
    // A right password gives the budget back for the next round.
    await Promise.all(names.map((name) => fleet.account(name).recover('secret')));
  }
  expect(finished).toBeGreaterThan(0); // there was something to finish
  await server.close();
});
