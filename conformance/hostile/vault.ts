/**
 * A vault of the runner's own, for clients: honest unless a scenario tells it to lie in one place. It keeps
 * everything that a client sent.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { keyId, openRequest, sealAnswer } from '../peer/channel.ts';
import { deriveKemKeyPair, type ChannelSuite } from '../peer/kem.ts';
import { receiptKey, signReceipt } from '../peer/receipt.ts';
import {
  decodeRequest,
  encodeAnswer,
  encodeStatement,
  sealedRequestOf,
  type Said,
} from '../peer/exchange.ts';
import { encodeDescriptor, signDescriptor, type Descriptor } from '../peer/fleet.ts';
import type { Stretch } from '../peer/opaque.ts';
import { cat, fresh, label, type Bytes } from '../peer/primitives.ts';
import { serve, type LocalServer } from '../tape/server.ts';
import { now } from '../tape/tape.ts';
import { HostileAccount, type RecoverStartedFields } from './account.ts';

export { ACCOUNT, BACKUP_KEY, PASSWORD } from './account.ts';

/** Stretching that costs nothing: clients under test are told a floor that allows it. */
export const CHEAP: Stretch = { algorithm: 1, iterations: 1, memoryKib: 64, parallelism: 1 };
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
  /** Command whose answers are lost, after the vault has done what it asks. */
  readonly lost?: number;
  /** The whole reply to the n-th exchange, counted from 0; false if the honest one shall go out. */
  readonly reply?: (n: number, response: ServerResponse) => boolean;
}

/** One fleet of one vault, with one account. */
export class HostileVault {
  readonly fleetId: Bytes = fresh(16);
  readonly signers: readonly Bytes[] = [fresh(32), fresh(32)];
  /** Bodies of the exchanges that came in, and what was in them. */
  readonly bodies: Bytes[] = [];
  readonly requests: {
    readonly command: number;
    readonly body: Bytes;
    /** Number of the kind of its proof. */
    readonly proof: number;
    readonly plaintext: Bytes;
  }[] = [];
  /** Bytes of answers that a client took before it stopped. */
  taken = 0;
  /** What was wrong with the first request that nobody could read. */
  fault: string | undefined;
  lies: Lies = {};
  readonly stretch: Stretch;
  /** Seconds since 1970: a descriptor that is fetched again is the same to the byte. */
  readonly #made: number = Math.floor(now() / 1000);
  readonly suite: ChannelSuite;
  readonly #kem: ReturnType<typeof deriveKemKeyPair>;
  readonly #receiptSecret = fresh(32);
  readonly #account: HostileAccount;
  #server: LocalServer | undefined;
  url = '';

  constructor(suite: ChannelSuite = 1, stretch: Stretch = CHEAP) {
    this.suite = suite;
    this.stretch = stretch;
    this.#kem = deriveKemKeyPair(fresh(32), suite);
    this.#account = new HostileAccount(this.fleetId, stretch);
  }

  /** Listens on the loopback interface. */
  async open(): Promise<this> {
    this.#server = await serve((request, body, response) => {
      try {
        this.#serve(request, body, response);
      } catch (error) {
        this.fault ??= error instanceof Error ? error.message : String(error);
        response.destroy();
      }
    });
    this.url = this.#server.origin;
    return this;
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    await this.#server?.close();
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
    return this.#account.recoverStarted(ke1, change);
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
      channelSuite: this.suite,
      receiptKeys: [{ publicKey: receiptKey(this.suite, this.#receiptSecret) }],
      opaqueKeys: [{ ...this.#account.opaqueKey, notAfterNew: now + 86_400 }],
      stretch: this.stretch,
    };
    return signDescriptor(
      encodeDescriptor(this.lies.descriptor?.(honest) ?? honest),
      this.lies.signers ?? this.signers,
    );
  }

  #serve(request: IncomingMessage, body: Bytes, response: ServerResponse): void {
    if (request.url === '/v1/fleet') {
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(this.descriptor());
      return;
    }
    this.bodies.push(body);
    if (this.lies.reply?.(this.bodies.length - 1, response) === true) return;
    const answer = this.#exchange(sealedRequestOf(body));
    if (this.lies.lost !== undefined && this.commands().at(-1) === this.lies.lost) {
      response.destroy();
      return;
    }
    if (answer === undefined) {
      response.writeHead(400, { 'content-type': 'application/problem+json' }).end('{}');
      return;
    }
    response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(answer);
  }

  #exchange(sealed: Bytes): Bytes | undefined {
    const opened = openRequest(this.fleetId, this.#kem.secretKey, sealed, this.suite);
    if (opened === undefined) return undefined;
    const { command, body, proof } = decodeRequest(opened.plaintext);
    this.requests.push({ command, body, proof: proof.kind, plaintext: opened.plaintext });
    const honest = this.#account.say(command, body, proof);
    const said = this.lies.statement?.(honest, command) ?? honest;
    const hash = opened.context.requestHash;
    const statement = encodeStatement(this.lies.requestHash?.(hash) ?? hash, said);
    const receiptSecret = this.lies.receiptSecret ?? this.#receiptSecret;
    const signature = signReceipt(this.suite, receiptSecret, cat(label('answer'), statement));
    const plaintext = encodeAnswer(
      statement,
      keyId(receiptKey(this.suite, receiptSecret)),
      this.lies.signature?.(signature) ?? signature,
    );
    const answer = sealAnswer(opened.context, plaintext, fresh(32));
    return this.lies.answer?.(answer) ?? answer;
  }
}
