/**
 * The way of a {@link TestAccount} to a vault over HTTP: sealed, and checked against the fleet's descriptor.
 *
 * @module
 */
import { openAnswer, sealRequest, type Sealed } from '../../channel/index.ts';
import { Answer, Statement } from '../../exchange/answer.ts';
import { ASSERTION_SIZE, Exchange } from '../../exchange/assertion.ts';
import { EXCHANGE_VERSION } from '../../exchange/request.ts';
import { channelKey, receiptKey, verifyDescriptor } from '../../fleet/index.ts';
import type { FleetDescriptor } from '../../fleet/descriptor.ts';
import { keyRules } from '../../fleet/suites.ts';
import { label } from '../../keys/labels.ts';
import { concat, type Bytes } from '../../wire/bytes.ts';
import { decode, encode } from '../../wire/codec.ts';
import type { InitResult } from '../init.ts';
import { TestAccount } from './account.ts';

/** A fleet at an address. */
export class HttpFleet {
  readonly descriptor: FleetDescriptor;
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;

  private constructor(
    url: string,
    descriptor: FleetDescriptor,
    headers: Readonly<Record<string, string>> = {},
  ) {
    this.#url = url;
    this.#headers = headers;
    this.descriptor = descriptor;
  }

  /** A fleet that is reached in another way, by its descriptor. */
  static of(descriptor: FleetDescriptor): HttpFleet {
    return new HttpFleet('', descriptor);
  }

  /** Fetches and verifies the descriptor; `headers` go with every exchange. */
  static async open(
    url: string,
    pins: InitResult,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<HttpFleet> {
    const response = await fetch(`${url}/v1/fleet`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const { signers, threshold: k, fleetId } = pins;
    const now = Math.floor(Date.now() / 1000);
    return new HttpFleet(url, verifyDescriptor(bytes, { signers, k, fleetId, now, lastSerial: 0 }), headers);
  }

  /** An encoded `Exchange` in mode `none`, and what opens its answer. */
  async seal(plaintext: Bytes): Promise<{ readonly exchange: Bytes; readonly sealed: Sealed }> {
    const sealed = await sealRequest(channelKey(this.descriptor), plaintext);
    const exchange = encode(Exchange, {
      version: EXCHANGE_VERSION,
      mode: 'none',
      assertion: new Uint8Array(ASSERTION_SIZE),
      sealedRequest: sealed.bytes,
    });
    return { exchange, sealed };
  }

  /** Posts a body as an exchange. */
  post(body: Bytes): Promise<Response> {
    const headers = { ...this.#headers, 'content-type': 'application/octet-stream' };
    return fetch(`${this.#url}/v1/exchange`, { method: 'POST', headers, body });
  }

  /** One exchange; throws an error with the code of a problem document. */
  async send(plaintext: Bytes): Promise<Statement> {
    const { exchange, sealed } = await this.seal(plaintext);
    const response = await this.post(exchange);
    if (response.status !== 200) throw new Error(((await response.json()) as { code: string }).code);
    return this.read(sealed, new Uint8Array(await response.arrayBuffer()));
  }

  /** Opens an answer and checks its signature. */
  read(sealed: Sealed, bytes: Bytes): Statement {
    const { statement, receiptKeyId, signature } = decode(Answer, openAnswer(sealed.context, bytes));
    const key = receiptKey(this.descriptor, receiptKeyId);
    const message = concat(label('answer'), encode(Statement, statement));
    const { verifyReceipt } = keyRules(this.descriptor.channelSuite);
    if (key === undefined || !verifyReceipt(key.publicKey, message, signature))
      throw new Error('bad signature');
    return statement;
  }

  account(name: string): TestAccount {
    return new TestAccount((plaintext) => this.send(plaintext), this.descriptor.fleetId, name);
  }
}
