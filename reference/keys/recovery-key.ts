/**
 * The recovery key: a backup key as 64 hexadecimal digits (spec/keys.md, "Recovery key").
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import { fromHex, hex, type Bytes } from '../wire/bytes.ts';

const DIGITS = 64;

/** Sixteen groups of four lower-case digits, a space between groups. `key` is 32 bytes. */
export function formatRecoveryKey(key: Uint8Array): string {
  return hex(key).replace(/.{4}(?!$)/gu, '$& ');
}

/**
 * The 32 bytes of a typed recovery key; spaces, hyphens and letter case do not matter.
 *
 * @throws StrongroomError `invalid-recovery-key`, whose `position` is the 1-based place in `text`, counted in
 *   characters (code points), of the first wrong one: for a key that is too long the 65th digit, for one that is
 *   too short the place after the end
 */
export function parseRecoveryKey(text: string): Bytes {
  let digits = '';
  let position = 0;
  for (const character of text) {
    position++;
    if (character === ' ' || character === '-') continue;
    if (!/^[0-9a-fA-F]$/u.test(character)) throw refuse('not a hexadecimal digit', position);
    if (digits.length === DIGITS) throw refuse('more than 64 digits', position);
    digits += character;
  }
  if (digits.length < DIGITS) throw refuse(`${digits.length} digits instead of 64`, position + 1);
  return fromHex(digits);
}

function refuse(what: string, position: number): StrongroomError {
  return new StrongroomError('invalid-recovery-key', `${what}, at position ${position}`, { position });
}
