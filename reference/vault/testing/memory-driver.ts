/**
 * The core in memory, one effect at a time: for tests that try every interleaving and every crash. Records go through
 * the same sealing and the same invariants as in a vault; keys, signatures and OPAQUE are real.
 *
 * @module
 */
import { createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { ed25519PublicKey } from '../../crypto/ed25519.ts';
import { nodeEngine } from '../../crypto/node.ts';
import { systemRandom, type RandomSource } from '../../crypto/random.ts';
import { DEFAULT_POLICY, keyId } from '../../fleet/index.ts';
import type { Policy } from '../../fleet/descriptor.ts';
import { HMAC_KEYS, type HmacKey } from '../../hsm/interface.ts';
import { generateServerKeyPair, nobleSuite, type Suite } from '../../opaque/index.ts';
import { OPAQUE_RISTRETTO255 } from '../../opaque/profile.ts';
import { concat, equal, fromHex, hex, type Bytes } from '../../wire/bytes.ts';
import type { Effect, Results, Step } from '../core/effects.ts';
import { sha256 } from '../core/evaluate.ts';
import type { Fleet } from '../core/fleet.ts';
import { openRecord, sealRecord } from '../record-seal.ts';
import type { AccountRecord } from '../record.ts';

/** A policy without waits, for tests. */
export const TEST_POLICY: Policy = { ...DEFAULT_POLICY, delays: [] };

/** A computation that stopped before its next effect. */
export interface Paused<T> {
  readonly step: Step<T>;
  readonly turn: IteratorResult<Effect, T>;
}

/** Surroundings of the core: a clock that is set by hand and a map of sealed records. */
export class MemoryDriver {
  /** Vault time in seconds. */
  now = 1_800_000_000;
  /** Commits so far. */
  commits = 0;
  /** What the core, and the sealing of records, draw from. */
  random: RandomSource = systemRandom;
  readonly fleet: Fleet;
  /** Public key of the receipts. */
  readonly receiptKey: Bytes;
  records: Map<string, Bytes> = new Map<string, Bytes>();
  readonly #receiptSecret: KeyObject;
  readonly #hmacKeys: Readonly<Record<HmacKey, Bytes>>;
  readonly #partitionKey = { epoch: 1, since: 0, key: systemRandom('partition_key', 32) };

  constructor(policy: Partial<Policy> = {}, suite: Suite = nobleSuite) {
    const key = (name: string, length = 32): Bytes => systemRandom(name, length);
    this.#hmacKeys = {
      index: key('index'),
      head: key('head'),
      oprf: key('oprf', 64),
      attempt: key('attempt', 64),
    };
    const secret = key('receipt_key');
    const der = Buffer.from(concat(fromHex('302e020100300506032b657004220420'), secret)); // RFC 8410, section 7
    this.#receiptSecret = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    this.receiptKey = ed25519PublicKey(secret);
    const pair = generateServerKeyPair(suite);
    const opaqueKey = { ...pair, id: keyId(pair.publicKey), oprfKeyId: key('oprf_key_id', 8) };
    this.fleet = {
      fleetId: key('fleet_id', 16),
      level: 'software',
      policy: { ...TEST_POLICY, ...policy },
      suite,
      opaqueSuite: OPAQUE_RISTRETTO255,
      opaqueKeys: [opaqueKey],
      newOpaqueKey: opaqueKey,
      receiptKeyId: keyId(this.receiptKey),
    };
  }

  /** The record under a leaf. */
  record(leaf: Bytes): AccountRecord | undefined {
    const sealed = this.records.get(hex(leaf));
    return sealed && openRecord([this.#partitionKey], leaf, sealed);
  }

  /** Does what one effect asks for. */
  perform(effect: Effect): Results[Effect['kind']] {
    if (effect.kind === 'load') {
      const sealed = this.records.get(hex(effect.leaf));
      return { record: this.record(effect.leaf), token: sealed && sha256(sealed) };
    }
    if (effect.kind === 'commit') {
      const { leaf, token, record } = effect;
      const sealed = this.records.get(hex(leaf));
      const present = sealed && sha256(sealed);
      const same = token === undefined || present === undefined ? token === present : equal(token, present);
      if (!same) return false;
      this.records.set(hex(leaf), sealRecord(this.#partitionKey, leaf, record, this.random('salt', 32)));
      this.commits++;
      return true;
    }
    if (effect.kind === 'hmac') {
      return nodeEngine.hmac(HMAC_KEYS[effect.key], this.#hmacKeys[effect.key], effect.data);
    }
    if (effect.kind === 'sign') return Uint8Array.from(sign(null, effect.message, this.#receiptSecret));
    if (effect.kind === 'now') return this.now;
    return this.random(effect.name, effect.length);
  }

  /** Runs to the next effect for which `stop` is true, or to the end. */
  advance<T>(paused: Paused<T>, stop: (effect: Effect) => boolean): Paused<T> {
    const { step } = paused;
    let { turn } = paused;
    for (let first = true; turn.done !== true; first = false) {
      if (!first && stop(turn.value)) break;
      turn = step.next(this.perform(turn.value));
    }
    return { step, turn };
  }

  /** Runs to the end. */
  run<T>(step: Step<T>): T {
    const { turn } = this.advance({ step, turn: step.next() }, () => false);
    if (turn.done !== true) throw new Error('stopped before its end');
    return turn.value;
  }
}
