/**
 * A bare client for tests of the vault: the messages of one account, with no state and no channel of its own. Its
 * passwords are not stretched.
 *
 * @module
 */
import { systemRandom } from '../../crypto/random.ts';
import { nodeEngine } from '../../crypto/node.ts';
import { ed25519PublicKey, ed25519Sign } from '../../crypto/ed25519.ts';
import { RegisterStarted, RecoverStarted, type Statement } from '../../exchange/answer.ts';
import { ChangeFinish, ChangeStart, ChangeStarted } from '../../exchange/change.ts';
import {
  COMMANDS,
  EXCHANGE_VERSION,
  OwnerStatement,
  RecoverFinish,
  RecoverStart,
  RegisterConfirm,
  RegisterFinish,
  RegisterStart,
  Request,
  type Command,
  type Proof,
} from '../../exchange/request.ts';
import { label } from '../../keys/labels.ts';
import {
  DEFAULT_STRETCH,
  finishLogin,
  finishRegistration,
  identityStretch,
  nobleSuite,
  startLogin,
  startRegistration,
  type LoginState,
  type RegistrationState,
} from '../../opaque/index.ts';
import { opaqueContext, OPAQUE_RISTRETTO255 } from '../../opaque/profile.ts';
import { concat, utf8, type Bytes } from '../../wire/bytes.ts';
import { decode, encode } from '../../wire/codec.ts';

/** A `SignedSetHead` of 132 bytes that decodes; no two numbers from 1 to 255 have the same. All zero for 0. */
export function testHead(n: number): Bytes {
  const head = new Uint8Array(132).fill(n);
  for (const number of [16, 56]) head.fill(0, number, number + 2);
  return head;
}

/** Carries one request to a vault and gives back what it signed. */
export type Send = (request: Bytes) => Promise<Statement>;

const NONE: Proof = { kind: 'none' };

/** A registration of this client, before it is confirmed. */
export interface Registration {
  readonly started: RegisterStarted;
  readonly finish: Bytes;
  readonly confirm: Bytes;
  readonly sealedKey: Bytes;
}

/** An attempt of this client, up to KE2. */
export interface Begun {
  readonly ke1: Bytes;
  readonly answer: Statement;
  /** The attempt's KE3: right if the password is, random if not. Undefined if there is no KE2. */
  readonly proof: Extract<Proof, { kind: 'ke3' }> | undefined;
  /** False if the envelope did not open. */
  readonly right: boolean;
}

/** A change of the password, up to the answer to `change-start`. */
export interface Change {
  readonly start: Bytes;
  readonly answer: Statement;
  readonly finish: Bytes;
  readonly proof: Extract<Proof, { kind: 'ke3' }>;
}

/** KE3 of an attempt: right if the password is, random if not. */
async function proofOf(
  ke1: Bytes,
  state: LoginState,
  { attemptId, oprfKeyId, opaqueKeyId, stretch, ke2 }: RecoverStarted,
): Promise<{ readonly proof: Extract<Proof, { kind: 'ke3' }>; readonly right: boolean }> {
  const context = opaqueContext({ suite: OPAQUE_RISTRETTO255, oprfKeyId, opaqueKeyId, stretch });
  const ke3 = await finishLogin({ suite: nobleSuite, state, ke2, context, stretch: identityStretch }).then(
    ({ ke3 }) => ke3,
    () => undefined,
  );
  const proof = { kind: 'ke3', ke1, attemptId, ke3: ke3 ?? systemRandom('dummy_ke3', 64) } as const;
  return { proof, right: ke3 !== undefined };
}

async function recordOf(
  state: RegistrationState,
  { registrationResponse: response }: RegisterStarted,
): Promise<Bytes> {
  const { record } = await finishRegistration({
    suite: nobleSuite,
    state,
    response,
    stretch: identityStretch,
  });
  return record;
}

/** One account at one vault. */
export class TestAccount {
  readonly ownerSecret: Bytes = systemRandom('owner_key', 32);
  readonly #send: Send;
  readonly #fleetId: Bytes;
  readonly #account: Bytes;

  constructor(send: Send, fleetId: Bytes, account: string) {
    this.#send = send;
    this.#fleetId = fleetId;
    this.#account = utf8(account);
  }

