/**
 * Problem documents (spec/http.md, "Problem documents"): what a server says in the clear when there is no sealed
 * answer.
 *
 * @module
 */
import { ERRORS, isStrongroomError, type ErrorCode } from '../errors.ts';

/** Status of an error that is the sender's, or not of this server; every other one is the server's own. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  malformed: 400,
  'unsupported-version': 400,
  'unsupported-suite': 400,
  'unknown-channel-key': 400,
  'channel-open-failed': 400,
  'not-authorised': 401,
  overloaded: 503,
  unavailable: 503,
};

/** A problem document of RFC 9457. */
export class Problem extends Error {
  readonly status: number;
  readonly code: ErrorCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: ErrorCode, headers: Readonly<Record<string, string>> = {}) {
    super(code);
    this.status = status;
    this.code = code;
    this.headers =
      status === 503 ? { 'retry-after': code === 'overloaded' ? '1' : '5', ...headers } : headers;
  }

  get body(): string {
    const { status, code } = this;
    return JSON.stringify({ type: `urn:strongroom:error:${code}`, title: ERRORS[code], status, code });
  }
}

/** What the sender is told. Details of the server's own failures stay in its log. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const status = isStrongroomError(error) ? STATUS[error.code] : undefined;
  if (!isStrongroomError(error) || status === undefined) return new Problem(503, 'not-ready');
  const { code, details } = error;
  if (code === 'not-authorised') return new Problem(status, code, { 'www-authenticate': 'Bearer' });
  // Too many of this one sender, who has to wait; without a time, too many of all.
  return code === 'overloaded' && details.retryAfter !== undefined
    ? new Problem(429, code, { 'retry-after': String(details.retryAfter) })
    : new Problem(status, code);
}
