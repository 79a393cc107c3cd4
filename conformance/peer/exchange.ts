/**
 * The suite's own reading of the vault exchange (spec/exchange.md): requests and answers. What is in their bodies is in
 * bodies.ts.
 *
 * @module
 */
import { be, cat, label, prefixed, zeros, type Bytes } from './primitives.ts';
import { Reader } from './reader.ts';

/** Numbers of the commands. */
export const COMMANDS = {
  'register-start': 1,
  'register-finish': 2,
  'register-confirm': 3,
  'recover-start': 4,
  'recover-finish': 5,
  status: 6,
  delete: 7,
  cancel: 8,
  'change-start': 9,
  'change-finish': 10,
  'get-head': 11,
  'put-head': 12,
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

/** Changes that wait, in the order of their numbers. */
export const CHANGES = ['none', 'replacement', 'deletion'] as const;

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
  /** The number of its kind, and what follows, with the padding. */
  proof: { kind: number; rest: Bytes };
} {
  const reader = new Reader(plaintext);
  reader.take(1);
  return {
    fleetId: reader.take(16),
    account: reader.prefixed(1),
    command: reader.uint(1),
    body: reader.prefixed(2),
    proof: { kind: reader.uint(1), rest: reader.take(reader.left) },
  };
}

/** Exchange; without an assertion unless one is given, in 192 bytes. */
export function encodeExchange(sealedRequest: Uint8Array, assertion?: Uint8Array): Bytes {
  const mode = assertion === undefined ? 0 : 1;
  return cat(be(1, 1), be(1, mode), assertion ?? zeros(192), prefixed(2, sealedRequest));
}

/** What an assertion says, and who signs it. */
export interface Vouching {
  readonly account: Uint8Array;
  readonly requestHash: Uint8Array;
  /** Seconds since 1970. */
  readonly expires: number;
  /** First 8 bytes of the hash of the relay's public key. */
  readonly relayKeyId: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

/** Assertion of a relay, in 192 bytes. */
export function encodeAssertion({ account, requestHash, expires, relayKeyId, sign }: Vouching): Bytes {
  const fields = cat(relayKeyId, prefixed(1, account), requestHash, be(8, expires));
  const bytes = cat(fields, sign(cat(label('assertion'), fields)));
  return cat(bytes, zeros(192 - bytes.length));
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
  /** Seconds of the vault's own time. */
  readonly vaultTime: number;
  readonly stateVersion: number;
  readonly outcome: Outcome;
  readonly phase: (typeof PHASES)[number];
  readonly generation: number;
  readonly budget: number;
  readonly remaining: number;
  readonly retryAfter: number;
  /** Seconds of the vault's own time; 0 if nothing is scheduled. */
  readonly effectiveAt: number;
  readonly scheduledChange: (typeof CHANGES)[number];
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
  const vaultTime = reader.uint(8);
  const stateVersion = reader.uint(8);
  const outcome = nameOf(OUTCOMES, reader.uint(1));
  const phase = nameOf(PHASES, reader.uint(1));
  const generation = reader.uint(8);
  const [budget, remaining] = [reader.uint(1), reader.uint(1)];
  const retryAfter = reader.uint(8);
  const effectiveAt = reader.uint(8);
  const scheduledChange = nameOf(CHANGES, reader.uint(1));
  const [reportSerial, failed] = [reader.uint(8), reader.uint(4)];
  reader.take(16);
  const body = reader.prefixed(2);
  const statement = {
    fleetId,
    account,
    requestHash,
    vaultTime,
    stateVersion,
    outcome,
    phase,
    generation,
    budget,
    remaining,
    retryAfter,
    effectiveAt,
    scheduledChange,
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
export type Said = Partial<Omit<Statement, 'requestHash' | 'body'>> & {
  readonly body?: Uint8Array;
  /** When the report begins and ends. */
  readonly first?: number;
  readonly last?: number;
};

/** Statement. */
export function encodeStatement(requestHash: Uint8Array, said: Said): Bytes {
  return cat(
    be(1, 1),
    said.fleetId ?? zeros(16),
    prefixed(1, said.account ?? zeros(0)),
    requestHash,
    be(8, said.vaultTime ?? 1000),
    be(8, said.stateVersion ?? 0),
    be(1, OUTCOMES.indexOf(said.outcome ?? 'ok')),
    be(1, PHASES.indexOf(said.phase ?? 'none')),
    be(8, said.generation ?? 0),
    be(1, said.budget ?? 0),
    be(1, said.remaining ?? 0),
    be(8, said.retryAfter ?? 0),
    be(8, said.effectiveAt ?? 0),
    be(1, CHANGES.indexOf(said.scheduledChange ?? 'none')),
    be(8, said.reportSerial ?? 0),
    be(4, said.failed ?? 0),
    be(8, said.first ?? 0),
    be(8, said.last ?? 0),
    prefixed(2, said.body ?? zeros(0)),
  );
}

/** Answer, in 2048 bytes. */
export function encodeAnswer(statement: Uint8Array, keyId: Uint8Array, signature: Uint8Array): Bytes {
  const bytes = cat(statement, keyId, signature);
  return cat(bytes, zeros(2048 - bytes.length));
}
