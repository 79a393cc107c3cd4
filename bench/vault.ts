/**
 * Recoveries begun at the vault's core: KE2 alone, with the memory store, and with a charge that is durable in store and anchor.
 * No channel, no HTTP.
 *
 * @module
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '../reference/crypto/random.ts';
import { Answer, RegisterStarted, type Statement } from '../reference/exchange/answer.ts';
import {
  COMMANDS,
  RecoverStart,
  RegisterConfirm,
  RegisterFinish,
  RegisterStart,
  Request,
  type Command,
} from '../reference/exchange/request.ts';
import { DEFAULT_POLICY, keyId } from '../reference/fleet/index.ts';
import { SoftwareHsm, softwareHsmPaths } from '../reference/hsm/software.ts';
import { label } from '../reference/keys/labels.ts';
import {
  DEFAULT_STRETCH,
  finishRegistration,
  generateServerKeyPair,
  identityStretch,
  sodiumSuite,
  startLogin,
  startRegistration,
} from '../reference/opaque/index.ts';
import { MemoryStore } from '../reference/store/memory.ts';
import type { Store } from '../reference/store/interface.ts';
import { SqliteStore } from '../reference/store/sqlite.ts';
import { run } from '../reference/vault/core/effects.ts';
import { sha256 } from '../reference/vault/core/evaluate.ts';
import type { Fleet } from '../reference/vault/core/fleet.ts';
import { handle } from '../reference/vault/core/handle.ts';
import { createPartition, Partition } from '../reference/vault/partition.ts';
import { headKey } from '../reference/vault/start.ts';
import { concat, utf8, type Bytes } from '../reference/wire/bytes.ts';
import { decode, encode, type Codec } from '../reference/wire/codec.ts';
import type { Row } from './harness.ts';
import { ke2Of } from './opaque.ts';

const BUDGET = 100;
const CLIENTS = 64;
const ROUNDS = 3;
const fleetId = new Uint8Array(16).fill(1);
const password = utf8('correct horse battery staple');

/** A vault's core on a store, with accounts that are registered. */
interface Setup {
  readonly name: string;
  readonly ask: (request: Bytes) => Promise<Statement>;
  readonly close: () => Promise<void>;
}

function request<T>(account: Bytes, command: Command, codec: Codec<T>, body: T): Bytes {
  const whole = { version: 1, fleetId, account, command: COMMANDS[command], body: encode(codec, body) };
  return encode(Request, { ...whole, proof: { kind: 'none' } });
}

async function setUp(name: string, store: Store, folder: string): Promise<Setup> {
  const suite = await sodiumSuite();
  const pair = generateServerKeyPair(suite);
  const policy = { ...DEFAULT_POLICY, delays: [0], ceiling: 1_000_000 };
  await mkdir(folder, { recursive: true });
  const hsm = await SoftwareHsm.create(softwareHsmPaths(folder), async (hmac) => {
    const { head, entry } = await createPartition(hmac, 0, 1);
    const key = headKey(0);
    await store.commit({ conditions: [], writes: [{ key, value: head.bytes }] });
    return [entry];
  });
  const opaqueKey = { id: keyId(pair.publicKey), oprfKeyId: new Uint8Array(8), ...pair };
  const [receiptKeyId = fleetId] = hsm.publicKeys.receipt.map(keyId);
  const fleet: Fleet = {
    fleetId,
    level: hsm.level,
    policy,
    suite,
    opaqueSuite: 1,
    opaqueKeys: [opaqueKey],
    newOpaqueKey: opaqueKey,
    receiptKeyId,
  };
  const partition = await Partition.open({ store, hsm, partition: 0, prefixBits: 0 });
  const handlers = partition.handlers();
  const ask = async (plaintext: Bytes): Promise<Statement> => {
    const call = { caller: { kind: 'anyone' } as const, requestHash: sha256(plaintext), plaintext };
    return decode(Answer, (await run(handle(fleet, call), handlers)).answer).statement;
  };
  const close = async (): Promise<void> => {
    await partition.close();
    await store.close();
    await hsm.close();
  };
  return { name, ask, close };
}

async function register(ask: Setup['ask'], account: Bytes): Promise<void> {
  const suite = await sodiumSuite();
  const { request: registrationRequest, state } = startRegistration(suite, password);
  const begun = await ask(request(account, 'register-start', RegisterStart, { registrationRequest }));
  const { registrationId, registrationResponse: response } = decode(RegisterStarted, begun.body);
  const { record } = await finishRegistration({ suite, state, response, stretch: identityStretch });
  const secret = systemRandom('confirm_secret', 32);
  const finish: RegisterFinish = {
    registrationId,
    record,
    stretch: DEFAULT_STRETCH,
    sealedKey: new Uint8Array(48),
    confirmHash: sha256(concat(label('confirm'), secret)),
    ownerKey: new Uint8Array(32),
    budget: BUDGET,
  };
  await ask(request(account, 'register-finish', RegisterFinish, finish));
  const recordHash = sha256(encode(RegisterFinish, finish));
  const live = await ask(
    request(account, 'register-confirm', RegisterConfirm, { registrationId, secret, recordHash }),
  );
  if (live.outcome !== 'ok') throw new Error(`registration: ${live.outcome}`);
}

/** Requests that were made beforehand, sent by so many clients at once: how many a second. */
async function load({ ask }: Setup, requests: readonly Bytes[]): Promise<number> {
  const queue = requests.values();
  const begun = performance.now();
  const client = async (): Promise<void> => {
    for (const each of queue) {
      const { outcome } = await ask(each);
      if (outcome !== 'ok') throw new Error(`recovery: ${outcome}`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return (1000 * requests.length) / (performance.now() - begun);
}

/** Recoveries begun, `accounts` times 30 in each of three interleaved rounds. */
export async function vault(accounts: number): Promise<Row[]> {
  const suite = await sodiumSuite();
  const folder = await mkdtemp(join(tmpdir(), 'strongroom-bench-'));
  try {
    const setups = [
      await setUp('recover-start, store in memory, anchor durable', new MemoryStore(), join(folder, 'a')),
      await setUp(
        'recover-start, charge durable',
        await SqliteStore.open(join(folder, 'store.db')),
        join(folder, 'b'),
      ),
    ];
    const names = Array.from({ length: accounts }, (_, i) => utf8(`account-${i}`));
    for (const { ask } of setups) for (const account of names) await register(ask, account);
    const ke2 = await ke2Of(suite);
    const rates = new Map<string, number[]>();
    const note = (name: string, rate: number): void =>
      void rates.set(name, [...(rates.get(name) ?? []), rate]);
    const bare = 'KE2 alone, libsodium';
    for (let round = 0; round < ROUNDS; round++) {
      const requests = Array.from({ length: 30 }, () =>
        names.map((account) =>
          request(account, 'recover-start', RecoverStart, { ke1: startLogin(suite, password).ke1 }),
        ),
      ).flat();
      const begun = performance.now();
      for (let i = 0; i < requests.length; i++) ke2();
      note(bare, (1000 * requests.length) / (performance.now() - begun));
      for (const setup of setups) note(setup.name, await load(setup, requests));
    }
    for (const { close } of setups) await close();
    const section = `vault core, ${CLIENTS} clients, ${accounts} accounts`;
    const median = (name: string): number =>
      (rates.get(name) ?? []).toSorted((a, b) => a - b)[1] ?? Number.NaN;
    return [...rates.keys()].map((name) => ({
      section,
      name,
      value: median(name),
      unit: 'op/s',
      ...(name !== bare && { ratio: { to: bare, value: median(name) / median(bare) } }),
    }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
