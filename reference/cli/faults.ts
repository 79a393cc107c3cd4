/**
 * Every fault as a code, a message and a next step: what the command line prints, and the exit code it ends with.
 *
 * @module
 */
import { isStrongroomError, StrongroomError, type ErrorCode } from '../errors.ts';
import { exitCodeOf } from './exit.ts';
import { printable } from './progress.ts';

const ERRNO: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'permission',
  EPERM: 'permission',
  EROFS: 'permission',
  ENOENT: 'not-found',
  ENOTDIR: 'not-found',
  EISDIR: 'not-found',
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EFBIG: 'disk-full',
  EEXIST: 'exists',
};

/** Any error as one with a code; what is left over is a fault of the program, or of the machine. */
export function faultOf(error: unknown): StrongroomError {
  if (isStrongroomError(error)) return error;
  if (error instanceof Error) {
    const { code, syscall, path } = error as NodeJS.ErrnoException;
    if (error.name === 'AbortError') return new StrongroomError('cancelled', 'stopped');
    if (code !== undefined && syscall !== undefined) {
      const details = path === undefined ? {} : { subject: path };
      return new StrongroomError(ERRNO[code] ?? 'io', error.message, details, { cause: error });
    }
  }
  throw error;
}

/**
 * Writes a fault to stderr: `code: message`, then the next step. Returns the exit code.
 *
 * @param canForce whether `--force` could still be given
 */
export function report(fault: StrongroomError, canForce = false): number {
  const force = canForce && fault.code === 'exists' ? ' With --force it is replaced.' : '';
  process.stderr.write(`${fault.code}: ${printable(fault.message)}\n  ${fault.hint}${force}\n`);
  return exitCodeOf(fault.code);
}
