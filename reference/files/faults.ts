/**
 * Errors of the operating system as codes (spec/errors.md).
 *
 * @module
 */
import { StrongroomError, type ErrorCode } from '../errors.ts';

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EFBIG: 'disk-full',
  EACCES: 'permission',
  EPERM: 'permission',
  EROFS: 'permission',
};

/** The `code` of an error of Node, such as `ENOENT`; empty if it has none. */
export function errno(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** The error as `disk-full`, `permission` or `io`; one that has a code of the registry stays as it is. */
export function fault(cause: unknown, subject: string): StrongroomError {
  if (cause instanceof StrongroomError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new StrongroomError(CODES[errno(cause)] ?? 'io', `${subject}: ${why}`, { subject }, { cause });
}

/** What `step` returns; what the operating system throws becomes a {@link fault}. */
export function guarded<T>(subject: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw fault(error, subject);
  }
}
