/**
 * One account at a live vault, as the suite's scenarios use it: the messages themselves, with nothing done in
 * between that the scenario does not ask for. Passwords are not stretched: a vault cannot tell.
 *
 * @module
 */
import { openAnswer, sealRequest } from './channel.ts';
import {
  COMMANDS,
  decodeAnswer,
  decodeDescriptor,
  decodeRecoverStarted,
  decodeRegisterStarted,
  encodeExchange,
  encodeRequest,
  ke3Proof,
  ownerMessage,
  ownerProof,
  registerFinishBody,
  type Command,
  type FleetView,
  type Statement,
} from './exchange.ts';
import { sign, signerKey, verify } from './fleet.ts';
import { answerKe2, blindElement, makeKe1, makeRecord } from './opaque.ts';
import {
  be,
  cat,
  fresh,
  label,
  prefixed,
  same,
  sha256,
  toHex,
  utf8,
  zeros,
  type Bytes,
} from './primitives.ts';

/** What came back over HTTP. */
export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: Bytes;
}

/** A vault that breaks a rule that holds for every answer. */
export class BrokenAnswer extends Error {}

/** Posts bytes to a vault. */
export async function post(url: string, body: Uint8Array, type = 'application/octet-stream'): Promise<Reply> {
  const response = await fetch(new URL('/v1/exchange', url), {
    method: 'POST',
    body: new Uint8Array(body),
    headers: { 'content-type': type },
  });
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    body: new Uint8Array(await response.arrayBuffer()),
  };
}

/** The descriptor that a vault serves. */
export async function fetchFleet(url: string): Promise<FleetView> {
  const response = await fetch(new URL('/v1/fleet', url));
  return decodeDescriptor(new Uint8Array(await response.arrayBuffer()));
}

/** A scalar at random. */
function scalar(): Bytes {
  const bytes = fresh(32);
  bytes[31] = (bytes[31] ?? 0) & 0x0f;
  return bytes;
}

/** A registration, up to what its three requests are. */
export interface Registration {
  readonly registrationId: Bytes;
  readonly generation: number;
  readonly finish: Bytes;
  readonly confirm: Bytes;
  readonly sealedKey: Bytes;
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

/** One account. */
export class Account {
  readonly url: string;
  readonly fleet: FleetView;
  readonly name: Bytes;
  readonly ownerSecret: Bytes = fresh(32);
  #highest = 0;

  constructor(url: string, fleet: FleetView, name: string | Bytes = `account ${toHex(fresh(8))}`) {
    this.url = url;
    this.fleet = fleet;
    this.name = typeof name === 'string' ? utf8(name) : name;
  }

  /** The same account and owner at another address: a vault that was started again. */
  at(url: string): Account {
    return Object.assign(new Account(url, this.fleet, this.name), { ownerSecret: this.ownerSecret });
  }

  /** A sealed request. */
  seal(
    command: number,
    body: Uint8Array,
    proof?: Uint8Array,
    more: { fleetId?: Uint8Array; version?: number } = {},
  ): ReturnType<typeof sealRequest> {
    const { fleetId, kemKey: publicKey } = this.fleet;
    const plaintext = encodeRequest({
      fleetId,
      account: this.name,
      command,
      body,
      ...(proof && { proof }),
      ...more,
    });
    return sealRequest({ fleetId, publicKey }, plaintext, fresh(32));
  }

  /**
   * Sends a sealed request and returns the statement, which has passed every check that holds for all answers.
   *
   * @throws BrokenAnswer
   */
  async send(sealed: ReturnType<typeof sealRequest>): Promise<Statement> {
    return this.#open(sealed, await post(this.url, encodeExchange(sealed.bytes)));
  }

  #open(sealed: ReturnType<typeof sealRequest>, reply: Reply): Statement {
    if (reply.status !== 200) throw new BrokenAnswer(`HTTP status ${reply.status}`);
    if (reply.body.length !== 2096) throw new BrokenAnswer(`an answer of ${reply.body.length} bytes`);
    const plaintext = openAnswer(sealed.context, reply.body);
    if (plaintext === undefined) throw new BrokenAnswer('an answer that does not open');
    const { statement, signed, keyId, signature } = decodeAnswer(plaintext);
    const key = this.fleet.receiptKeys.find(({ id }) => same(id, keyId));
    if (key === undefined) throw new BrokenAnswer('an answer signed by a key that is not in the descriptor');
    if (!verify(key.publicKey, signed, signature))
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
    return statement;
  }

