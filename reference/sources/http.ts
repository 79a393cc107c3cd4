/**
 * An object behind HTTP, to read ranges from (spec/container.md, "Over HTTP"; RFC 9110, section 14).
 *
 * @module
 */
import type { ByteSource } from '../container/range.ts';
import { StrongroomError, type ErrorCode } from '../errors.ts';

/** How to ask a server. */
export interface HttpSourceOptions {
  /** Sent with every request, for example for authorization. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: that of the platform. */
  readonly fetch?: typeof fetch;
}

/** What a 206 says about the part that follows. */
interface Part {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** Length in bytes of the whole. */
  readonly total: number;
  /** A strong entity tag: equal tags are equal bytes. */
  readonly tag: string;
}

const STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'permission',
  403: 'permission',
  404: 'object-missing',
  410: 'object-missing',
  416: 'truncated',
};

/**
 * The object at `url`. Every part is of the same version, the one of the first answer: a server that replaces the object
 * meanwhile makes the next read fail.
 *
 * Reading throws StrongroomError `object-missing`, `permission`, `truncated`; `no-ranges` if the server does not give parts, or gives
 * them without a strong entity tag; `changed` if the object was replaced; `io` for all other failures.
 */
export function httpSource(url: string | URL, options: HttpSourceOptions = {}): ByteSource {
  const { headers = {}, fetch: request = fetch } = options;
  // Without login and query: what grants access to a bucket stands there, and errors are logged.
  const { origin, pathname } = new URL(url);
  const subject = origin + pathname;
  let first: Part | undefined;

  async function ask(start: number, end: number, signal?: AbortSignal): Promise<Response> {
    const condition = first === undefined ? {} : { 'if-range': first.tag };
    // fetch asks for no content coding by itself when it asks for a range.
    const range = { range: `bytes=${start}-${end - 1}` };
    const init = { headers: { ...headers, ...range, ...condition }, ...(signal && { signal }) };
    const response = await request(url, init);
    try {
      const part = partOf(response, first !== undefined, subject);
      if (part.start !== start || part.end !== Math.min(end, part.total)) {
        throw fault('no-ranges', 'another part than was asked for', subject);
      }
      first ??= part;
      if (part.tag !== first.tag || part.total !== first.total) throw replaced(subject);
      return response;
    } catch (error) {
      await response.body?.cancel();
      throw error;
    }
  }

  return {
    async length(signal) {
      if (first === undefined) await guard(subject, async () => (await ask(0, 1, signal)).body?.cancel());
      return first?.total ?? 0;
    },
    async *read(start, end, signal) {
      const response = await guard(subject, () => ask(start, end, signal));
      const reader = response.body?.getReader();
      try {
        for (;;) {
          const step = await guard(subject, async () => reader?.read());
          if (step?.value === undefined) return;
          yield step.value;
        }
      } finally {
        await reader?.cancel().catch(() => undefined);
      }
    },
  };
}

/** What the answer holds. @throws StrongroomError if it is not a part of one version */
function partOf(response: Response, known: boolean, subject: string): Part {
  const { status, headers } = response;
  // 200 to a request with If-Range says that there is another version now; to one without, that there are no ranges.
  if (status === 200)
    throw known ? replaced(subject) : fault('no-ranges', 'all of it, not the part', subject);
  if (status !== 206) throw fault(STATUS[status] ?? 'io', `status ${status}`, subject);
  const tag = headers.get('etag') ?? '';
  if (!/^"[^"]*"$/u.test(tag)) throw fault('no-ranges', 'no strong entity tag', subject);
  if ((headers.get('content-encoding') ?? 'identity') !== 'identity') {
    throw fault('no-ranges', 'an encoding of the object', subject);
  }
  const content = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16})$/u.exec(headers.get('content-range') ?? '');
  const [start = NaN, last = NaN, total = NaN] = (content ?? []).slice(1).map(Number);
  if (!(start <= last && last < total && Number.isSafeInteger(total))) {
    throw fault('no-ranges', 'no valid Content-Range', subject);
  }
  return { start, end: last + 1, total, tag };
}

function replaced(subject: string): StrongroomError {
  return new StrongroomError('changed', `${subject}: the object was replaced`, { subject });
}

function fault(code: ErrorCode, message: string, subject: string): StrongroomError {
  return new StrongroomError(code, `${subject}: the server answers with ${message}`, { subject });
}

/** What `step` returns; a failure of the network becomes `io`. */
async function guard<T>(subject: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    if (cause instanceof StrongroomError || (cause instanceof Error && cause.name === 'AbortError'))
      throw cause;
    throw new StrongroomError('io', `${subject}: the connection failed`, { subject }, { cause });
  }
}
