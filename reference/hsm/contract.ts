/**
 * What every HSM does, as a kit for whoever adds one (spec/hsm.md). It knows no test runner: it returns or throws.
 *
 * @module
 */
import { DhkemP256HkdfSha256, DhkemX25519HkdfSha256 } from '@hpke/core';
import assert from 'node:assert/strict';
import { ed25519Verify } from '../crypto/ed25519.ts';
import { p256Verify } from '../crypto/p256.ts';
import { systemRandom } from '../crypto/random.ts';
import { isStrongroomError, type ErrorCode } from '../errors.ts';
import { keyId } from '../fleet/descriptor.ts';
import { hex, utf8, type Bytes } from '../wire/bytes.ts';
import { HMAC_KEYS, type AnchorEntry, type Hsm, type HmacKey, type PairKind } from './interface.ts';

/** How the kit gets at the HSM that it tests. */
export interface HsmBackend {
  /** Makes new keys, and an anchor with these entries, and opens it. */
  create(entries: readonly AnchorEntry[]): Promise<Hsm>;
  /** Opens again what `create` has made last. */
  open(): Promise<Hsm>;
}

/** The HSM under test, as it is open now. */
class Bench {
  hsm: Hsm;
  readonly backend: HsmBackend;

  constructor(backend: HsmBackend, hsm: Hsm) {
    this.backend = backend;
    this.hsm = hsm;
  }

  async reopen(): Promise<Hsm> {
    await this.hsm.close();
    return (this.hsm = await this.backend.open());
  }
}

const HMACS = Object.keys(HMAC_KEYS) as HmacKey[];
const KINDS: readonly PairKind[] = ['kem', 'receipt'];

const bytes = (value: number, length = 32): Bytes => new Uint8Array(length).fill(value);
const firstEntry = (partition: number): AnchorEntry => ({
  partition,
  n: 0,
  headHash: bytes(partition + 1),
  current: { epoch: 1, since: 1_700_000_000, key: bytes(partition + 101) },
  next: undefined,
});
/** As many partitions as a vault can have. */
const ENTRIES: readonly AnchorEntry[] = Array.from({ length: 16 }, (_, number) => firstEntry(number));

/** The same entry one head on. */
function moved(entry: AnchorEntry, headHash = systemRandom('head', 32)): AnchorEntry {
  return { ...entry, n: entry.n + 1, headHash };
}

async function entryOf(hsm: Hsm, partition: number): Promise<AnchorEntry> {
  const entry = (await hsm.anchor.read()).find((entry) => entry.partition === partition);
  assert(entry !== undefined, `the anchor has no partition ${partition}`);
  return entry;
}

async function refuses(
  codes: readonly ErrorCode[],
  what: string,
  call: () => Promise<unknown>,
): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!isStrongroomError(error)) throw error;
    assert(codes.includes(error.code), `${what}: ${error.code}, not ${codes.join(' or ')}`);
    return;
  }
  assert.fail(`${what}: was done`);
}

function first(hsm: Hsm, kind: PairKind): Bytes {
  const [key] = hsm.publicKeys[kind];
  assert(key !== undefined, `no ${kind} key`);
  return key;
}

async function opensUnder(hsm: Hsm, publicKey: Bytes): Promise<void> {
  const kem = hsm.suite === 1 ? new DhkemX25519HkdfSha256() : new DhkemP256HkdfSha256();
  const recipientPublicKey = await kem.deserializePublicKey(publicKey);
  const { enc, sharedSecret } = await kem.encap({ recipientPublicKey });
  const own = await hsm.decapsulate(hsm.suite, keyId(publicKey), new Uint8Array(enc));
  assert.deepEqual(own, new Uint8Array(sharedSecret), 'not the shared secret of the client');
}

