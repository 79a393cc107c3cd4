/**
 * A vault's core on the state folder of a vault: everything that `serveVault` puts together but channel and HTTP. And
 * such folders, with as many accounts as wanted.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { ed25519PublicKey } from '../reference/crypto/ed25519.ts';
import { systemRandom } from '../reference/crypto/random.ts';
import { Answer, type Statement } from '../reference/exchange/answer.ts';
import { COMMANDS, EXCHANGE_VERSION, RecoverStart, Request } from '../reference/exchange/request.ts';
import type { Hsm } from '../reference/hsm/interface.ts';
import { openHsm, type HsmConfig } from '../reference/hsm/open.ts';
import { sodiumSuite } from '../reference/opaque/index.ts';
import type { Store } from '../reference/store/interface.ts';
import { MemoryStore } from '../reference/store/memory.ts';
import { SqliteStore } from '../reference/store/sqlite.ts';
import { readConfig, type VaultConfig } from '../reference/vault/config.ts';
import { sha256 } from '../reference/vault/core/evaluate.ts';
import type { Fleet } from '../reference/vault/core/fleet.ts';
import { handle, leafInput } from '../reference/vault/core/handle.ts';
import { sealHead } from '../reference/vault/head.ts';
import { initVault, type InitResult } from '../reference/vault/init.ts';
import { unwrapOpaqueKeys } from '../reference/vault/opaque-keys.ts';
import { Partitions } from '../reference/vault/partitions.ts';
import { sealRecord } from '../reference/vault/record-seal.ts';
import { MAX_BUDGET, type AccountRecord } from '../reference/vault/record.ts';
import { coreOf, readServed } from '../reference/vault/serving.ts';
import { headKey, leafKey, readHead, readRecords } from '../reference/vault/start.ts';
import { TestAccount } from '../reference/vault/testing/account.ts';
import { Turns } from '../reference/vault/turns.ts';
import { copy, utf8, type Bytes } from '../reference/wire/bytes.ts';
import { decode, encode } from '../reference/wire/codec.ts';

/** Records of one transaction while a vault is filled. */
const BATCH = 4096;

/** Name of an account of a filled vault, counted from 0. */
export function accountName(i: number): string {
  return `account-${i}`;
}

/** `recover-start` of an account, encoded. */
export function recoverStart(fleetId: Bytes, account: string, ke1: Bytes): Bytes {
  const body = encode(RecoverStart, { ke1 });
  const [version, command, proof] = [EXCHANGE_VERSION, COMMANDS['recover-start'], { kind: 'none' }] as const;
  return encode(Request, { version, fleetId, account: utf8(account), command, body, proof });
}

interface State {
  readonly store: Store;
  readonly hsm: Hsm;
}

async function openState({ store, hsm }: VaultConfig): Promise<State> {
  return { store: await SqliteStore.open(store), hsm: await openHsm(hsm) };
}

/** See above. */
export class Core {
  readonly fleet: Fleet;
  readonly #state: State;
  readonly #partitions: Partitions;
  readonly #turns = new Turns();

  private constructor(state: State, fleet: Fleet, open: Partitions) {
    this.#state = state;
    this.fleet = fleet;
    this.#partitions = open;
  }

  /** @param where the store is; in memory it begins with what the folder holds */
  static async open(folder: string, where: 'disk' | 'memory' = 'disk'): Promise<Core> {
    const config = await readConfig(folder);
    const { store: disk, hsm } = await openState(config);
    const store = where === 'disk' ? disk : await inMemory(disk);
    const suite = await sodiumSuite();
    const pairs = await unwrapOpaqueKeys(hsm, suite, copy(await readFile(config.opaqueKeys)));
    const core = coreOf(readServed(copy(await readFile(config.descriptor))), hsm, suite, pairs);
    const fleet = { ...core, newOpaqueKey: core.opaqueKeys[0] };
    return new Core({ store, hsm }, fleet, await Partitions.open({ store, hsm }));
  }

