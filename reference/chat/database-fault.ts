/**
 * Errors of SQLite as codes (spec/errors.md).
 *
 * @module
 */
import { StrongroomError, type ErrorCode } from '../errors.ts';
import { fault } from '../set/faults.ts';

/** Primary result codes of SQLite (https://sqlite.org/rescode.html). */
const CODES: Readonly<Record<number, ErrorCode>> = {
  3: 'permission', // SQLITE_PERM
  8: 'permission', // SQLITE_READONLY
  10: 'io', // SQLITE_IOERR
  13: 'disk-full', // SQLITE_FULL
  14: 'io', // SQLITE_CANTOPEN
};

/** The error as one with a code: what SQLite throws is `disk-full`, `permission`, `io`, or else `bad-database`. */
export function databaseFault(cause: unknown, subject: string): StrongroomError {
  if (!(cause instanceof Error) || cause instanceof StrongroomError) return fault(cause, subject);
  const { code } = cause as { code?: unknown };
  if (code === 'ERR_SQLITE_ERROR') {
    const primary = Number((cause as { errcode?: unknown }).errcode) & 0xff;
    const message = `${subject}: ${cause.message}`;
    return new StrongroomError(CODES[primary] ?? 'bad-database', message, { subject }, { cause });
  }
  // Numbers that JavaScript does not hold.
  if (code === 'ERR_OUT_OF_RANGE') {
    return new StrongroomError('bad-database', `${subject}: ${cause.message}`, { subject }, { cause });
  }
  return fault(cause, subject);
}
