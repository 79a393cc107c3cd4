/**
 * One account at a live vault, as the suite's scenarios use it: the messages themselves, with nothing done in
 * between that the scenario does not ask for. Passwords are not stretched: a vault cannot tell.
 *
 * @module
 */
import {
  changeFinishBody,
  changeStartBody,
  decodeChangeStarted,
  decodeRecoverStarted,
  decodeRegisterStarted,
  decodeStatusBody,
  registerFinishBody,
  type StatusBody,
} from './bodies.ts';
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
import { sign, signerKey, verify } from './fleet.ts';
import { decodeDescriptor, type FleetView } from './fleet-view.ts';
import { encodeHead } from './head.ts';
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

/** A change of the password, between its two requests. */
export interface Change {
  readonly statement: Statement;
  readonly attempt: Attempt;
  /** 32 zero bytes if there is no answer. */
  readonly registrationId: Bytes;
  /** The element that came back for the new password. */
  readonly evaluated: Bytes;
  /** Body of `change-finish`; its KE3 is right if the password is. */
  readonly finish: Bytes;
  readonly sealedKey: Bytes;
}

/** What proves a request: a signature of the owner, or the KE3 of an open attempt. */
export type By = 'owner' | Attempt;

/** RegistrationRequest for a password, and the record from the answer to it. */
function enrol(password: string, blind: Bytes): { request: Bytes; record: (response: Bytes) => Bytes } {
  const secretPassword = utf8(password);
  return {
    request: blindElement(secretPassword, blind),
    record: (response) =>
      makeRecord({
        password: secretPassword,
        blind,
        evaluated: response.slice(0, 32),
        serverPublicKey: response.slice(32),
        envelopeNonce: fresh(32),
        stretch: 'none',
      }).record,
  };
}

/** One account. */
export class Account {
  readonly url: string;
  readonly fleet: FleetView;
  readonly name: Bytes;
  readonly ownerSecret: Bytes = fresh(32);
  /** The relay's word for a sealed request; absent where none is asked for. */
  readonly vouch?: (sealedRequest: Bytes) => Bytes;
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

  /** The highest state version that it was told. */
  get version(): number {
    return this.#highest;
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
    const { request, record } = enrol(password, scalar());
    const statement = await this.call('register-start', prefixed(1, request));
    if (statement.outcome !== 'ok') throw new BrokenAnswer(`register-start: ${statement.outcome}`);
    const { registrationId, generation, response } = decodeRegisterStarted(statement.body);
    const [secret, sealedKey] = [fresh(32), fresh(48)];
    const finish = registerFinishBody({
      registrationId,
      record: record(response),
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
    const registration = await this.finished(password, budget);
    const { outcome } = await this.prove('register-confirm', registration.confirm, proof);
    if (outcome !== 'ok') throw new BrokenAnswer(`register-confirm: ${outcome}`);
    return registration;
  }

  /** Sends everything of a registration but its confirmation. */
  async finished(password: string, budget = 3): Promise<Registration> {
    const registration = await this.prepare(password, budget);
    const { outcome } = await this.call('register-finish', registration.finish);
    if (outcome !== 'ok') throw new BrokenAnswer(`register-finish: ${outcome}`);
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

  /** A command with what proves it. */
  async prove(command: Command, body: Uint8Array, by?: By): Promise<Statement> {
    return this.call(command, body, by && (by === 'owner' ? this.owner(command, body) : this.proof(by)));
  }

  /** `delete`, for the state version that it was told last. */
  async delete(by?: By, version: number = this.version): Promise<Statement> {
    return this.prove('delete', be(8, version), by);
  }

  /** `cancel`, for the state version that it was told last. */
  async cancel(by?: By, version: number = this.version): Promise<Statement> {
    return this.prove('cancel', be(8, version), by);
  }

  /** `change-start`. */
  async change(
    password: string,
    newPassword: string,
    {
      budget = 3,
      begun = this.begin(password),
    }: { budget?: number; begun?: ReturnType<Account['begin']> } = {},
  ): Promise<Change> {
    const { request, record } = enrol(newPassword, scalar());
    return this.#changed(
      await this.call('change-start', changeStartBody(begun.ke1, request)),
      begun,
      record,
      budget,
    );
  }

  #changed(
    statement: Statement,
    { read }: ReturnType<Account['begin']>,
    record: (response: Bytes) => Bytes,
    budget: number,
  ): Change {
    if (statement.outcome !== 'ok') {
      const attempt = read(statement);
      return {
        statement,
        attempt,
        registrationId: zeros(32),
        evaluated: zeros(32),
        finish: zeros(0),
        sealedKey: zeros(48),
      };
    }
    const halves = decodeChangeStarted(statement.body);
    const attempt = read({ ...statement, body: halves.attempt });
    const { registrationId, response } = decodeRegisterStarted(halves.registration);
    const sealedKey = fresh(48);
    const finish = changeFinishBody({
      ...attempt,
      registrationId,
      record: record(response),
      stretch: this.fleet.stretch,
      sealedKey,
      ownerKey: signerKey(this.ownerSecret),
      budget,
    });
    return { statement, attempt, registrationId, evaluated: response.slice(0, 32), finish, sealedKey };
  }

  /** A head of the set of this account. */
  head(generation: number): Bytes {
    const setId = sha256(this.name).slice(0, 16);
    const manifestId = sha256(this.name, be(8, generation));
    const head = encodeHead({ setId, generation, manifestId, created: 1_700_000_000, keyEpoch: 1 });
    return cat(head, sign(this.ownerSecret, cat(label('set-head'), head)));
  }

  /** `put-head`; `previous` are the bytes of the head before it, if there is one. */
  async putHead(head: Bytes, previous?: Bytes, by: By = 'owner'): Promise<Statement> {
    return this.prove('put-head', cat(previous === undefined ? zeros(32) : sha256(previous), head), by);
  }

  /** `get-head`. */
  async getHead(): Promise<Statement> {
    return this.prove('get-head', zeros(0), 'owner');
  }

  /** `status`, and what is in its body. */
  async status(): Promise<{ statement: Statement; body: StatusBody }> {
    const statement = await this.call('status');
    if (statement.outcome !== 'ok') throw new BrokenAnswer(`status: ${statement.outcome}`);
    return { statement, body: decodeStatusBody(statement.body) };
  }
}
