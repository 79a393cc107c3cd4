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
import { BrokenAnswer, Caller, type Attempt, type By } from './caller.ts';
import type { Statement } from './exchange.ts';
import { sign, signerKey } from './fleet.ts';
import { encodeHead } from './head.ts';
import { answerKe2, blindElement, makeKe1, makeRecord } from './opaque.ts';
import { be, cat, fresh, label, prefixed, sha256, utf8, zeros, type Bytes } from './primitives.ts';

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
export class Account extends Caller {
  /** The same account and owner at another address: a vault that was started again. */
  at(url: string): Account {
    return Object.assign(new Account(url, this.fleet, this.name), { ownerSecret: this.ownerSecret });
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

  /** `delete`, for the state version that it was told last. */
  async delete(by?: By, version: number = this.version): Promise<Statement> {
    return this.prove('delete', be(8, version), by);
  }

  /** `cancel`, of the change that it was told of last. */
  async cancel(by?: By, effectiveAt: number = this.effectiveAt): Promise<Statement> {
    return this.prove('cancel', be(8, effectiveAt), by);
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
