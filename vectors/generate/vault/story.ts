/**
 * A client and the suite's own vault in one place, with every random value named: what they say to each other becomes
 * vectors, one for each request.
 *
 * @module
 */
import {
  changeFinishBody,
  changeStartBody,
  decodeChangeStarted,
  decodeRecoverStarted,
  decodeRegisterStarted,
  registerFinishBody,
} from '../../../conformance/peer/bodies.ts';
import {
  COMMANDS,
  decodeAnswer,
  encodeRequest,
  ke3Proof,
  ownerMessage,
  ownerProof,
  type Command,
  type Statement,
} from '../../../conformance/peer/exchange.ts';
import { sign, signerKey } from '../../../conformance/peer/fleet.ts';
import {
  answerKe2,
  blindElement,
  deriveKeyPair,
  makeKe1,
  makeRecord,
} from '../../../conformance/peer/opaque.ts';
import {
  cat,
  label,
  named,
  prefixed,
  sha256,
  toHex,
  utf8,
  type Bytes,
} from '../../../conformance/peer/primitives.ts';
import type { Value } from '../../../conformance/schema/vector.ts';
import { pack, type Family, type Words } from '../family.ts';
import { step, type World } from './core.ts';
import { encodeRecord, type AccountRecord } from './record.ts';

const STRETCH = { algorithm: 1, iterations: 1, memoryKib: 8, parallelism: 1 };
const PAIR = { ...deriveKeyPair(named('opaque pair', 32)), oprfKeyId: named('oprf key id', 8), open: true };

/** A fleet whose policy says no more than a story needs. */
export function worldOf(policy: Partial<World['policy']> = {}, erases = true): World {
  return {
    fleetId: named('fleet id', 16),
    erases,
    policy: {
      defaultBudget: 3,
      maxBudget: 10,
      refill: 'full',
      delays: [],
      lastChanceSeconds: 600,
      graceSeconds: 1000,
      ceiling: 30,
      stretch: STRETCH,
      ...policy,
    },
    oprfKey: named('oprf key', 64),
    attemptKey: named('attempt key', 64),
    receiptKey: named('receipt key', 32),
    pairs: [PAIR],
  };
}

function worldValue({ fleetId, policy, erases, oprfKey, attemptKey, receiptKey, pairs }: World): Value {
  return {
    fleetId: toHex(fleetId),
    policy: { ...policy, delays: [...policy.delays], stretch: { ...policy.stretch } },
    erases,
    oprfKey: toHex(oprfKey),
    attemptKey: toHex(attemptKey),
    receiptKey: toHex(receiptKey),
    pairs: pairs.map(({ oprfKeyId, secretKey, open }) => ({
      oprfKeyId: toHex(oprfKeyId),
      secretKey: toHex(secretKey),
      open,
    })),
  };
}

/** Body of a command, and what proves it. */
export interface Ask {
  readonly command: Command | number;
  readonly body: Bytes;
  readonly proof?: Bytes;
}

/** An attempt, up to the KE3 that its owner knows. */
export interface Begun {
  readonly ke1: Bytes;
  readonly attemptId: Bytes;
  readonly ke3: Bytes;
}

/** One account at one vault. */
export class Story {
  readonly account: Bytes = utf8('alice');
  now = 1_000_000;
  /** The record after the last request. */
  record: AccountRecord | undefined;
  world: World;
  readonly #family: Family;
  readonly #name: string;
  readonly #owner: Bytes = named('owner secret', 32);
  #steps = 0;
  #draws = 0;

  constructor(family: Family, name: string, world: World = worldOf()) {
    this.#family = family;
    this.#name = name;
    this.world = world;
  }

  /** A value that nothing else of the story has. */
  draw(what: string, length: number): Bytes {
    return named(`${this.#name} ${what} ${this.#draws++}`, length);
  }

