/**
 * Exit codes of `strongroom` (docs/cli.md, "Exit codes"): a script branches on them, and on the error code that
 * begins the first line on stderr.
 *
 * @module
 */
import type { ErrorCode } from '../errors.ts';

/** Exit codes and what they mean, as `--help` prints them. */
export const EXIT_CODES: Readonly<Record<number, string>> = {
  0: 'done',
  1: 'failed; nothing more special applies',
  2: 'the arguments are wrong',
  3: 'wrong key or wrong password',
  4: 'damaged, incomplete or not authentic data',
  5: 'unavailable now: try again later',
  6: 'the vault has no key for this account: destroyed, or never registered',
  7: 'the vault, or what it answered, is not to be trusted',
  8: 'done, but some files were left out; they are listed',
  129: 'the terminal hung up',
  130: 'interrupted (Ctrl-C)',
  131: 'told to quit',
  141: 'whoever read the output went away',
  143: 'terminated',
};

const CODES: readonly (readonly [number, readonly ErrorCode[]])[] = [
  [2, ['usage', 'secret-in-arguments']],
  [3, ['wrong-key', 'wrong-password', 'invalid-key', 'invalid-recovery-key', 'invalid-password']],
  [
    4,
    [
      'malformed',
      'not-an-object',
      'unsupported-version',
      'unsupported-suite',
      'unsupported-chunk-size',
      'unsupported-type',
      'reserved-not-zero',
      'bad-extension',
      'unknown-critical-extension',
      'header-damaged',
      'chunk-damaged',
      'truncated',
      'trailing-data',
      'bad-trailer',
      'bad-padding',
      'bad-record',
      'unknown-critical-record',
      'unsupported-codec',
      'bad-manifest',
      'bad-chat',
      'bad-database',
      'unsupported-set',
      'no-backup',
      'bad-head',
      'stale',
      'object-missing',
      'object-mismatch',
      'rollback-detected',
      'record-invalid',
      'anchor-damaged',
      'keys-damaged',
      'store-damaged',
    ],
  ],
  [5, ['unavailable', 'try-later', 'scheduled']],
  [6, ['destroyed', 'not-registered']],
  [
    7,
    [
      'bad-answer',
      'stale-answer',
      'bad-descriptor',
      'descriptor-not-trusted',
      'descriptor-not-yet-valid',
      'descriptor-expired',
      'descriptor-rollback',
      'wrong-fleet',
      'server-authentication-failed',
      'stretch-out-of-bounds',
      'bad-sealed-key',
    ],
  ],
  [8, ['incomplete']],
  [130, ['cancelled']],
];

/** The exit code for an error code. */
export function exitCodeOf(code: ErrorCode): number {
  return CODES.find(([, codes]) => codes.includes(code))?.[0] ?? 1;
}

/** Exit codes as a table for `--help`. */
export function exitHelp(): string {
  const rows = Object.entries(EXIT_CODES).map(([code, meaning]) => `  ${code.padStart(3)}  ${meaning}`);
  return ['Exit codes:', ...rows].join('\n');
}