  /** The encoded request. */
  request(command: Command, body: Bytes, proof: Proof = NONE): Bytes {
    const [version, fleetId, account] = [EXCHANGE_VERSION, this.#fleetId, this.#account];
    return encode(Request, { version, fleetId, account, command: COMMANDS[command], body, proof });
  }

  /** One request to the core, and the statement that it answers. */
  call(command: Command, body: Bytes = new Uint8Array(0), proof: Proof = NONE): Promise<Statement> {
    return this.#send(this.request(command, body, proof));
  }

  /** `register-start`, and the bodies of the two requests that follow it. */
  async prepare(password: string, budget = 0): Promise<Registration> {
    const { request, state } = startRegistration(nobleSuite, utf8(password));
    const answer = await this.call('register-start', encode(RegisterStart, { registrationRequest: request }));
    const started = decode(RegisterStarted, answer.body);
    const { registrationId } = started;
    const record = await recordOf(state, started);
    const secret = systemRandom('secret', 32);
    const sealedKey = systemRandom('sealed_key', 48);
    const finish = encode(RegisterFinish, {
      registrationId,
      record,
      stretch: DEFAULT_STRETCH,
      sealedKey,
      confirmHash: nodeEngine.hash('sha256', concat(label('confirm'), secret)),
      ownerKey: ed25519PublicKey(this.ownerSecret),
      budget,
    });
    const recordHash = nodeEngine.hash('sha256', finish);
    return {
      started,
      finish,
      sealedKey,
      confirm: encode(RegisterConfirm, { registrationId, secret, recordHash }),
    };
  }

  /** A whole registration: the answer to its last request. */
  async register(
    password: string,
    budget = 0,
    proof: Proof = NONE,
  ): Promise<Statement & { sealedKey: Bytes }> {
    const { finish, confirm, sealedKey } = await this.prepare(password, budget);
    await this.call('register-finish', finish);
    return { ...(await this.call('register-confirm', confirm, proof)), sealedKey };
  }

  /** The owner's signature over a request. */
  owner(command: Command, body: Bytes): Proof {
    const [fleetId, account] = [this.#fleetId, this.#account];
    const statement = encode(OwnerStatement, { fleetId, account, command: COMMANDS[command], body });
    return {
      kind: 'owner',
      signature: ed25519Sign(this.ownerSecret, concat(label('owner-statement'), statement)),
    };
  }

  /** The encoded body of a fresh `recover-start`, and what completes it. */
  begin(password: string): {
    readonly ke1: Bytes;
    readonly body: Bytes;
    /** From the answer to `recover-start` to what finishes it. */
    complete(answer: Statement): Promise<Begun>;
  } {
    const { ke1, state } = startLogin(nobleSuite, utf8(password));
    return {
      ke1,
      body: encode(RecoverStart, { ke1 }),
      async complete(answer) {
        if (answer.outcome !== 'ok') return { ke1, answer, proof: undefined, right: false };
        return { ke1, answer, ...(await proofOf(ke1, state, decode(RecoverStarted, answer.body))) };
      },
    };
  }

  /** `recover-start`, and what the client makes of the answer. */
  async start(password: string): Promise<Begun> {
    const fresh = this.begin(password);
    return fresh.complete(await this.call('recover-start', fresh.body));
  }

  /** `recover-finish` with the attempt's own KE3. */
  async finish({ proof }: Begun, acknowledged = 0): Promise<Statement> {
    if (proof === undefined) throw new Error('the attempt has no KE2');
    const { kind: _, ...ke3Proof } = proof;
    return this.call('recover-finish', encode(RecoverFinish, { ...ke3Proof, acknowledged }));
  }

  /** A whole attempt: the last answer. */
  async recover(password: string, acknowledged = 0): Promise<Statement> {
    const begun = await this.start(password);
    return begun.proof === undefined ? begun.answer : this.finish(begun, acknowledged);
  }

  /** `change-start`, and the body of the `change-finish` that follows it. */
  async change(password: string, next: string, budget = 0, acknowledged = 0): Promise<Change> {
    const login = startLogin(nobleSuite, utf8(password));
    const { request, state } = startRegistration(nobleSuite, utf8(next));
    const start = encode(ChangeStart, { ke1: login.ke1, registrationRequest: request });
    const answer = await this.call('change-start', start);
    const { attempt, registration } = decode(ChangeStarted, answer.body);
    const { proof } = await proofOf(login.ke1, login.state, attempt);
    const { kind: _, ...ke3Proof } = proof;
    const finish = encode(ChangeFinish, {
      ...ke3Proof,
      acknowledged,
      registrationId: registration.registrationId,
      record: await recordOf(state, registration),
      stretch: DEFAULT_STRETCH,
      sealedKey: systemRandom('sealed_key', 48),
      ownerKey: ed25519PublicKey(this.ownerSecret),
      budget,
    });
    return { start, answer, finish, proof };
  }

  /** One request with the owner's signature over it. */
  signed(command: Command, body: Bytes = new Uint8Array(0)): Promise<Statement> {
    return this.call(command, body, this.owner(command, body));
  }
}
