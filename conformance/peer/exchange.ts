/**
 * The suite's own reading of the vault exchange (spec/exchange.md): requests, answers, and the descriptor as far as a
 * client of the suite needs it.
 *
 * @module
 */
import { be, cat, label, prefixed, zeros, type Bytes } from './primitives.ts';
import { encodeStretch, type Stretch } from './opaque.ts';

/** A cursor over bytes. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** The next `length` bytes. @throws Error if there are fewer */
  take(length: number): Bytes {
    if (length > this.left) throw new Error(`${length} bytes needed, ${this.left} left`);
    return new Uint8Array(this.#bytes.subarray(this.#at, (this.#at += length)));
  }

  /** A number of `size` bytes. */
  uint(size: number): number {
    return this.take(size).reduce((sum, byte) => sum * 256 + byte, 0);
  }

  /** Bytes behind a length of `size` bytes. */
  prefixed(size: number): Bytes {
    return this.take(this.uint(size));
  }
}

/** Numbers of the commands. */
export const COMMANDS = {
  'register-start': 1,
  'register-finish': 2,
  'register-confirm': 3,
  'recover-start': 4,
  'recover-finish': 5,
  status: 6,
} as const;
/** Name of a command. */
export type Command = keyof typeof COMMANDS;

/** Outcomes in the order of their numbers. */
export const OUTCOMES = [
  'ok',
  'wrong-password',
  'not-registered',
  'try-later',
  'scheduled',
  'conflict',
  'destroyed',
  'not-authorised',
  'malformed',
  'unsupported',
] as const;
/** Name of an outcome. */
export type Outcome = (typeof OUTCOMES)[number];

/** Phases in the order of their numbers. */
export const PHASES = ['none', 'active', 'last-chance', 'destroyed', 'deleted'] as const;

/** The proofs that a request may carry, encoded. */
export const NO_PROOF: Bytes = be(1, 0);

/** A KE3 as a proof. */
export function ke3Proof(ke1: Uint8Array, attemptId: Uint8Array, ke3: Uint8Array): Bytes {
  return cat(be(1, 1), prefixed(1, ke1), attemptId, prefixed(1, ke3));
}

/** An owner's signature as a proof. */
export function ownerProof(signature: Uint8Array): Bytes {
  return cat(be(1, 2), signature);
}

/** What an owner signs. */
export function ownerMessage(
  fleetId: Uint8Array,
  account: Uint8Array,
  command: number,
  body: Uint8Array,
): Bytes {
  return cat(label('owner-statement'), fleetId, prefixed(1, account), be(1, command), prefixed(2, body));
}

/** Request, in 2048 bytes. */
export function encodeRequest(request: {
  readonly version?: number;
  readonly fleetId: Uint8Array;
  readonly account: Uint8Array;
  readonly command: number;
  readonly body: Uint8Array;
  readonly proof?: Uint8Array;
}): Bytes {
  const { version = 1, fleetId, account, command, body, proof = NO_PROOF } = request;
  const bytes = cat(be(1, version), fleetId, prefixed(1, account), be(1, command), prefixed(2, body), proof);
  return cat(bytes, zeros(2048 - bytes.length));
}

/** Request, decoded: what a vault of the suite needs of it. */
export function decodeRequest(plaintext: Uint8Array): {
  fleetId: Bytes;
  account: Bytes;
  command: number;
  body: Bytes;
} {
  const reader = new Reader(plaintext);
  reader.take(1);
  return {
    fleetId: reader.take(16),
    account: reader.prefixed(1),
    command: reader.uint(1),
    body: reader.prefixed(2),
  };
}

/** Exchange without an assertion. */
export function encodeExchange(sealedRequest: Uint8Array): Bytes {
  return cat(be(1, 1), be(1, 0), zeros(192), prefixed(2, sealedRequest));
}

/** The sealed request in an exchange. */
export function sealedRequestOf(exchange: Uint8Array): Bytes {
  const reader = new Reader(exchange);
  reader.take(194);
  return reader.prefixed(2);
}

/** A statement of the vault. */
export interface Statement {
  readonly fleetId: Bytes;
  readonly account: Bytes;
  readonly requestHash: Bytes;
  readonly stateVersion: number;
  readonly outcome: Outcome;
  readonly phase: (typeof PHASES)[number];
  readonly generation: number;
  readonly budget: number;
  readonly remaining: number;
  readonly retryAfter: number;
  readonly reportSerial: number;
  readonly failed: number;
  readonly body: Bytes;
}

function nameOf<T>(list: readonly T[], number: number): T {
  const name = list[number];
  if (name === undefined) throw new Error(`${number} is not a value of its enumeration`);
  return name;
}

/** Answer, decoded: the statement, and what its signature covers. */
export function decodeAnswer(plaintext: Uint8Array): {
  statement: Statement;
  signed: Bytes;
  keyId: Bytes;
  signature: Bytes;
} {
  const reader = new Reader(plaintext);
  if (reader.uint(1) !== 1) throw new Error('another version');
  const [fleetId, account, requestHash] = [reader.take(16), reader.prefixed(1), reader.take(32)];
  reader.take(8);
  const stateVersion = reader.uint(8);
  const outcome = nameOf(OUTCOMES, reader.uint(1));
  const phase = nameOf(PHASES, reader.uint(1));
  const generation = reader.uint(8);
  const [budget, remaining] = [reader.uint(1), reader.uint(1)];
  const retryAfter = reader.uint(8);
  reader.take(8);
  const [reportSerial, failed] = [reader.uint(8), reader.uint(4)];
  reader.take(16 + 120);
  const body = reader.prefixed(2);
  const statement = {
    fleetId,
    account,
    requestHash,
    stateVersion,
    outcome,
    phase,
    generation,
    budget,
    remaining,
    retryAfter,
    reportSerial,
    failed,
    body,
  };
  const signed = plaintext.slice(0, plaintext.length - reader.left);
  const [keyId, signature] = [reader.take(8), reader.take(64)];
  if (reader.take(reader.left).some((byte) => byte !== 0)) throw new Error('padding that is not zero');
  return { statement, signed: cat(label('answer'), signed), keyId, signature };
}