  /** One request; its answer, signed and encoded. */
  async answer(plaintext: Bytes): Promise<Bytes> {
    const call = { caller: { kind: 'anyone' }, requestHash: sha256(plaintext), plaintext } as const;
    return (await this.#turns.run(handle(this.fleet, call), this.#partitions.handlers())).answer;
  }

  async ask(plaintext: Bytes): Promise<Statement> {
    return decode(Answer, await this.answer(plaintext)).statement;
  }

  /** @throws Error if an answer is anything but `ok` */
  static check(answer: Bytes): void {
    const { outcome } = decode(Answer, answer).statement;
    if (outcome !== 'ok') throw new Error(`answered ${outcome}`);
  }

  async close(): Promise<void> {
    await this.#partitions.close();
    await this.#state.store.close();
    await this.#state.hsm.close();
  }
}

async function inMemory(disk: Store): Promise<Store> {
  const store = new MemoryStore();
  for await (const entry of disk.scan(new Uint8Array(0))) {
    await store.commit({ conditions: [], writes: [entry] });
  }
  await disk.close();
  return store;
}

/**
 * Makes a vault with accounts that are registered: one by the protocol, the others with its record under names, leaves
 * and nonces of their own, in one commit. To a vault there is no difference; what their passwords are does not matter.
 *
 * @param hsm where the keys are to be; files of the folder unless told
 */
export async function makeVault(folder: string, accounts: number, hsm?: HsmConfig): Promise<InitResult> {
  const relayKeys = [ed25519PublicKey(systemRandom('relay_key', 32))];
  const asserted = { assertionMode: 'ed25519', relayKeys } as const; // in a device nothing less will do
  const policy = { delays: [0], ceiling: 1_000_000, ...(hsm !== undefined && asserted) };
  const pins = await initVault({ folder, policy, ...(hsm !== undefined && { hsm }) });
  const core = await Core.open(folder);
  const first = new TestAccount((request) => core.ask(request), pins.fleetId, 'the first');
  const { outcome } = await first.register('correct horse battery staple', MAX_BUDGET);
  if (outcome !== 'ok') throw new Error(`registration: ${outcome}`);
  await core.close();

  const state = await openState(await readConfig(folder));
  const { store, hsm: device } = state;
  const [entry] = await device.anchor.read();
  if (entry === undefined) throw new Error('no partition');
  const partition = { ...state, prefixBits: 0 };
  const { head: before } = await readHead(partition, entry);
  let template: AccountRecord | undefined;
  const tree = await readRecords(partition, entry, {
    record: (_leaf, record) => (template = record),
    refused(_leaf, error) {
      throw error;
    },
  });
  if (template === undefined) throw new Error('no record');
  const { active } = template;
  const leaves: { readonly index: Bytes; readonly hash: Bytes }[] = [];
  for (let from = 0; from < accounts; from += BATCH) {
    const writes: { readonly key: Bytes; readonly value: Bytes }[] = [];
    for (let i = from; i < Math.min(accounts, from + BATCH); i++) {
      const account = utf8(accountName(i));
      const leaf = await device.hmac('index', leafInput(account));
      const own = { ...template, account, active: { ...active, nonce: systemRandom('nonce', 32) } };
      const value = sealRecord(entry.current, leaf, own, systemRandom('salt', 32));
      writes.push({ key: leafKey(0, leaf), value });
      leaves.push({ index: leaf, hash: sha256(value) });
    }
    await store.commit({ conditions: [], writes });
  }
  tree.set(leaves);
  const { n, vaultTime, fencing } = before.body;
  const head = await sealHead((...args) => device.hmac(...args), {
    partition: 0,
    n: n + 1,
    prev: before.hash,
    root: tree.root,
    fencing,
    vaultTime,
  });
  await store.commit({ conditions: [], writes: [{ key: headKey(0), value: head.bytes }] });
  const to = { ...entry, n: n + 1, headHash: head.hash };
  await device.anchor.advance([{ from: entry, to }]);
  await store.close();
  await device.close();
  return pins;
}
