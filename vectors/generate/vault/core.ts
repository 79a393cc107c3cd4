/**
 * The suite's own vault: one request and one record in, one answer and one record out (spec/exchange.md). It decides
 * by the numbered steps of the text, and knows nothing of disks, channels or clocks.
 *
 * @module
 */
import { createHmac } from 'node:crypto';
import { decodeStretch, encodeStatusBody } from '../../../conformance/peer/bodies.ts';
import {
  COMMANDS,
  decodeRequest,
  encodeAnswer,
  encodeStatement,
  ownerMessage,
  type Outcome,
  type Said,
} from '../../../conformance/peer/exchange.ts';
import { sign, signerKey, verify } from '../../../conformance/peer/fleet.ts';
import {
  encodeStretch,
  evaluate,
  isElement,
  makeKe2,
  opaqueContext,
  type Stretch,
} from '../../../conformance/peer/opaque.ts';
import {
  be,
  cat,
  label,
  prefixed,
  same,
  sha256,
  utf8,
  zeros,
  type Bytes,
} from '../../../conformance/peer/primitives.ts';
import { Reader } from '../../../conformance/peer/reader.ts';
import { charge, entomb, goLive, prove, remember, settle, waitOf, wrong, type Policy } from './attempts.ts';
import { emptyRecord, emptySlot, type AccountRecord, type Attempt, type Slot } from './record.ts';

/** A pair of OPAQUE keys. */
export interface Pair {
  readonly oprfKeyId: Bytes;
  readonly secretKey: Bytes;
  readonly publicKey: Bytes;
  /** Whether new registrations may have it. */
  readonly open: boolean;
}

/** What a vault is told of its fleet, and the keys that it computes with. */
export interface World {
  readonly fleetId: Bytes;
  readonly policy: Policy & { readonly stretch: Stretch };
  /** Whether `erased_by` is stated. */
  readonly erases: boolean;
  readonly oprfKey: Bytes;
  readonly attemptKey: Bytes;
  readonly receiptKey: Bytes;
  readonly pairs: readonly Pair[];
}

/** One request as the channel gives it to the core. */
export interface Call {
  readonly now: number;
  readonly requestHash: Bytes;
  readonly request: Bytes;
  /** For which account the caller may speak; for all if absent. */
  readonly caller?: Bytes;
  readonly random: Readonly<Record<'nonce' | 'registration_id' | 'attempt_seed', Bytes>>;
}

/** What is said, and what it is about; `changed` if there is a new record. */
type Decision = readonly [Outcome, changed: boolean, body?: () => Bytes | undefined];

const no = (outcome: Outcome): Decision => [outcome, false];

function keyId(publicKey: Bytes): Bytes {
  return sha256(publicKey).slice(0, 8);
}

function hmac512(key: Bytes, ...data: Bytes[]): Bytes {
  return new Uint8Array(
    createHmac('sha512', key)
      .update(cat(...data))
      .digest(),
  ).slice(0, 32);
}

interface Ke3 {
  readonly ke1: Bytes;
  readonly attemptId: Bytes;
  readonly ke3: Bytes;
}

interface Values {
  readonly record: Bytes;
  readonly stretch: Stretch;
  readonly sealedKey: Bytes;
  readonly ownerKey: Bytes;
  readonly budget: number;
}

/** One decision on one record, which it changes. */
class Turn {
  readonly #world: World;
  readonly #call: Call;
  readonly #record: AccountRecord;

  constructor(world: World, call: Call, record: AccountRecord) {
    this.#world = world;
    this.#call = call;
    this.#record = record;
  }

