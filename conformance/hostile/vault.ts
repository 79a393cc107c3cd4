/**
 * A vault of the runner's own, for clients: honest unless a scenario tells it to lie in one place. It keeps
 * everything that a client sent.
 *
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { encodeStatusBody } from '../peer/bodies.ts';
import { deriveKemKeyPair, keyId, openRequest, sealAnswer } from '../peer/channel.ts';
import {
  COMMANDS,
  decodeRequest,
  encodeAnswer,
  encodeStatement,
  sealedRequestOf,
  type Said,
} from '../peer/exchange.ts';
import { encodeDescriptor, sign, signDescriptor, signerKey, type Descriptor } from '../peer/fleet.ts';
import {
  blindElement,
  deriveKeyPair,
  encodeStretch,
  evaluate,
  makeKe2,
  makeRecord,
  opaqueContext,
  sealKey,
  type Stretch,
} from '../peer/opaque.ts';
import { be, cat, fresh, label, prefixed, sha256, utf8, type Bytes } from '../peer/primitives.ts';

/** Stretching that costs nothing: clients under test are told a floor that allows it. */
export const CHEAP: Stretch = { algorithm: 1, iterations: 1, memoryKib: 64, parallelism: 1 };
/** The account that is registered here. */
export const ACCOUNT = 'alice@example.org';
/** Its password; no byte that a client sends may hold it. */
export const PASSWORD = 'unmistakable password 4711';
/** Its backup key; no byte that a client sends may hold it. */
export const BACKUP_KEY: Bytes = sha256(utf8('the backup key of the hostile vault'));

/** Where a vault can lie. Everything that is absent is honest. */
export interface Lies {
  /** What the descriptor says, before it is signed. */
  readonly descriptor?: (honest: Descriptor) => Descriptor;
  /** Who signs the descriptor. */
  readonly signers?: readonly Bytes[];
  /** What a statement says, before it is signed. */
  readonly statement?: (honest: Said, command: number) => Said;
  /** The hash of the request in a statement. */
  readonly requestHash?: (honest: Bytes) => Bytes;
  /** The key that signs statements. */
  readonly receiptSecret?: Bytes;
  /** The signature of a statement. */
  readonly signature?: (honest: Bytes) => Bytes;
  /** The sealed answer. */
  readonly answer?: (honest: Bytes) => Bytes;
  /** The whole reply to the n-th exchange, counted from 0; false if the honest one shall go out. */
  readonly reply?: (n: number, response: ServerResponse) => boolean;
}

interface RecoverStartedFields {
  readonly ke2: Bytes;
  readonly stretch: Stretch;
  readonly oprfKeyId: Bytes;
}

/** Body of an `ok` answer to `recover-start`. */
function recoverStarted(opaqueKeyId: Bytes, { ke2, stretch, oprfKeyId }: RecoverStartedFields): Bytes {
  return cat(fresh(32), oprfKeyId, opaqueKeyId, encodeStretch(stretch), prefixed(2, ke2));
}

/** One fleet of one vault, with one account. */
export class HostileVault {
  readonly fleetId: Bytes = fresh(16);
  readonly signers: readonly Bytes[] = [fresh(32), fresh(32)];
  /** Bodies of the exchanges that came in, and what was in them. */
  readonly bodies: Bytes[] = [];
  readonly requests: { readonly command: number; readonly body: Bytes; readonly plaintext: Bytes }[] = [];
  /** Bytes of answers that a client took before it stopped. */
  taken = 0;
  lies: Lies = {};
  stateVersion = 10;
  readonly stretch: Stretch;
  /** Seconds since 1970: a descriptor that is fetched again is the same to the byte. */
  readonly #made: number = Math.floor(Date.now() / 1000);
  readonly #kem = deriveKemKeyPair(fresh(32));
  readonly #receiptSecret = fresh(32);
  readonly #opaque = deriveKeyPair(fresh(32));
  readonly #oprfKeyId = fresh(8);
  readonly #seed = fresh(32);
  readonly #server: Server;
  #record: Bytes;
  #sealedKey: Bytes;
  #ke3: Bytes = fresh(64);
  url = '';

  constructor(stretch: Stretch = CHEAP) {
    this.stretch = stretch;
    const blind = be(32, 0);
    blind[0] = 9;
    const evaluated = evaluate(this.#seed, blindElement(utf8(PASSWORD), blind));
    const { record, exportKey } = makeRecord({
      password: utf8(PASSWORD),
      blind,
      evaluated,
      serverPublicKey: this.#opaque.publicKey,
      envelopeNonce: fresh(32),
      stretch,
    });
    this.#record = record;
    this.#sealedKey = sealKey(exportKey, BACKUP_KEY, {
      fleetId: this.fleetId,
      account: utf8(ACCOUNT),
      generation: 1,
    });
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** Listens on the loopback interface. */
  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Everything that a client sent, sealed and opened. */
  sent(): Bytes {
    return cat(...this.bodies, ...this.requests.map(({ plaintext }) => plaintext));
  }

  /** Numbers of the commands that came in. */
  commands(): number[] {
    return this.requests.map(({ command }) => command);
  }