  #scalar(what: string): Bytes {
    const bytes = this.draw(what, 32);
    bytes[31] = (bytes[31] ?? 0) & 0x0f;
    return bytes;
  }

  /** Sends a request; with words it becomes a vector. */
  send(
    { command, body, proof }: Ask,
    words?: Partial<Words>,
    more: { caller?: Bytes; fleetId?: Bytes } = {},
  ): Statement {
    const number = typeof command === 'number' ? command : COMMANDS[command];
    const { fleetId = this.world.fleetId, caller } = more;
    const request = encodeRequest({
      fleetId,
      account: this.account,
      command: number,
      body,
      ...(proof && { proof }),
    });
    const random = {
      nonce: this.draw('nonce', 32),
      registration_id: this.draw('registration id', 32),
      attempt_seed: this.draw('attempt seed', 32),
    };
    const requestHash = this.draw('request hash', 32);
    const before = this.record;
    const call = { now: this.now, request, requestHash, random, ...(caller && { caller }) };
    const { answer, record } = step(this.world, before, call);
    const { statement } = decodeAnswer(answer);
    if (words !== undefined) {
      const name = typeof command === 'number' ? 'unknown' : command;
      const id = `${this.#name}.${String(++this.#steps).padStart(2, '0')}-${name}`;
      this.#family.accept(id, {
        title: words.title ?? `${name}: ${statement.outcome}`,
        why: words.why ?? 'Every byte of an answer and of the record after it follows from what is given.',
        requirements: words.requirements ?? ['XCH-10'],
        input: {
          fleet: worldValue(this.world),
          ...(before && { record: pack(encodeRecord(before)) }),
          now: this.now,
          ...(caller && { caller: toHex(caller) }),
          request: pack(request),
          requestHash: toHex(requestHash),
          inject: Object.fromEntries(Object.entries(random).map(([key, value]) => [key, toHex(value)])),
        },
        result: { answer: pack(answer), record: record ? pack(encodeRecord(record)) : null },
        intermediates: { outcome: statement.outcome, phase: statement.phase, remaining: statement.remaining },
      });
    }
    this.record = record;
    return statement;
  }

  /** A signature of the owner over a command. */
  owner(command: Command, body: Bytes): Bytes {
    return ownerProof(
      sign(this.#owner, ownerMessage(this.world.fleetId, this.account, COMMANDS[command], body)),
    );
  }

  /** `register-start`, and the two bodies that follow from its answer. */
  prepare(
    password: string,
    words?: Partial<Words>,
    { budget = 3, owner = this.#owner }: { budget?: number; owner?: Bytes } = {},
  ): { start: Ask; finish: Ask; confirm: Ask; sealedKey: Bytes } {
    const blind = this.#scalar('blind');
    const start: Ask = { command: 'register-start', body: prefixed(1, blindElement(utf8(password), blind)) };
    const { body } = this.send(start, words);
    const { registrationId, response } = decodeRegisterStarted(body);
    const [secret, sealedKey] = [this.draw('secret', 32), this.draw('sealed key', 48)];
    const record = this.#record(password, blind, response);
    const finish = registerFinishBody({
      registrationId,
      record,
      stretch: STRETCH,
      sealedKey,
      confirmHash: sha256(label('confirm'), secret),
      ownerKey: signerKey(owner),
      budget,
    });
    return {
      start,
      finish: { command: 'register-finish', body: finish },
      confirm: { command: 'register-confirm', body: cat(registrationId, secret, sha256(finish)) },
      sealedKey,
    };
  }

  #record(password: string, blind: Bytes, response: Bytes): Bytes {
    return makeRecord({
      password: utf8(password),
      blind,
      evaluated: response.slice(0, 32),
      serverPublicKey: response.slice(32),
      envelopeNonce: this.draw('envelope nonce', 32),
      stretch: 'none',
    }).record;
  }

  /** A whole registration, none of which becomes a vector. */
  register(password: string, options: { budget?: number; owner?: Bytes } = {}): void {
    const { finish, confirm } = this.prepare(password, undefined, options);
    this.send(finish);
    this.send(confirm);
  }

  #ke1(password: string): { ke1: Bytes; read: (started: Bytes) => Begun } {
    const random = {
      blind: this.#scalar('blind'),
      clientNonce: this.draw('client nonce', 32),
      keyshareSeed: this.draw('keyshare seed', 32),
    };
    const ke1 = makeKe1(utf8(password), random);
    const read = (started: Bytes): Begun => {
      const { attemptId, ke2, ...names } = decodeRecoverStarted(started);
      const answered = answerKe2({
        password: utf8(password),
        ...random,
        ke1,
        ke2,
        names,
        stretching: 'none',
      });
      return { ke1, attemptId, ke3: answered?.ke3 ?? this.draw('wrong KE3', 64) };
    };
    return { ke1, read };
  }

  /** `recover-start`, and what its client knows then. */
  start(password: string, words?: Partial<Words>): Begun & { readonly start: Ask } {
    const { ke1, read } = this.#ke1(password);
    const start: Ask = { command: 'recover-start', body: prefixed(1, ke1) };
    const { outcome, body } = this.send(start, words);
    const begun =
      outcome === 'ok' ? read(body) : { ke1, attemptId: this.draw('id', 32), ke3: this.draw('ke3', 64) };
    return { ...begun, start };
  }

  /** `recover-finish` of an attempt. */
  finish({ ke1, attemptId, ke3 }: Begun, acknowledged = 0): Ask {
    const number = new Uint8Array(8);
    new DataView(number.buffer).setBigUint64(0, BigInt(acknowledged));
    return { command: 'recover-finish', body: cat(prefixed(1, ke1), attemptId, prefixed(1, ke3), number) };
  }

  /** What an attempt proves. */
  proof({ ke1, attemptId, ke3 }: Begun): Bytes {
    return ke3Proof(ke1, attemptId, ke3);
  }

  /** `change-start`, and the body that follows from its answer. */
  change(
    password: string,
    newPassword: string,
    words?: Partial<Words>,
  ): { start: Ask; finish: Ask; begun: Begun } {
    const { ke1, read } = this.#ke1(password);
    const blind = this.#scalar('blind');
    const body = changeStartBody(ke1, blindElement(utf8(newPassword), blind));
    const start: Ask = { command: 'change-start', body };
    const { attempt, registration } = decodeChangeStarted(this.send(start, words).body);
    const begun = read(attempt);
    const { registrationId, response } = decodeRegisterStarted(registration);
    const finish = changeFinishBody({
      ...begun,
      registrationId,
      record: this.#record(newPassword, blind, response),
      stretch: STRETCH,
      sealedKey: this.draw('sealed key', 48),
      ownerKey: signerKey(this.#owner),
      budget: 0,
    });
    return { start, finish: { command: 'change-finish', body: finish }, begun };
  }
}