  decide({ command, body, proof }: ReturnType<typeof decodeRequest>): Decision {
    const reader = new Reader(body);
    const proved = (): Decision | 'password' | 'owner' => this.#prove(command, body, proof);
    switch (command) {
      case COMMANDS['register-start']:
        return this.#registerStart(reader.prefixed(1));
      case COMMANDS['register-finish']:
        return this.#registerFinish(body);
      case COMMANDS['register-confirm']:
        return this.#registerConfirm(
          reader.take(32),
          reader.take(32),
          reader.take(32),
          proof.kind === 0,
          proved,
        );
      case COMMANDS['recover-start']:
        return this.#recoverStart(reader.prefixed(1));
      case COMMANDS['recover-finish']:
        return this.#recoverFinish(readKe3(reader), reader.uint(8));
      case COMMANDS.status:
        return ['ok', false, () => this.#status()];
      case COMMANDS.delete:
        return this.#delete(reader.uint(8), proof.kind === 0, proved);
      case COMMANDS.cancel:
        return this.#cancel(reader.uint(8), proved);
      case COMMANDS['change-start']:
        return this.#changeStart(reader.prefixed(1), reader.prefixed(1));
      case COMMANDS['change-finish']:
        return this.#changeFinish(body);
      case COMMANDS['get-head']:
        return this.#getHead(proof.kind === 2 && proved() === 'owner');
      case COMMANDS['put-head']:
        return this.#putHead(
          reader.take(32),
          reader.take(132),
          () => proof.kind === 2 && proved() === 'owner',
        );
      default:
        return no('unsupported');
    }
  }

  get #phase(): 'none' | 'live' | 'destroyed' | 'deleted' {
    const { state } = this.#record.active;
    if (state === 'destroyed' || state === 'deleted') return state;
    return state === 'empty' ? 'none' : 'live';
  }

  /** `not-registered` or `destroyed`, if there is nothing to recover. */
  #gone(): Decision | undefined {
    if (this.#phase === 'live') return undefined;
    return no(this.#phase === 'destroyed' ? 'destroyed' : 'not-registered');
  }

  #pair(slot: Slot): Pair {
    const found = this.#world.pairs.find(
      ({ oprfKeyId, publicKey }) =>
        same(oprfKeyId, slot.oprfKeyId) && same(keyId(publicKey), slot.opaqueKeyId),
    );
    if (found === undefined) throw new Error('a pair that is gone');
    return found;
  }

  #seed({ oprfKeyId, generation, nonce }: Slot): Bytes {
    const credential = cat(oprfKeyId, prefixed(1, this.#record.account), be(8, generation), nonce);
    return hmac512(this.#world.oprfKey, label('credential'), credential, utf8('OprfKey'), be(1, 1));
  }

  #derive({ generation, seed, ke1Hash }: Attempt, purpose: number): Bytes {
    const input = cat(be(1, purpose), prefixed(1, this.#record.account), be(8, generation), seed, ke1Hash);
    return hmac512(this.#world.attemptKey, label('attempt'), input);
  }

  #evaluate(attempt: Attempt, ke1: Bytes): { ke2: Bytes; ke3: Bytes } {
    const { active } = this.#record;
    const pair = this.#pair(active);
    return makeKe2({
      ke1,
      record: active.record,
      seed: this.#seed(active),
      serverSecretKey: pair.secretKey,
      serverPublicKey: pair.publicKey,
      context: opaqueContext(active),
      maskingNonce: this.#derive(attempt, 1),
      serverNonce: this.#derive(attempt, 2),
      keyshareSeed: this.#derive(attempt, 3),
    });
  }

  #open(ke1: Bytes): Attempt | undefined {
    const hash = sha256(ke1);
    return this.#record.open.find(({ ke1Hash }) => same(ke1Hash, hash));
  }

  /** Replaces the pending generation by one for this element. False if no pair is open. */
  #begin(element: Bytes): boolean {
    const pair = this.#world.pairs.find(({ open }) => open);
    if (pair === undefined) return false;
    const record = this.#record;
    record.pending = {
      ...emptySlot(),
      state: 'started',
      generation: record.nextGeneration++,
      nonce: this.#call.random.nonce,
      registrationId: this.#call.random.registration_id,
      oprfKeyId: pair.oprfKeyId,
      opaqueKeyId: keyId(pair.publicKey),
      requestHash: sha256(element),
    };
    return true;
  }

  #isPending(element: Bytes): boolean {
    const { pending } = this.#record;
    return pending.state !== 'empty' && same(pending.requestHash, sha256(element));
  }

  #registerStarted(element: Bytes): Bytes {
    const { pending } = this.#record;
    const response = cat(evaluate(this.#seed(pending), element), this.#pair(pending).publicKey);
    const { registrationId, generation, oprfKeyId, opaqueKeyId } = pending;
    return cat(registrationId, be(8, generation), oprfKeyId, opaqueKeyId, prefixed(1, response));
  }

  #recoverStarted(ke1: Bytes): Bytes | undefined {
    const attempt = this.#open(ke1);
    if (attempt === undefined) throw new Error('no attempt was opened');
    if (!isElement(ke1.slice(0, 32)) || !isElement(ke1.slice(64))) return undefined;
    const { oprfKeyId, opaqueKeyId, stretch } = this.#record.active;
    const { ke2 } = this.#evaluate(attempt, ke1);
    return cat(this.#derive(attempt, 4), oprfKeyId, opaqueKeyId, encodeStretch(stretch), prefixed(2, ke2));
  }

  #registerStart(element: Bytes): Decision {
    if (!isElement(element)) return no('malformed');
    const again = this.#isPending(element);
    if (!again && !this.#begin(element)) return no('unsupported');
    return ['ok', !again, () => this.#registerStarted(element)];
  }

  #isAllowed({ record, stretch, budget }: Values): boolean {
    const { policy } = this.#world;
    const { algorithm, iterations, memoryKib, parallelism } = policy.stretch;
    return (
      stretch.algorithm === algorithm &&
      stretch.iterations >= iterations &&
      stretch.memoryKib >= memoryKib &&
      stretch.parallelism >= parallelism &&
      record.length === 192 &&
      isElement(record.slice(0, 32)) &&
      budget <= policy.maxBudget
    );
  }

  #finish(values: Values, confirmHash: Bytes, body: Bytes): void {
    const budget = values.budget === 0 ? this.#world.policy.defaultBudget : values.budget;
    const { record, stretch, sealedKey, ownerKey } = values;
    const given = { record, stretch, sealedKey, ownerKey, budget, confirmHash, recordHash: sha256(body) };
    this.#record.pending = { ...this.#record.pending, ...given, state: 'finished' };
  }

  #registerFinish(body: Bytes): Decision {
    const reader = new Reader(body);
    const [registrationId, record, stretch] = [reader.take(32), reader.prefixed(2), decodeStretch(reader)];
    const [sealedKey, confirmHash, ownerKey] = [reader.take(48), reader.take(32), reader.take(32)];
    const values = { record, stretch, sealedKey, ownerKey, budget: reader.uint(1) };
    const { pending } = this.#record;
    const ok = (): Bytes => sha256(body);
    if (pending.state === 'empty' || !same(pending.registrationId, registrationId)) return no('conflict');
    if (pending.state === 'finished')
      return same(pending.recordHash, sha256(body)) ? ['ok', false, ok] : no('conflict');
    if (!this.#isAllowed(values)) return no('malformed');
    this.#finish(values, confirmHash, body);
    return ['ok', true, ok];
  }

  #registerConfirm(
    id: Bytes,
    secret: Bytes,
    recordHash: Bytes,
    unproved: boolean,
    proved: () => Decision | 'password' | 'owner',
  ): Decision {
    const record = this.#record;
    const { active, pending, scheduled } = record;
    const ok = (): Bytes => recordHash;
    const isIt = (slot: Slot): boolean =>
      same(slot.registrationId, id) &&
      same(slot.recordHash, recordHash) &&
      slot.recordHash.some((byte) => byte !== 0);
    const knows = (slot: Slot): boolean => same(sha256(label('confirm'), secret), slot.confirmHash);
    if (this.#phase === 'live' && isIt(active))
      return knows(active) ? ['ok', false, ok] : no('not-authorised');
    const fromPending = pending.state === 'finished' && isIt(pending);
    const candidate = fromPending ? pending : scheduled;
    if (candidate.state !== 'finished' || !isIt(candidate)) return no('conflict');
    if (!knows(candidate)) return no('not-authorised');
    if (this.#phase !== 'live') {
      goLive(this.#world.policy, record, candidate, 'nothing', this.#call.now);
      return ['ok', true, ok];
    }
    if (unproved) {
      if (scheduled.state !== 'empty') return no('scheduled');
      record.scheduled = { ...candidate, effectiveAt: this.#call.now + this.#world.policy.graceSeconds };
      record.pending = emptySlot();
      return ['scheduled', true];
    }
    const proof = proved();
    if (typeof proof !== 'string') return proof;
    goLive(this.#world.policy, record, candidate, proof, this.#call.now);
    return ['ok', true, ok];
  }

  /** How the proof of a request holds; or what is said if it does not. */
  #prove(
    command: number,
    body: Bytes,
    { kind, rest }: { readonly kind: number; readonly rest: Bytes },
  ): Decision | 'password' | 'owner' {
    const { account, active } = this.#record;
    const reader = new Reader(rest);
    if (kind === 2) {
      const message = ownerMessage(this.#world.fleetId, account, command, body);
      return verify(active.ownerKey, message, reader.take(64)) ? 'owner' : no('not-authorised');
    }
    if (kind === 0) return no('not-authorised');
    const ke3 = readKe3(reader);
    if (ke3.ke1.length !== 96 || ke3.ke3.length !== 64) return no('malformed');
    if (this.#closed(ke3)?.outcome === 'wrong-password') return no('wrong-password');
    const attempt = this.#attemptOf(ke3);
    if (attempt === undefined) return no('not-authorised');
    const refused = this.#wrong(attempt, ke3);
    if (refused !== undefined) return refused;
    prove(this.#world.policy, this.#record, attempt, 0, this.#call.now);
    return 'password';
  }

  /** The remembered end of the attempt that these bytes have closed. */
  #closed(ke3: Ke3): AccountRecord['closed'][number] | undefined {
    const hash = hashOf(ke3);
    return this.#record.closed.find((each) => same(each.hash, hash) && this.#call.now - each.time < 86_400);
  }

  #attemptOf({ ke1, attemptId }: Ke3): Attempt | undefined {
    const attempt = this.#open(ke1);
    return attempt !== undefined && same(this.#derive(attempt, 4), attemptId) ? attempt : undefined;
  }

  /** Closes the attempt if KE3 is wrong. */
  #wrong(attempt: Attempt, ke3: Ke3): Decision | undefined {
    if (same(this.#evaluate(attempt, ke3.ke1).ke3, ke3.ke3)) return undefined;
    wrong(this.#record, attempt, hashOf(ke3), this.#call.now);
    return [this.#phase === 'destroyed' ? 'destroyed' : 'wrong-password', true];
  }

  #mayBegin(): boolean {
    const { active } = this.#record;
    return active.state === 'active' && waitOf(this.#world.policy, this.#record, this.#call.now) === 0;
  }

  #charge(ke1: Bytes): void {
    charge(this.#world.policy, this.#record, ke1, this.#call.random.attempt_seed, this.#call.now);
  }

  #recoverStart(ke1: Bytes): Decision {
    if (ke1.length !== 96) return no('malformed');
    const gone = this.#gone();
    if (gone !== undefined) return gone;
    const again = this.#open(ke1) !== undefined;
    if (!again) {
      if (!this.#mayBegin()) return no('try-later');
      this.#charge(ke1);
    }
    return ['ok', !again, () => this.#recoverStarted(ke1)];
  }

  #recoverFinish(ke3: Ke3, acknowledged: number): Decision {
    if (ke3.ke1.length !== 96 || ke3.ke3.length !== 64) return no('malformed');
    const gone = this.#gone();
    if (gone !== undefined) return gone;
    const { sealedKey } = this.#record.active;
    const closed = this.#closed(ke3);
    if (closed !== undefined) return [closed.outcome, false, () => sealedKey];
    const attempt = this.#attemptOf(ke3);
    if (attempt === undefined) return no('conflict');
    const refused = this.#wrong(attempt, ke3);
    if (refused !== undefined) return refused;
    prove(this.#world.policy, this.#record, attempt, acknowledged, this.#call.now);
    remember(this.#record, hashOf(ke3), 'ok', this.#call.now);
    return ['ok', true, () => sealedKey];
  }

  #delete(stateVersion: number, unproved: boolean, proved: () => Decision | 'password' | 'owner'): Decision {
    const record = this.#record;
    if (this.#phase === 'none') return no('not-registered');
    if (this.#phase === 'destroyed') return no('destroyed');
    if (this.#phase === 'deleted') return no('ok');
    const { state } = record.scheduled;
    if (stateVersion !== record.stateVersion)
      return no(unproved && state === 'deleted' ? 'scheduled' : 'conflict');
    if (unproved) {
      if (state !== 'empty') return no('scheduled');
      record.scheduled = {
        ...emptySlot(),
        state: 'deleted',
        generation: record.active.generation,
        effectiveAt: this.#call.now + this.#world.policy.graceSeconds,
      };
      return ['scheduled', true];
    }
    const proof = proved();
    if (typeof proof !== 'string') return proof;
    entomb(record, 'deleted', this.#call.now);
    return ['ok', true];
  }

  #cancel(effectiveAt: number, proved: () => Decision | 'password' | 'owner'): Decision {
    const { scheduled } = this.#record;
    if (scheduled.state === 'empty') return no('ok');
    if (effectiveAt !== scheduled.effectiveAt) return no('conflict');
    const proof = proved();
    if (typeof proof !== 'string') return proof;
    this.#record.scheduled = emptySlot();
    return ['ok', true];
  }

  #changeStart(ke1: Bytes, element: Bytes): Decision {
    if (ke1.length !== 96 || !isElement(element)) return no('malformed');
    const gone = this.#gone();
    if (gone !== undefined) return gone;
    const isOpen = this.#open(ke1) !== undefined;
    const again = isOpen && this.#isPending(element);
    if (!again) {
      if (!this.#world.pairs.some(({ open }) => open)) return no('unsupported');
      if (!isOpen && !this.#mayBegin()) return no('try-later');
      this.#begin(element);
      if (!isOpen) this.#charge(ke1);
    }
    return [
      'ok',
      !again,
      () => {
        const attempt = this.#recoverStarted(ke1);
        return attempt && cat(attempt, this.#registerStarted(element));
      },
    ];
  }

  #changeFinish(body: Bytes): Decision {
    const reader = new Reader(body);
    const ke3 = readKe3(reader);
    const [acknowledged, id] = [reader.uint(8), reader.take(32)];
    const [record, stretch, sealedKey] = [reader.prefixed(2), decodeStretch(reader), reader.take(48)];
    const values = { record, stretch, sealedKey, ownerKey: reader.take(32), budget: reader.uint(1) };
    const ok = (): Bytes => sha256(body);
    if (ke3.ke1.length !== 96 || ke3.ke3.length !== 64) return no('malformed');
    if (this.#phase === 'live' && same(this.#record.active.recordHash, sha256(body)))
      return ['ok', false, ok];
    const gone = this.#gone();
    if (gone !== undefined) return gone;
    if (this.#closed(ke3)?.outcome === 'wrong-password') return no('wrong-password');
    const attempt = this.#attemptOf(ke3);
    const { pending } = this.#record;
    if (attempt === undefined) return no('conflict');
    if (pending.state !== 'started' || !same(pending.registrationId, id)) return no('conflict');
    if (!this.#isAllowed(values)) return no('malformed');
    const refused = this.#wrong(attempt, ke3);
    if (refused !== undefined) return refused;
    prove(this.#world.policy, this.#record, attempt, acknowledged, this.#call.now);
    this.#finish(values, zeros(32), body);
    goLive(this.#world.policy, this.#record, this.#record.pending, 'password', this.#call.now);
    return ['ok', true, ok];
  }

  #getHead(isOwner: boolean): Decision {
    if (this.#phase === 'none') return no('not-registered');
    return isOwner ? ['ok', false, () => this.#record.head] : no('not-authorised');
  }

  #putHead(previous: Bytes, head: Bytes, isOwner: () => boolean): Decision {
    // set_id, generation, manifest_id, created, key_epoch (spec/freshness.md)
    const isZero = (from: number, to: number): boolean => head.slice(from, to).every((byte) => byte === 0);
    if (isZero(16, 24) || isZero(64, 68)) return no('malformed');
    if (this.#phase === 'none') return no('not-registered');
    if (!isOwner()) return no('not-authorised');
    const kept = this.#record.head;
    const said = (): Bytes => head;
    if (same(kept, head)) return ['ok', false, said];
    const hash = kept.every((byte) => byte === 0) ? zeros(32) : sha256(kept);
    if (!same(previous, hash)) return no('conflict');
    this.#record.head = head;
    return ['ok', true, said];
  }

  #status(): Bytes {
    const { active, pending, scheduled, open } = this.#record;
    const isGone = this.#phase === 'destroyed' || this.#phase === 'deleted';
    return encodeStatusBody({
      recordHash: active.recordHash,
      pendingRegistrationId: pending.registrationId,
      pendingRecordHash: pending.recordHash,
      scheduledRecordHash: scheduled.recordHash,
      openAttempts: open.length,
      erasedBy: isGone && this.#world.erases ? active.deadline + 172_800 : 0,
    });
  }
}

function readKe3(reader: Reader): Ke3 {
  return { ke1: reader.prefixed(1), attemptId: reader.take(32), ke3: reader.prefixed(1) };
}

function hashOf({ ke1, attemptId, ke3 }: Ke3): Bytes {
  return sha256(prefixed(1, ke1), attemptId, prefixed(1, ke3));
}

const PHASES = {
  empty: 'none',
  started: 'none',
  finished: 'none',
  active: 'active',
  lastChance: 'last-chance',
  destroyed: 'destroyed',
  deleted: 'deleted',
} as const;

function said(world: World, { now }: Call, record: AccountRecord, outcome: Outcome, body: Bytes): Said {
  const { active, scheduled, report, stateVersion, account } = record;
  return {
    fleetId: world.fleetId,
    account,
    vaultTime: now,
    stateVersion,
    outcome,
    phase: PHASES[active.state],
    generation: active.generation,
    budget: active.budget,
    remaining: active.budget - active.charged,
    retryAfter: waitOf(world.policy, record, now),
    effectiveAt: scheduled.effectiveAt,
    scheduledChange:
      scheduled.state === 'empty' ? 'none' : scheduled.state === 'deleted' ? 'deletion' : 'replacement',
    reportSerial: report.serial,
    failed: report.failed,
    first: report.first,
    last: report.last,
    body,
  };
}

/** One request. @returns the encoded answer, and the record after it; undefined if there is none still */
export function step(
  world: World,
  before: AccountRecord | undefined,
  call: Call,
): { readonly answer: Bytes; readonly record: AccountRecord | undefined } {
  const request = decodeRequest(call.request);
  const answer = (record: AccountRecord, outcome: Outcome, body: Bytes = zeros(0)): Bytes => {
    const statement = encodeStatement(call.requestHash, said(world, call, record, outcome, body));
    const signature = sign(world.receiptKey, cat(label('answer'), statement));
    return encodeAnswer(statement, keyId(signerKey(world.receiptKey)), signature);
  };
  if (!same(request.fleetId, world.fleetId))
    return { answer: answer(emptyRecord(request.account), 'malformed'), record: before };
  if (call.caller !== undefined && !same(call.caller, request.account))
    return { answer: answer(emptyRecord(request.account), 'not-authorised'), record: before };
  const record = structuredClone(before) ?? emptyRecord(request.account);
  while (settle(world.policy, record, call.now)) record.stateVersion++;
  const decided = structuredClone(record);
  const [outcome, changed, body] = new Turn(world, call, decided).decide(request);
  const after = changed ? { ...decided, stateVersion: record.stateVersion + 1 } : record;
  const made = outcome === 'ok' ? body?.() : undefined;
  // KE1 is charged before it turns out to hold no element.
  const final = outcome === 'ok' && body !== undefined && made === undefined ? 'malformed' : outcome;
  return { answer: answer(after, final, made), record: after.stateVersion === 0 ? undefined : after };
}
