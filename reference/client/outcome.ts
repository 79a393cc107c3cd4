/**
 * Signed outcomes as errors (spec/client.md, "Outcomes"): what the vault has really said, and how final it is.
 *
 * @module
 */
import { StrongroomError, type ErrorCode, type ErrorDetails } from '../errors.ts';
import type { Outcome, Statement } from '../exchange/answer.ts';
import { decode, type Codec } from '../wire/codec.ts';

/** Seconds as people say them, rounded up unless told. */
export function durationOf(seconds: number, round: (value: number) => number = Math.ceil): string {
  const units = [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
  ] as const;
  // Two of a unit at the least: one could be almost two, or hardly more than none.
  const [name, size] = units.find((unit) => seconds >= 2 * unit[1] || seconds === unit[1]) ?? ['second', 1];
  const count = round(seconds / size);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}

const REFUSALS: Readonly<Record<Exclude<Outcome, 'ok'>, (statement: Statement) => string>> = {
  'wrong-password': ({ remaining }) => `the password is wrong; attempts left: ${remaining}`,
  'not-registered': () => 'the vault has no key for this account',
  'try-later': ({ retryAfter }) => `the next attempt is possible in ${durationOf(retryAfter)}`,
  scheduled: ({ effectiveAt, vaultTime }) =>
    `takes effect in ${durationOf(effectiveAt - vaultTime, Math.floor)}`,
  conflict: () => 'the account was changed by someone else meanwhile',
  destroyed: ({ budget }) => `all ${budget} attempts were wrong, and the vault has destroyed the key`,
  'not-authorised': () => 'the vault wants a proof that this account is yours',
  malformed: () => 'the vault could not read the request',
  unsupported: () => 'the vault does not know this command',
};

/** The error that a signed refusal is. */
export function refusalOf(statement: Statement): StrongroomError {
  const { outcome, remaining, retryAfter } = statement;
  if (outcome === 'ok') return new StrongroomError('bad-answer', 'ok where it cannot be');
  const details: ErrorDetails = {
    ...(outcome === 'wrong-password' ? { remaining } : {}),
    ...(outcome === 'try-later' ? { retryAfter } : {}),
  };
  const code: ErrorCode = outcome;
  return new StrongroomError(code, REFUSALS[outcome](statement), details);
}

/** The body of an `ok` answer. @throws StrongroomError the refusal, or `bad-answer` if the body is not of its form */
export function bodyOf<T>(codec: Codec<T>, statement: Statement): T {
  if (statement.outcome !== 'ok') throw refusalOf(statement);
  try {
    return decode(codec, statement.body);
  } catch (cause) {
    throw new StrongroomError('bad-answer', `the answer holds no ${codec.name}`, {}, { cause });
  }
}
