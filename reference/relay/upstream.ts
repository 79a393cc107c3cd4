/**
 * The way from a relay to its vault.
 *
 * @module
 */
import { ERRORS, StrongroomError, type ErrorCode } from '../errors.ts';
import { Problem } from '../service/problem.ts';
import { concat, type Bytes } from '../wire/bytes.ts';

/** Milliseconds that the vault has for an answer. */
const TIMEOUT = 10_000;
/** Longest answer that is read, in bytes. */
const MAX_ANSWER = 4096;
/** Longest descriptor that is read, in bytes. */
const MAX_DESCRIPTOR = 81_920;
/** Milliseconds for which a descriptor is served without asking for it again. */
const DESCRIPTOR_AGE = 5000;
/** What a vault says to a sender that has to hear it; anything else is a fault between relay and vault. */
const PASSED_ON: readonly number[] = [400, 429, 503];

interface Received {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: Bytes;
}

/** A vault behind a relay. */
export class Upstream {
  readonly #base: URL;
  #descriptor: { readonly at: number; readonly bytes: Promise<Bytes> } | undefined;

  /** @param address base address of the vault */
  constructor(address: string) {
    this.#base = new URL(address.endsWith('/') ? address : `${address}/`);
  }

  /**
   * Sends an exchange, and once more if the connection breaks before an answer: every exchange can be repeated.
   *
   * @returns the sealed answer
   * @throws Problem what the vault answered instead; StrongroomError `unavailable` if it did not answer
   */
  async exchange(body: Bytes): Promise<Bytes> {
    const signal = AbortSignal.timeout(TIMEOUT);
    const send = (): Promise<Received> =>
      this.#call('v1/exchange', MAX_ANSWER, signal, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body,
      });
    const received = await send().catch((error: unknown) => {
      if (signal.aborted) throw error;
      return send();
    });
    return sound(received);
  }

  /** The fleet's signed descriptor. @throws Problem; StrongroomError `unavailable` */
  descriptor(): Promise<Bytes> {
    const now = performance.now();
    if (this.#descriptor !== undefined && now - this.#descriptor.at < DESCRIPTOR_AGE) {
      return this.#descriptor.bytes;
    }
    const bytes = this.#call('v1/fleet', MAX_DESCRIPTOR, AbortSignal.timeout(TIMEOUT)).then(sound);
    this.#descriptor = { at: now, bytes };
    bytes.catch(() => (this.#descriptor = undefined));
    return bytes;
  }

  async #call(path: string, limit: number, signal: AbortSignal, init: RequestInit = {}): Promise<Received> {
    try {
      const response = await fetch(new URL(path, this.#base), { ...init, redirect: 'error', signal });
      const body = await readBody(response.body, limit);
      return { status: response.status, retryAfter: response.headers.get('retry-after'), body };
    } catch (cause) {
      throw new StrongroomError('unavailable', 'the vault does not answer', {}, { cause });
    }
  }
}

async function readBody(stream: ReadableStream<Uint8Array> | null, limit: number): Promise<Bytes> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of stream ?? []) {
    length += part.length;
    if (length > limit) throw new RangeError(`the answer is longer than ${limit} bytes`);
    parts.push(part);
  }
  return concat(...parts);
}

/** The body of an answer of status 200. */
function sound({ status, retryAfter, body }: Received): Bytes {
  if (status === 200) return body;
  const code = PASSED_ON.includes(status) ? codeOf(body) : undefined;
  if (code === undefined) throw new StrongroomError('unavailable', `the vault answers ${status}`);
  throw new Problem(status, code, retryAfter === null ? {} : { 'retry-after': retryAfter });
}

function codeOf(problem: Bytes): ErrorCode | undefined {
  try {
    const { code } = JSON.parse(new TextDecoder().decode(problem)) as { readonly code?: unknown };
    return typeof code === 'string' && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : undefined;
  } catch {
    return undefined;
  }
}