async function signsUnder(hsm: Hsm, publicKey: Bytes): Promise<void> {
  const verify = hsm.suite === 1 ? ed25519Verify : p256Verify;
  for (const message of [bytes(0, 0), utf8('answer'), bytes(7, 10_000)]) {
    const signature = await hsm.sign(keyId(publicKey), message);
    assert.equal(signature.length, 64, 'length of a signature');
    assert(verify(publicKey, message, signature), 'a signature does not verify');
  }
}

async function usesAll(hsm: Hsm): Promise<void> {
  for (const key of hsm.publicKeys.kem) await opensUnder(hsm, key);
  for (const key of hsm.publicKeys.receipt) await signsUnder(hsm, key);
}

const CHECKS: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  async 'says what it is'({ hsm }) {
    assert(hsm.suite === 1 || hsm.suite === 2, 'suite');
    const length = hsm.suite === 1 ? 32 : 65;
    for (const kind of KINDS) {
      assert(hsm.publicKeys[kind].length > 0, `no ${kind} key`);
      for (const key of hsm.publicKeys[kind]) assert.equal(key.length, length, `length of a ${kind} key`);
    }
    if (hsm.level === 'software')
      for (const at of Object.values(hsm.locations)) assert.equal(at, 'memory', 'without a device');
    assert.equal(hsm.failure, undefined, 'failure');
  },

  async 'computes HMACs of four keys, the same ones after a restart'(bench) {
    const { hsm } = bench;
    const messages = [bytes(0, 0), utf8('x'), bytes(1, 64), bytes(2, 200), bytes(3, 4096)];
    const all = (one: Hsm): Promise<Bytes[]> =>
      Promise.all(HMACS.flatMap((key) => messages.map((message) => one.hmac(key, message))));
    const tags = await all(hsm);
    for (const [i, key] of HMACS.entries()) {
      const length = HMAC_KEYS[key] === 'sha256' ? 32 : 64;
      for (const tag of tags.slice(i * messages.length, (i + 1) * messages.length))
        assert.equal(tag.length, length, `length of an HMAC of ${key}`);
    }
    assert.equal(new Set(tags.map((tag) => hex(tag.subarray(0, 32)))).size, tags.length, 'two are one');
    const again = await bench.reopen();
    assert.deepEqual(await all(again), tags, 'other keys after a restart');
  },

  async 'opens what it has sealed, and nothing else'(bench) {
    const { hsm } = bench;
    const aad = utf8('aad');
    const plaintexts = [utf8('x'), bytes(4), bytes(5, 400)];
    const boxes = await Promise.all(plaintexts.map((plaintext) => hsm.seal(plaintext, aad)));
    assert.notDeepEqual(await hsm.seal(bytes(4), aad), boxes[1], 'one box twice: its nonce is not fresh');
    for (const box of boxes) {
      const changed = [0, 12, box.length >> 1, box.length - 1].map((at) => box.with(at, (box[at] ?? 0) ^ 1));
      for (const other of [...changed, box.subarray(0, -1), box.subarray(0, 20), bytes(0, 0)])
        await refuses(['keys-damaged'], 'a changed box', () => hsm.open(other, aad));
      await refuses(['keys-damaged'], 'another AAD', () => hsm.open(box, utf8('other')));
      await refuses(['keys-damaged'], 'no AAD', () => hsm.open(box, bytes(0, 0)));
    }
    const again = await bench.reopen();
    for (const [i, box] of boxes.entries()) assert.deepEqual(await again.open(box, aad), plaintexts[i]);
  },

  async 'opens requests and signs answers under every pair'({ hsm }) {
    await usesAll(hsm);
    const [kem, receipt] = [first(hsm, 'kem'), first(hsm, 'receipt')];
    const unknown = bytes(0xee, 8);
    const { suite } = hsm;
    for (const [what, id, of] of [
      ['an unknown key', unknown, suite],
      ['the receipt key', keyId(receipt), suite],
      ['another suite', keyId(kem), 3 - suite],
      ['no suite', keyId(kem), 0],
    ] as const)
      await refuses(['unknown-channel-key'], what, () => hsm.decapsulate(of, id, kem));
    const illegal = [bytes(0, 0), bytes(0, kem.length), kem.subarray(0, -1), bytes(1, kem.length + 1)];
    if (suite === 2) illegal.push(kem.with(64, (kem[64] ?? 0) ^ 1), kem.with(0, 6), bytes(0, 1));
    for (const enc of illegal)
      await refuses(['malformed'], 'no public key', () => hsm.decapsulate(suite, keyId(kem), enc));
    for (const id of [unknown, keyId(kem)])
      await refuses(['keys-missing'], 'no receipt key', () => hsm.sign(id, utf8('x')));
    await usesAll(hsm);
  },

  async 'adds pairs, and destroys those that are not needed any more'(bench) {
    const { hsm } = bench;
    let open = hsm;
    for (const kind of KINDS) {
      const old = first(open, kind);
      const before = open.publicKeys[kind];
      const added = await open.addKey(kind);
      assert.deepEqual(open.publicKeys[kind], [added, ...before], 'newest first');
      await usesAll(open);
      open = await bench.reopen();
      assert.deepEqual(open.publicKeys[kind], [added, ...before], 'newest first after a restart');
      await usesAll(open);
      for (const key of before) await open.removeKey(kind, keyId(key));
      assert.deepEqual(open.publicKeys[kind], [added], 'what is left');
      const use = async (): Promise<unknown> =>
        kind === 'kem' ? open.decapsulate(open.suite, keyId(old), old) : open.sign(keyId(old), utf8('x'));
      await refuses(['unknown-channel-key', 'keys-missing'], 'a destroyed key', use);
      await refuses(['keys-missing'], 'to destroy it again', () => open.removeKey(kind, keyId(old)));
      await refuses(['conflict'], 'to destroy the last', () => open.removeKey(kind, keyId(added)));
      open = await bench.reopen();
      assert.deepEqual(open.publicKeys[kind], [added], 'what is left after a restart');
      await refuses(['unknown-channel-key', 'keys-missing'], 'a destroyed key after a restart', use);
    }
    await usesAll(open);
  },

  async 'has a generator'({ hsm }) {
    for (const length of [1, 16, 32, 1024]) {
      const [a, b] = [await hsm.random(length), await hsm.random(length)];
      assert.equal(a.length, length, 'length');
      if (length >= 16) assert.notDeepEqual(a, b, 'twice the same');
    }
  },

  async 'does many things at once, each as if alone'({ hsm }) {
    const kem = first(hsm, 'kem');
    const inputs = Array.from({ length: 100 }, (_, i) => utf8(`input ${i}`));
    const [key = 'index'] = HMACS;
    const alone: Bytes[] = [];
    for (const input of inputs) alone.push(await hsm.hmac(key, input));
    const together = inputs.map(async (input, i) => {
      if (i % 10 === 0) await opensUnder(hsm, kem);
      if (i % 10 === 5) await signsUnder(hsm, first(hsm, 'receipt'));
      const box = await hsm.seal(input, input);
      const [tag, opened, refused] = await Promise.all([
        hsm.hmac(key, input),
        hsm.open(box, input),
        hsm.open(box, utf8('other')).then(
          () => false,
          () => true,
        ),
      ]);
      assert.deepEqual(opened, input);
      assert(refused, 'a box under another AAD was opened');
      return tag;
    });
    assert.deepEqual(await Promise.all(together), alone);
  },

  async 'remembers what its anchor was moved to'(bench) {
    const { hsm } = bench;
    assert.deepEqual(await hsm.anchor.read(), ENTRIES);
    const from = await entryOf(hsm, 3);
    const to = moved(from);
    await hsm.anchor.advance([{ from, to }]);
    assert.deepEqual(await entryOf(hsm, 3), to);
    const again = await bench.reopen();
    assert.deepEqual(await again.anchor.read(), ENTRIES.with(3, to));
  },

  async 'moves its anchor by one head, or to other keys'(bench) {
    const { hsm } = bench;
    const held = await entryOf(hsm, 0);
    const next = { epoch: 2, since: 1_700_000_001, key: bytes(0xaa) };
    const others: readonly (readonly [string, AnchorEntry, AnchorEntry])[] = [
      ['two on', held, { ...moved(held), n: held.n + 2 }],
      ['to another head of the same number', held, { ...held, headHash: bytes(0xbb) }],
      ['from an older one', { ...held, headHash: bytes(0xcc) }, moved(held)],
      ['from other keys', { ...held, current: next }, moved(held)],
      ['to another partition', held, { ...moved(held), partition: 1 }],
      ['one that is not there', { ...held, partition: 16 }, { ...moved(held), partition: 16 }],
    ];
    const before = await hsm.anchor.read();
    for (const [what, from, to] of others)
      await refuses(['anchor-conflict'], what, () => hsm.anchor.advance([{ from, to }]));
    const other = await entryOf(hsm, 1);
    const half = [
      { from: other, to: moved(other) },
      { from: moved(held), to: moved(moved(held)) },
    ];
    await refuses(['anchor-conflict'], 'one right and one wrong', () => hsm.anchor.advance(half));
    assert.deepEqual(await hsm.anchor.read(), before, 'a refused call has changed something');
    const withNext = { ...held, next };
    const replaced = { ...held, current: next };
    await hsm.anchor.advance([{ from: held, to: withNext }]);
    assert.deepEqual(await entryOf(hsm, 0), withNext);
    await hsm.anchor.advance([{ from: withNext, to: replaced }]);
    const again = await bench.reopen();
    assert.deepEqual(await again.anchor.read(), before.with(0, replaced));
  },

  async 'takes calls of one moment in their order'(bench) {
    const { hsm } = bench;
    const [a, b] = [await entryOf(hsm, 4), await entryOf(hsm, 5)];
    const [toA, toB] = [moved(a), moved(b)];
    const calls = [
      hsm.anchor.advance([
        { from: a, to: toA },
        { from: b, to: toB },
      ]),
      hsm.anchor.advance([{ from: a, to: moved(a) }]),
      hsm.anchor.advance([{ from: toA, to: moved(toA, bytes(0xdd)) }]),
    ];
    const done = (await Promise.allSettled(calls)).map(({ status }) => status);
    assert.deepEqual(done, ['fulfilled', 'rejected', 'fulfilled']);
    const again = await bench.reopen();
    assert.deepEqual(await entryOf(again, 4), moved(toA, bytes(0xdd)));
    assert.deepEqual(await entryOf(again, 5), toB);
  },

  async 'belongs to one holder of the anchor at a time'({ hsm, backend }) {
    await refuses(['anchor-locked', 'hsm-in-use'], 'a second one', () => backend.open());
    const entry = await entryOf(hsm, 6);
    await hsm.anchor.advance([{ from: entry, to: moved(entry) }]);
    assert.equal((await entryOf(hsm, 6)).n, entry.n + 1, 'the first goes on');
  },

  async 'makes nothing anew in place'(bench) {
    const { hsm, backend } = bench;
    await hsm.close();
    await refuses(['state-exists'], 'to make it again', () => backend.create(ENTRIES));
    bench.hsm = await backend.open();
    await usesAll(bench.hsm);
  },
};

/**
 * Runs every check against one HSM that it makes: the names of the checks, all of which held.
 *
 * @throws AggregateError with one error, named after its check, for each that did not hold
 */
export async function runHsmContract(backend: HsmBackend): Promise<readonly string[]> {
  const bench = new Bench(backend, await backend.create(ENTRIES));
  const faults: Error[] = [];
  for (const [name, check] of Object.entries(CHECKS)) {
    try {
      await check(bench);
    } catch (cause) {
      faults.push(new Error(`${name}: ${String(cause)}`, { cause }));
    }
  }
  await bench.hsm.close();
  if (faults.length > 0) throw new AggregateError(faults, faults.map(({ message }) => message).join('\n'));
  return Object.keys(CHECKS);
}
