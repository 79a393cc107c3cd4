/**
 * The clients of the state machine: what they know, and the requests that they make of it, with real cryptography.
 *
 * @module
 */
import { nodeEngine } from '../../crypto/node.ts';
import { ed25519PublicKey } from '../../crypto/ed25519.ts';
import { systemRandom } from '../../crypto/random.ts';
import { RecoverStarted, RegisterStarted, type Statement } from '../../exchange/answer.ts';
import { ChangeFinish, ChangeStart, ChangeStarted } from '../../exchange/change.ts';
import { KeptHead, PutHead } from '../../exchange/heads.ts';
import {
  Cancel,
  Delete,
  RecoverFinish,
  RecoverStart,
  RegisterConfirm,
  RegisterFinish,
  RegisterStart,
  type Command,
  type Proof as WireProof,
} from '../../exchange/request.ts';
import { label } from '../../keys/labels.ts';
import {
  DEFAULT_STRETCH,
  finishLogin,
  finishRegistration,
  identityStretch,
  sodiumSuite,
  type Suite,
  startLogin,
  startRegistration,
} from '../../opaque/index.ts';
import { OPAQUE_RISTRETTO255, opaqueContext } from '../../opaque/profile.ts';
import { concat, hex, utf8, type Bytes } from '../../wire/bytes.ts';
import { decode, encode } from '../../wire/codec.ts';
import { TestAccount, testHead } from '../testing/account.ts';
import type { Fleet } from './fleet.ts';
import {
  Model,
  type Ask,
  type Credential,
  type Element,
  type Finish,
  type Login,
  type Proof,
} from './machine-model-fixture.ts';

/** One for clients and vault. */
export const suite: Suite = await sodiumSuite();
const PASSWORDS = ['one', 'two', 'three'];

/** A request that is made. */
export type Making =
  | 'start'
  | 'finish'
  | 'register'
  | 'record'
  | 'confirm'
  | 'delete'
  | 'cancel'
  | 'change'
  | 'replace'
  | 'get'
  | 'put'
  | 'status';

/** What is to be asked; the numbers pick one of what the client has. */
export interface Wish {
  readonly what: Making;
  /** Who asks: the owner, or another who speaks for the account. */
  readonly who: number;
  readonly pick: number;
  readonly other: number;
}

/** A request that the relay holds: it may be delivered at any time, and again. */
export interface Letter {
  readonly ask: Ask;
  readonly bytes: Bytes;
  /** What the client makes of an answer. */
  readonly learn: (statement: Statement) => unknown;
}

/** A KE3 as the model and as the wire know it. */
export interface Known {
  readonly proof: Proof;
  readonly wire: Extract<WireProof, { kind: 'ke3' }>;
}

export interface Actor {
  readonly name: string;
  readonly client: TestAccount;
  readonly proofs: Known[];
  readonly registrations: {
    readonly element: Element;
    readonly started: RegisterStarted;
    readonly record: Bytes;
  }[];
  readonly finishes: { readonly finish: Finish; readonly confirm: Bytes }[];
  readonly changes: { readonly proof: Proof; readonly finish: Finish; readonly body: Bytes }[];
  version: number;
  effectiveAt: number;
  head: number;
}

export interface Account {
  readonly name: string;
  readonly model: Model;
  readonly actors: readonly [Actor, Actor];
  readonly letters: Letter[];
  /** The bodies that were seen, by what they must be the same for. */
  readonly bodies: Map<string, string>;
  readonly keys: Map<Finish, Bytes>;
}

/** One that was chosen from those that there are, the newest for 0. */
export function choose<T>(from: readonly T[], pick: number): T | undefined {
  return from[from.length - 1 - (pick % Math.max(1, from.length))];
}

/** Somebody who speaks for an account. */
export function newActor(name: string, { fleetId }: Fleet, account: string): Actor {
  const client = new TestAccount(() => Promise.reject(new Error('asks nothing')), fleetId, account);
  return {
    name,
    client,
    proofs: [],
    registrations: [],
    finishes: [],
    changes: [],
    version: 0,
    effectiveAt: 0,
    head: 0,
  };
}