  /** One command. */
  async call(command: Command | number, body: Uint8Array = zeros(0), proof?: Uint8Array): Promise<Statement> {
    return this.send(this.seal(typeof command === 'number' ? command : COMMANDS[command], body, proof));
  }

  /** `register-start` for a password, and the two requests that follow. */
  async prepare(password: string, budget = 3): Promise<Registration> {
    const blind = scalar();
    const secretPassword = utf8(password);
    const request = blindElement(secretPassword, blind);
    const statement = await this.call('register-start', prefixed(1, request));
    if (statement.outcome !== 'ok') throw new BrokenAnswer(`register-start: ${statement.outcome}`);
    const { registrationId, generation, response } = decodeRegisterStarted(statement.body);
    const { record } = makeRecord({
      password: secretPassword,
      blind,
      evaluated: response.slice(0, 32),
      serverPublicKey: response.slice(32),
      envelopeNonce: fresh(32),
      stretch: 'none',
    });
    const [secret, sealedKey] = [fresh(32), fresh(48)];
    const finish = registerFinishBody({
      registrationId,
      record,
      stretch: this.fleet.stretch,
      sealedKey,
      confirmHash: sha256(label('confirm'), secret),
      ownerKey: signerKey(this.ownerSecret),
      budget,
    });
    return {
      registrationId,
      generation,
      finish,
      confirm: cat(registrationId, secret, sha256(finish)),
      sealedKey,
    };
  }

  /** A whole registration. @throws BrokenAnswer unless all of it is `ok` */
  async register(password: string, budget = 3, proof?: 'owner'): Promise<Registration> {
    const registration = await this.prepare(password, budget);
    const finished = await this.call('register-finish', registration.finish);
    const confirmed = await this.call(
      'register-confirm',
      registration.confirm,
      proof && this.owner('register-confirm', registration.confirm),
    );
    for (const { outcome } of [finished, confirmed])
      if (outcome !== 'ok') throw new BrokenAnswer(`registration: ${outcome}`);
    return registration;
  }

  /** The owner's signature over a command. */
  owner(command: Command, body: Uint8Array): Bytes {
    return ownerProof(
      sign(this.ownerSecret, ownerMessage(this.fleet.fleetId, this.name, COMMANDS[command], body)),
    );
  }

  /** KE1 for a password, and what reads the answer to it. */
  begin(password: string): { ke1: Bytes; body: Bytes; read: (statement: Statement) => Attempt } {
    const random = { blind: scalar(), clientNonce: fresh(32), keyshareSeed: fresh(32) };
    const secretPassword = utf8(password);
    const ke1 = makeKe1(secretPassword, random);
    return {
      ke1,
      body: prefixed(1, ke1),
      read: (statement) => {
        if (statement.outcome !== 'ok')
          return { ke1, statement, attemptId: zeros(32), ke2: zeros(0), ke3: fresh(64), right: false };
        const { attemptId, ke2, ...names } = decodeRecoverStarted(statement.body);
        const answered = answerKe2({
          password: secretPassword,
          ...random,
          ke1,
          ke2,
          names,
          stretching: 'none',
        });
        return {
          ke1,
          statement,
          attemptId,
          ke2,
          ke3: answered?.ke3 ?? fresh(64),
          right: answered !== undefined,
        };
      },
    };
  }

  /** `recover-start`. */
  async start(password: string): Promise<Attempt> {
    const begun = this.begin(password);
    return begun.read(await this.call('recover-start', begun.body));
  }

  /** Body of `recover-finish`. */
  finishBody({ ke1, attemptId, ke3 }: Pick<Attempt, 'ke1' | 'attemptId' | 'ke3'>, acknowledged = 0): Bytes {
    return cat(prefixed(1, ke1), attemptId, prefixed(1, ke3), be(8, acknowledged));
  }

  /** `recover-finish`. */
  async finish(attempt: Pick<Attempt, 'ke1' | 'attemptId' | 'ke3'>, acknowledged = 0): Promise<Statement> {
    return this.call('recover-finish', this.finishBody(attempt, acknowledged));
  }

  /** Both halves of a recovery. */
  async recover(password: string): Promise<{ attempt: Attempt; statement: Statement }> {
    const attempt = await this.start(password);
    return {
      attempt,
      statement: attempt.statement.outcome === 'ok' ? await this.finish(attempt) : attempt.statement,
    };
  }

  /** The proof that a recovery is. */
  proof({ ke1, attemptId, ke3 }: Attempt): Bytes {
    return ke3Proof(ke1, attemptId, ke3);
  }
}