  /** The body of an answer to `recover-start`, with what a scenario changes in it. */
  recoverStarted(ke1: Bytes, change: Partial<RecoverStartedFields> & { readonly seed?: Bytes } = {}): Bytes {
    const { stretch = this.stretch, oprfKeyId = this.#oprfKeyId } = change;
    const made = makeKe2({
      ke1,
      record: this.#record,
      seed: change.seed ?? this.#seed,
      serverSecretKey: this.#opaque.secretKey,
      serverPublicKey: this.#opaque.publicKey,
      context: opaqueContext({ oprfKeyId, opaqueKeyId: this.#opaqueKeyId(), stretch }),
      maskingNonce: fresh(32),
      serverNonce: fresh(32),
      keyshareSeed: fresh(32),
    });
    this.#ke3 = made.ke3;
    return recoverStarted(this.#opaqueKeyId(), { ke2: change.ke2 ?? made.ke2, stretch, oprfKeyId });
  }

  #opaqueKeyId(): Bytes {
    return keyId(this.#opaque.publicKey);
  }

  /** The honest descriptor, and what the scenario makes of it. */
  descriptor(): Bytes {
    const now = this.#made;
    const honest: Descriptor = {
      fleetId: this.fleetId,
      serial: 5,
      notBefore: now - 3600,
      notAfter: now + 86_400,
      kemKeys: [{ publicKey: this.#kem.publicKey }],
      receiptKeys: [{ publicKey: signerKey(this.#receiptSecret) }],
      opaqueKeys: [
        { oprfKeyId: this.#oprfKeyId, notAfterNew: now + 86_400, publicKey: this.#opaque.publicKey },
      ],
      stretch: this.stretch,
    };
    return signDescriptor(
      encodeDescriptor(this.lies.descriptor?.(honest) ?? honest),
      this.lies.signers ?? this.signers,
    );
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/v1/fleet') {
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(this.descriptor());
      return;
    }
    const parts: Uint8Array[] = [];
    for await (const part of request) parts.push(part as Uint8Array);
    const body = cat(...parts);
    this.bodies.push(body);
    if (this.lies.reply?.(this.bodies.length - 1, response) === true) return;
    const answer = this.#exchange(sealedRequestOf(body));
    if (answer === undefined) {
      response.writeHead(400, { 'content-type': 'application/problem+json' }).end('{}');
      return;
    }
    response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(answer);
  }

  #exchange(sealed: Bytes): Bytes | undefined {
    const opened = openRequest(this.fleetId, this.#kem.secretKey, sealed);
    if (opened === undefined) return undefined;
    const { command, body } = decodeRequest(opened.plaintext);
    this.requests.push({ command, body, plaintext: opened.plaintext });
    const honest = this.#say(command, body);
    const said = this.lies.statement?.(honest, command) ?? honest;
    const hash = opened.context.requestHash;
    const statement = encodeStatement(this.lies.requestHash?.(hash) ?? hash, said);
    const signature = sign(this.lies.receiptSecret ?? this.#receiptSecret, cat(label('answer'), statement));
    const plaintext = encodeAnswer(
      statement,
      keyId(signerKey(this.lies.receiptSecret ?? this.#receiptSecret)),
      this.lies.signature?.(signature) ?? signature,
    );
    const answer = sealAnswer(opened.context, plaintext, fresh(32));
    return this.lies.answer?.(answer) ?? answer;
  }

  #say(command: number, body: Bytes): Said {
    const common: Said = {
      fleetId: this.fleetId,
      account: utf8(ACCOUNT),
      phase: 'active',
      generation: 1,
      budget: 10,
      remaining: 9,
    };
    const ok = (more: Bytes, version = this.stateVersion): Said => ({
      ...common,
      stateVersion: version,
      outcome: 'ok',
      body: more,
    });
    if (command === COMMANDS.status) return ok(encodeStatusBody({ recordHash: sha256(this.#record) }));
    if (command === COMMANDS['recover-start'])
      return ok(this.recoverStarted(body.slice(1)), ++this.stateVersion);
    if (command === COMMANDS['recover-finish']) {
      const ke3 = body.slice(1 + 96 + 32 + 1, 1 + 96 + 32 + 1 + 64);
      const right = sha256(ke3).join() === sha256(this.#ke3).join();
      return right
        ? { ...ok(this.#sealedKey, ++this.stateVersion), remaining: 10 }
        : { ...common, stateVersion: ++this.stateVersion, outcome: 'wrong-password' };
    }
    if (command === COMMANDS['register-start']) {
      const response = cat(evaluate(this.#seed, body.slice(1)), this.#opaque.publicKey);
      const started = cat(fresh(32), be(8, 1), this.#oprfKeyId, this.#opaqueKeyId(), prefixed(1, response));
      return ok(started, ++this.stateVersion);
    }
    if (command === COMMANDS['register-finish']) return ok(sha256(body), ++this.stateVersion);
    if (command === COMMANDS['register-confirm'])
      return { ...ok(body.slice(64), ++this.stateVersion), remaining: 10 };
    return { ...common, outcome: 'unsupported' };
  }
}