/** The request of an operation, if the client can make it yet. */
export function write(op: Wish, account: Account): Letter | undefined {
  const actor = choose(account.actors, op.who);
  if (actor === undefined) return undefined;
  const { client } = actor;
  const letter = (ask: Ask, body: Bytes, learn: Letter['learn'] = () => {}, proof?: WireProof): Letter => ({
    ask,
    bytes: client.request(ask.command, body, proof),
    learn: async (statement) => {
      actor.version = Math.max(actor.version, statement.stateVersion);
      if (statement.effectiveAt > 0) actor.effectiveAt = statement.effectiveAt;
      await learn(statement);
    },
  });
  const live = op.pick % 2 === 0 ? account.model.password : undefined;
  const password = live ?? PASSWORDS[op.pick % PASSWORDS.length] ?? '';
  switch (op.what) {
    case 'start': {
      const { ke1, state } = startLogin(suite, utf8(password));
      const login: Login = { password };
      return letter({ command: 'recover-start', login }, encode(RecoverStart, { ke1 }), (statement) =>
        statement.outcome === 'ok'
          ? learnProof(account, actor, login, ke1, state, decode(RecoverStarted, statement.body))
          : undefined,
      );
    }
    case 'finish': {
      const known = choose(actor.proofs, op.pick);
      if (known === undefined) return undefined;
      const { kind: _, ...ke3Proof } = known.wire;
      const body = encode(RecoverFinish, { ...ke3Proof, acknowledged: 0 });
      return letter({ command: 'recover-finish', proof: known.proof }, body);
    }
    case 'register': {
      const { request, state } = startRegistration(suite, utf8(password));
      const element: Element = { password };
      let learned = false;
      return letter(
        { command: 'register-start', element },
        encode(RegisterStart, { registrationRequest: request }),
        async (statement) => {
          if (statement.outcome !== 'ok' || learned) return;
          learned = true;
          const started = decode(RegisterStarted, statement.body);
          const { registrationResponse: response } = started;
          const { record } = await finishRegistration({ suite, state, response, stretch: identityStretch });
          actor.registrations.push({ element, started, record });
        },
      );
    }
    case 'record': {
      const known = choose(actor.registrations, op.pick);
      if (known === undefined) return undefined;
      const { element, started, record } = known;
      const [secret, sealedKey] = [systemRandom('secret', 32), systemRandom('sealed_key', 48)];
      const finish = finishOf(actor, element, started, op.other);
      const body = encode(RegisterFinish, {
        ...valuesOf(actor, started, record, sealedKey, finish),
        confirmHash: nodeEngine.hash('sha256', concat(label('confirm'), secret)),
      });
      account.keys.set(finish, sealedKey);
      const recordHash = nodeEngine.hash('sha256', body);
      const confirm = encode(RegisterConfirm, {
        registrationId: started.registrationId,
        secret,
        recordHash,
      });
      actor.finishes.push({ finish, confirm });
      return letter({ command: 'register-finish', finish }, body);
    }
    case 'confirm': {
      const known = choose(actor.finishes, op.pick);
      if (known === undefined) return undefined;
      const { finish, confirm } = known;
      const [credential, proof] = credentialOf(actor, op.other, 'register-confirm', confirm);
      return letter({ command: 'register-confirm', finish, credential }, confirm, undefined, proof);
    }
    case 'delete': {
      // What is there, what it saw last, or the one before that.
      const version =
        op.pick % 2 === 0 ? account.model.version : Math.max(0, actor.version - (op.pick % 4 === 3 ? 1 : 0));
      const body = encode(Delete, { stateVersion: version });
      const [credential, proof] = credentialOf(actor, op.other, 'delete', body);
      return letter({ command: 'delete', version, credential }, body, undefined, proof);
    }
    case 'cancel': {
      const effectiveAt = op.pick % 2 === 0 ? account.model.effectiveAt : actor.effectiveAt;
      const body = encode(Cancel, { effectiveAt });
      const [credential, proof] = credentialOf(actor, op.other, 'cancel', body);
      return letter({ command: 'cancel', effectiveAt, credential }, body, undefined, proof);
    }
    case 'change': {
      const { ke1, state } = startLogin(suite, utf8(password));
      const next = PASSWORDS[op.other % PASSWORDS.length] ?? '';
      const registration = startRegistration(suite, utf8(next));
      const [login, element]: [Login, Element] = [{ password }, { password: next }];
      const body = encode(ChangeStart, { ke1, registrationRequest: registration.request });
      let learned = false;
      return letter({ command: 'change-start', login, element }, body, async (statement) => {
        if (statement.outcome !== 'ok' || learned) return;
        learned = true;
        const { attempt, registration: started } = decode(ChangeStarted, statement.body);
        const known = await learnProof(account, actor, login, ke1, state, attempt);
        const { registrationResponse: response } = started;
        const { record } = await finishRegistration({
          suite,
          state: registration.state,
          response,
          stretch: identityStretch,
        });
        const sealedKey = systemRandom('sealed_key', 48);
        const finish = finishOf(actor, element, started, op.pick);
        const { kind: _, ...ke3Proof } = known.wire;
        const values = valuesOf(actor, started, record, sealedKey, finish);
        account.keys.set(finish, sealedKey);
        const change = encode(ChangeFinish, { ...ke3Proof, acknowledged: 0, ...values });
        actor.changes.push({ proof: known.proof, finish, body: change });
      });
    }
    case 'replace': {
      const known = choose(actor.changes, op.pick);
      if (known === undefined) return undefined;
      const { proof, finish, body } = known;
      return letter({ command: 'change-finish', proof, finish }, body);
    }
    case 'get': {
      const [credential, proof] = credentialOf(actor, op.other, 'get-head', new Uint8Array(0));
      return letter(
        { command: 'get-head', credential },
        new Uint8Array(0),
        ({ outcome, body }) => {
          if (outcome === 'ok') actor.head = decode(KeptHead, body).head[0] ?? 0;
        },
        proof,
      );
    }
    case 'put': {
      const head = 1 + (op.pick % 255);
      const previous = actor.head;
      const previousHash =
        previous === 0 ? new Uint8Array(32) : nodeEngine.hash('sha256', testHead(previous));
      const body = encode(PutHead, { previousHash, head: testHead(head) });
      const [credential, proof] = credentialOf(actor, op.other, 'put-head', body);
      const learn = ({ outcome }: Statement): void => {
        if (outcome === 'ok') actor.head = head;
      };
      return letter({ command: 'put-head', previous, head, credential }, body, learn, proof);
    }
    case 'status':
      break;
  }
  return letter({ command: 'status' }, new Uint8Array(0));
}

