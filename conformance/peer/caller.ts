/**
 * Asking a live vault: requests sealed, answers opened and held against every rule that holds for all of them.
 *
 * @module
 */
import { request, type Reply } from '../tape/http.ts';
import { openAnswer, sealRequest } from './channel.ts';
import {
  COMMANDS,
  decodeAnswer,
  encodeExchange,
  encodeRequest,
  ke3Proof,
  ownerMessage,
  ownerProof,
  type Command,
  type Statement,
} from './exchange.ts';
import { sign } from './fleet.ts';
import { decodeDescriptor, type FleetView } from './fleet-view.ts';
import { verifyReceipt } from './receipt.ts';
import { fresh, same, sha256, toHex, utf8, zeros, type Bytes } from './primitives.ts';

/** A vault that breaks a rule that holds for every answer. */
export class BrokenAnswer extends Error {}

/** Posts bytes to a vault. @throws NoAnswer */
export async function post(url: string, body: Uint8Array, type = 'application/octet-stream'): Promise<Reply> {
  return request(url, '/v1/exchange', { type, body });
}

/** The descriptor that a vault serves. @throws NoAnswer */
export async function fetchFleet(url: string): Promise<FleetView> {
  return decodeDescriptor((await request(url, '/v1/fleet')).body);
}

/** An attempt: KE1, and what became of it. */
export interface Attempt {
  readonly ke1: Bytes;
  readonly statement: Statement;
  /** Absent if there is no KE2. */
  readonly attemptId: Bytes;
  readonly ke2: Bytes;
  /** Right if the password is. */
  readonly ke3: Bytes;
  readonly right: boolean;
}

/** What proves a request: a signature of the owner, or the KE3 of an open attempt. */
export type By = 'owner' | Attempt;

/** Whoever asks for one account. */
export class Caller {
  readonly url: string;
  readonly fleet: FleetView;
  readonly name: Bytes;
  readonly ownerSecret: Bytes = fresh(32);
  /** The relay's word for a sealed request; absent where none is asked for. */
  readonly vouch?: (sealedRequest: Bytes) => Bytes;
  #highest = 0;
  #effectiveAt = 0;

  constructor(url: string, fleet: FleetView, name: string | Bytes = `account ${toHex(fresh(8))}`) {
    this.url = url;
    this.fleet = fleet;
    this.name = typeof name === 'string' ? utf8(name) : name;
  }

  /** The highest state version that it was told. */
  get version(): number {
    return this.#highest;
  }

  /** When what waits takes effect, by the last answer. */
  get effectiveAt(): number {
    return this.#effectiveAt;
  }

  /** A sealed request. */
  seal(
    command: number,
    body: Uint8Array,
    proof?: Uint8Array,
    more: { fleetId?: Uint8Array; version?: number } = {},
  ): ReturnType<typeof sealRequest> {
    const { suite, fleetId, kemKey: publicKey } = this.fleet;
    const plaintext = encodeRequest({
      fleetId,
      account: this.name,
      command,
      body,
      ...(proof && { proof }),
      ...more,
    });
    return sealRequest({ suite, fleetId, publicKey }, plaintext, fresh(32));
  }

  /**
   * Sends a sealed request and returns the statement, which has passed every check that holds for all answers.
   *
   * @throws BrokenAnswer
   */
  async send(sealed: ReturnType<typeof sealRequest>): Promise<Statement> {
    return this.#open(sealed, await post(this.url, encodeExchange(sealed.bytes, this.vouch?.(sealed.bytes))));
  }

  #open(sealed: ReturnType<typeof sealRequest>, reply: Reply): Statement {
    if (reply.status !== 200) throw new BrokenAnswer(`HTTP status ${reply.status}`);
    if (reply.body.length !== 2096) throw new BrokenAnswer(`an answer of ${reply.body.length} bytes`);
    const plaintext = openAnswer(sealed.context, reply.body);
    if (plaintext === undefined) throw new BrokenAnswer('an answer that does not open');
    const { statement, signed, keyId, signature } = decodeAnswer(plaintext);
    const key = this.fleet.receiptKeys.find(({ id }) => same(id, keyId));
    if (key === undefined) throw new BrokenAnswer('an answer signed by a key that is not in the descriptor');
    if (!verifyReceipt(this.fleet.suite, key.publicKey, signed, signature))
      throw new BrokenAnswer('an answer whose signature does not verify');
    if (!same(statement.fleetId, this.fleet.fleetId)) throw new BrokenAnswer('an answer of another fleet');
    if (!same(statement.account, this.name)) throw new BrokenAnswer('an answer for another account');
    if (!same(statement.requestHash, sha256(sealed.bytes)))
      throw new BrokenAnswer('an answer to another request');
    if (statement.stateVersion < this.#highest)
      throw new BrokenAnswer(`state version ${statement.stateVersion} after ${this.#highest}`);
    if (statement.remaining > statement.budget)
      throw new BrokenAnswer(`${statement.remaining} attempts of ${statement.budget}`);
    this.#highest = statement.stateVersion;
    this.#effectiveAt = statement.effectiveAt;
    return statement;
  }

  /** One command. */
  async call(command: Command | number, body: Uint8Array = zeros(0), proof?: Uint8Array): Promise<Statement> {
    return this.send(this.seal(typeof command === 'number' ? command : COMMANDS[command], body, proof));
  }

  /** The owner's signature over a command. */
  owner(command: Command, body: Uint8Array): Bytes {
    return ownerProof(
      sign(this.ownerSecret, ownerMessage(this.fleet.fleetId, this.name, COMMANDS[command], body)),
    );
  }

  /** The proof that a recovery is. */
  proof({ ke1, attemptId, ke3 }: Attempt): Bytes {
    return ke3Proof(ke1, attemptId, ke3);
  }

  /** A command with what proves it. */
  async prove(command: Command, body: Uint8Array, by?: By): Promise<Statement> {
    return this.call(command, body, by && (by === 'owner' ? this.owner(command, body) : this.proof(by)));
  }
}
