/**
 * The way to a vault (spec/client.md, "Transport"; spec/http.md). Whatever goes wrong here is `unavailable`: it
 * says nothing about the account, and changes nothing.
 *
 * @module
 */
import { isIPv4 } from 'node:net';
import { StrongroomError } from '../errors.ts';
import { concat, type Bytes } from '../wire/bytes.ts';
import { durationOf } from './outcome.ts';

/** What carries requests to a fleet and its answers back; nothing of it is trusted. */
export interface Transport {
  /** Encoded `Exchange` in, encoded `SealedAnswer` out. @throws StrongroomError `unavailable`, `cancelled` */
  exchange(body: Uint8Array, signal?: AbortSignal): Promise<Bytes>;
  /** The fleet's signed descriptor. @throws StrongroomError `unavailable`, `cancelled` */
  descriptor(signal?: AbortSignal): Promise<Bytes>;
}

/** Settings of {@link httpTransport}. */
export interface HttpOptions {
  /** Milliseconds until a request is given up; 15,000 unless told. */
  readonly timeout?: number;
  /** What a relay knows the account by; sent with every exchange, and with nothing else. */
  readonly token?: string;
}

/** Longest sealed answer that is read, in bytes. */
export const MAX_ANSWER = 4096;
/** Longest descriptor that is read, in bytes. */
export const MAX_DESCRIPTOR = 81920;

const DEFAULT_TIMEOUT = 15_000;

/** What a header may carry of a token (RFC 6750, section 2.1). */
const TOKEN = /^[\w.~+/-]+=*$/u;

function isLoopback(hostname: string): boolean {
  if (isIPv4(hostname)) return hostname.startsWith('127.');
  return hostname === 'localhost' || hostname === '[::1]';
}

/** The base address, ending in a slash. @throws StrongroomError `insecure-url` */
function baseOf(address: string): URL {
  const url = URL.parse(address);
  if (url === null) throw new StrongroomError('insecure-url', `${address} is not an address`);
  const secure = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
  if (!secure) {
    throw new StrongroomError('insecure-url', `${url.origin} is neither https:// nor on this machine`);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new StrongroomError('insecure-url', 'an address holds no login, query or fragment');
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

/** At most `limit` bytes of a body. */
async function readBody(body: ReadableStream<Uint8Array> | null, limit: number): Promise<Bytes> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of body ?? []) {
    length += part.length;
    if (length > limit) throw new RangeError(`the answer is longer than ${limit} bytes`);
    parts.push(part);
  }
  return concat(...parts);
}

/** The message of the innermost cause: `fetch failed` alone helps nobody. */
function reasonOf(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause !== undefined) innermost = innermost.cause;
  if (!(innermost instanceof Error)) return String(innermost);
  if (innermost.name === 'TimeoutError') return 'no answer in time';
  const { code } = innermost as NodeJS.ErrnoException;
  return innermost.message || code || innermost.name;
}

/** What a status that is not 200 tells people; programs are told nothing. */
function statusText({ status, headers }: Response, token: string | undefined): string {
  const text = `HTTP status ${status}`;
  if (status === 401) {
    return `${text}: ${token === undefined ? 'a token is needed' : 'the token is not taken'}`;
  }
  const wait = headers.get('retry-after');
  if (wait !== null && /^\d{1,9}$/u.test(wait)) return `${text}: try again in ${durationOf(Number(wait))}`;
  return text;
}

/**
 * A vault over HTTP. Redirects are not followed, and plain http is for the loopback interface alone.
 *
 * @param address base address, for example `https://vault.example/`
 * @throws StrongroomError `insecure-url`, `usage` if the token is none
 */
export function httpTransport(address: string, options: HttpOptions = {}): Transport {
  const base = baseOf(address);
  const { timeout = DEFAULT_TIMEOUT, token } = options;
  if (token !== undefined && !TOKEN.test(token)) throw new StrongroomError('usage', 'this is no token');
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };

  const call = async (
    path: string,
    limit: number,
    signal?: AbortSignal,
    body?: Uint8Array,
  ): Promise<Bytes> => {
    const late = AbortSignal.timeout(timeout);
    try {
      const response = await fetch(new URL(path, base), {
        redirect: 'error',
        cache: 'no-store',
        credentials: 'omit',
        signal: signal === undefined ? late : AbortSignal.any([signal, late]),
        ...(body === undefined
          ? {}
          : {
              method: 'POST',
              headers: { 'content-type': 'application/octet-stream', ...authorization },
              body: new Uint8Array(body),
            }),
      });
      if (response.status !== 200) {
        await response.body?.cancel();
        throw new RangeError(statusText(response, token));
      }
      return await readBody(response.body, limit);
    } catch (error) {
      if (signal?.aborted === true) throw new StrongroomError('cancelled', 'the exchange was stopped');
      throw new StrongroomError('unavailable', `${base.origin}: ${reasonOf(error)}`, {}, { cause: error });
    }
  };

  return {
    exchange: (body, signal) => call('v1/exchange', MAX_ANSWER, signal, body),
    descriptor: (signal) => call('v1/fleet', MAX_DESCRIPTOR, signal),
  };
}
