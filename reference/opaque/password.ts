/**
 * Passwords as bytes (spec/opaque.md, "Passwords"): OpaqueString of RFC 8265, section 4.2, so that the same keys
 * pressed on two devices are the same password. Never trimmed, never truncated, never folded.
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import { utf8, type Bytes } from '../wire/bytes.ts';

// FreeformClass of RFC 8264, section 8, in the terms of Unicode properties. Unassigned code points, controls,
// surrogates, private use and format characters have none of these categories.
const ALLOWED = /^[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]*$/u;
// Ignorable code points, Old Hangul jamo, and the exceptions of RFC 5892, section 2.6.
const DISALLOWED =
  /[\u{302e}\u{302f}\p{Default_Ignorable_Code_Point}\u{1100}-\u{11ff}\u{a960}-\u{a97c}\u{d7b0}-\u{d7fb}\u{640}\u{7fa}\u{3031}-\u{3035}\u{303b}]/u;
// Contextual rules of RFC 5892, appendix A.3 to A.9; each pattern matches a violation.
const OUT_OF_CONTEXT = [
  /(?<!l)\u00b7|\u00b7(?!l)/u,
  /\u0375(?!\p{Script=Greek})/u,
  /(?<!\p{Script=Hebrew})[\u05f3\u05f4]/u,
  /[\u0660-\u0669].*[\u06f0-\u06f9]|[\u06f0-\u06f9].*[\u0660-\u0669]/u,
] as const;
const KATAKANA_MIDDLE_DOT = '\u30fb';
const JAPANESE = /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u;

// RFC 9497 gives the OPRF's input two bytes of length.
const MAX_LENGTH = 0xffff;

function refuse(message: string): StrongroomError {
  return new StrongroomError('invalid-password', message);
}

/**
 * The bytes of a password: 1 to 65535 bytes of UTF-8 in NFC.
 *
 * @throws StrongroomError `invalid-password` if it is empty, too long or holds what RFC 8265 disallows
 */
export function preparePassword(typed: string): Bytes {
  if (!typed.isWellFormed()) throw refuse('the password is not well-formed Unicode');
  // Normalized before it is judged: modern Hangul in its decomposed form is made of disallowed jamo.
  const text = typed.replaceAll(/\p{Zs}/gu, ' ').normalize('NFC');
  const outOfContext =
    OUT_OF_CONTEXT.some((rule) => rule.test(text)) ||
    (text.includes(KATAKANA_MIDDLE_DOT) && !JAPANESE.test(text));
  if (!ALLOWED.test(text) || DISALLOWED.test(text) || outOfContext) {
    throw refuse('the password holds a character that cannot be typed alike everywhere');
  }
  const bytes = utf8(text);
  if (bytes.length === 0) throw refuse('the password is empty');
  if (bytes.length > MAX_LENGTH) throw refuse(`the password is longer than ${MAX_LENGTH} bytes`);
  return bytes;
}