function finishOf(actor: Actor, element: Element, { generation }: RegisterStarted, pick: number): Finish {
  return { element, generation, budget: 1 + (pick % 5), owner: actor.name };
}

function valuesOf(
  { client }: Actor,
  { registrationId }: RegisterStarted,
  record: Bytes,
  sealedKey: Bytes,
  { budget }: Finish,
): Omit<RegisterFinish, 'confirmHash'> {
  const ownerKey = ed25519PublicKey(client.ownerSecret);
  return { registrationId, record, stretch: DEFAULT_STRETCH, sealedKey, ownerKey, budget };
}

/** What the client can show: nothing, its signature, or one of its KE3. */
function credentialOf(
  actor: Actor,
  pick: number,
  command: Command,
  body: Bytes,
): [Credential, WireProof | undefined] {
  const known = choose(actor.proofs, pick >> 2);
  if (pick % 4 === 0) return [undefined, undefined];
  if (pick % 4 < 3 || known === undefined)
    return [{ signedBy: actor.name }, actor.client.owner(command, body)];
  return [known.proof, known.wire];
}

/** KE3 from KE2, or what a client sends in its place if the envelope does not open. Made once for each KE2. */
async function learnProof(
  { bodies }: Account,
  actor: Actor,
  login: Login,
  ke1: Bytes,
  state: ReturnType<typeof startLogin>['state'],
  { attemptId, oprfKeyId, opaqueKeyId, stretch, ke2 }: RecoverStarted,
): Promise<Known> {
  const name = [...bodies].find(([name, body]) => name.startsWith('KE2') && body === hex(ke2))?.[0];
  const charge = Number(name?.split(' ').at(-1));
  const known = actor.proofs.find(({ proof }) => proof.login === login && proof.charge === charge);
  if (known !== undefined) return known;
  const context = opaqueContext({ suite: OPAQUE_RISTRETTO255, oprfKeyId, opaqueKeyId, stretch });
  const options = { suite, state: structuredClone(state), ke2, context, stretch: identityStretch };
  const ke3 = await finishLogin(options).then(
    (done) => done.ke3,
    () => undefined,
  );
  const proof = { login, charge, right: ke3 !== undefined };
  const wire = { kind: 'ke3', ke1, attemptId, ke3: ke3 ?? systemRandom('dummy_ke3', 64) } as const;
  actor.proofs.push({ proof, wire });
  return { proof, wire };
}