/** What a statement of the suite's own vault says; absent fields are zero. */
export type Said = Partial<Omit<Statement, 'requestHash' | 'body'>> & { readonly body?: Uint8Array };

/** Statement. */
export function encodeStatement(requestHash: Uint8Array, said: Said): Bytes {
  return cat(
    be(1, 1),
    said.fleetId ?? zeros(16),
    prefixed(1, said.account ?? zeros(0)),
    requestHash,
    be(8, 1000),
    be(8, said.stateVersion ?? 0),
    be(1, OUTCOMES.indexOf(said.outcome ?? 'ok')),
    be(1, PHASES.indexOf(said.phase ?? 'none')),
    be(8, said.generation ?? 0),
    be(1, said.budget ?? 0),
    be(1, said.remaining ?? 0),
    be(8, said.retryAfter ?? 0),
    be(8, 0),
    be(8, said.reportSerial ?? 0),
    be(4, said.failed ?? 0),
    zeros(16 + 120),
    prefixed(2, said.body ?? zeros(0)),
  );
}

/** Answer, in 2048 bytes. */
export function encodeAnswer(statement: Uint8Array, keyId: Uint8Array, signature: Uint8Array): Bytes {
  const bytes = cat(statement, keyId, signature);
  return cat(bytes, zeros(2048 - bytes.length));
}

/** Body of `register-finish`. */
export function registerFinishBody(body: {
  readonly registrationId: Uint8Array;
  readonly record: Uint8Array;
  readonly stretch: Stretch;
  readonly sealedKey: Uint8Array;
  readonly confirmHash: Uint8Array;
  readonly ownerKey: Uint8Array;
  readonly budget: number;
}): Bytes {
  const { registrationId, record, stretch, sealedKey, confirmHash, ownerKey, budget } = body;
  return cat(
    registrationId,
    prefixed(2, record),
    encodeStretch(stretch),
    sealedKey,
    confirmHash,
    ownerKey,
    be(1, budget),
  );
}

/** Body of an `ok` answer to `register-start`. */
export function decodeRegisterStarted(body: Uint8Array): {
  registrationId: Bytes;
  generation: number;
  oprfKeyId: Bytes;
  opaqueKeyId: Bytes;
  response: Bytes;
} {
  const reader = new Reader(body);
  return {
    registrationId: reader.take(32),
    generation: reader.uint(8),
    oprfKeyId: reader.take(8),
    opaqueKeyId: reader.take(8),
    response: reader.prefixed(1),
  };
}

function decodeStretch(reader: Reader): Stretch {
  return {
    algorithm: reader.uint(1),
    iterations: reader.uint(4),
    memoryKib: reader.uint(4),
    parallelism: reader.uint(2),
  };
}

/** Body of an `ok` answer to `recover-start`. */
export function decodeRecoverStarted(body: Uint8Array): {
  attemptId: Bytes;
  oprfKeyId: Bytes;
  opaqueKeyId: Bytes;
  stretch: Stretch;
  ke2: Bytes;
} {
  const reader = new Reader(body);
  const [attemptId, oprfKeyId, opaqueKeyId] = [reader.take(32), reader.take(8), reader.take(8)];
  return { attemptId, oprfKeyId, opaqueKeyId, stretch: decodeStretch(reader), ke2: reader.prefixed(2) };
}

/** What the suite's clients need of a descriptor. */
export interface FleetView {
  readonly fleetId: Bytes;
  readonly kemKey: Bytes;
  readonly receiptKeys: readonly { readonly id: Bytes; readonly publicKey: Bytes }[];
  readonly serverPublicKey: Bytes;
  readonly delays: readonly number[];
  readonly stretch: Stretch;
}

/** The descriptor of a vault, as it is served. Its signatures are not looked at: who tests a vault trusts it. */
export function decodeDescriptor(bytes: Uint8Array): FleetView {
  const outer = new Reader(bytes);
  outer.take(8);
  const reader = new Reader(outer.prefixed(2));
  reader.take(1);
  const fleetId = reader.take(16);
  reader.take(8 + 8 + 8 + 3);
  const keys = (): { id: Bytes; state: number; publicKey: Bytes }[] => {
    const list = new Reader(reader.prefixed(2));
    const out = [];
    while (list.left > 0) {
      const [id, state] = [list.take(8), list.uint(1)];
      list.take(1);
      out.push({ id, state, publicKey: list.prefixed(2) });
    }
    return out;
  };
  const kemKey = keys().find(({ state }) => state === 1)?.publicKey ?? zeros(32);
  const receiptKeys = keys();
  const opaque = new Reader(reader.prefixed(2));
  opaque.take(8 + 8 + 8 + 2);
  const serverPublicKey = opaque.prefixed(1);
  reader.take(3);
  const delays = new Reader(reader.prefixed(2));
  const waits: number[] = [];
  while (delays.left > 0) waits.push(delays.uint(4));
  reader.take(13);
  reader.prefixed(2);
  return { fleetId, kemKey, receiptKeys, serverPublicKey, delays: waits, stretch: decodeStretch(reader) };
}
