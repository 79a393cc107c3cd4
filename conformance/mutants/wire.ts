/**
 * Broken codecs.
 *
 * @module
 */
import type { Mutant } from './mutant.ts';

const CODEC = 'reference/wire/codec.ts';

/** Mutants of the codec. */
export const wireMutants: readonly Mutant[] = [
  {
    id: 'trailing-bytes',
    mistake: 'ignores bytes after the end of a structure',
    file: CODEC,
    find: 'if (input.left !== 0) throw input.fault',
    replace: 'if (input.left < 0) throw input.fault',
    requirement: 'CNV-6',
    cases: ['wire.body-long', 'wire.request-long'],
    class: 'accepted-invalid',
  },
  {
    id: 'missing-is-zero',
    mistake: 'takes what is missing for zeros',
    file: CODEC,
    find: 'if (length > this.left) throw this.fault(`${what}: ${length} bytes needed, ${this.left} left`);',
    replace:
      'if (length > this.left) { const part = new Uint8Array(length); part.set(this.#bytes.subarray(this.#at)); this.#at = this.#bytes.length; void what; return part; }',
    requirement: 'CNV-5',
    cases: ['wire.body-short', 'wire.request-short'],
    class: 'accepted-invalid',
  },
  {
    id: 'bounds-ignored',
    mistake: 'does not look at the bounds of lengths when decoding',
    file: CODEC,
    find: 'if (length < min || length > max) throw input.fault(`${name}: length ${length} outside ${min}..${max}`);',
    replace: '',
    requirement: 'CNV-7',
    cases: ['wire.account-empty', 'wire.account-long', 'wire.sealed-request-empty'],
    class: 'accepted-invalid',
    also: [
      {
        file: CODEC,
        find: 'if (value.length < min || value.length > max) {',
        replace: 'if (value.length > 65_535) {',
      },
    ],
  },
  {
    id: 'padding-of-structures-ignored',
    mistake: 'ignores the padding of structures of fixed size',
    file: CODEC,
    find: 'if (!isZero(body.take(body.left, name))) throw input.fault(`${name}: padding is not zero`);',
    replace: 'body.take(body.left, name);',
    requirement: 'CNV-12',
    cases: ['wire.request-padding', 'wire.answer-padding'],
    class: 'accepted-invalid',
  },
  {
    id: 'numbers-in-doubles',
    mistake: 'rounds numbers above 2^53',
    file: CODEC,
    find: 'if (!Number.isSafeInteger(value)) throw input.fault(`${name}: above 2^53-1`);',
    replace: 'if (!Number.isSafeInteger(value)) return Number.MAX_SAFE_INTEGER;',
    requirement: 'CNV-10',
    cases: ['wire.uint64-edge', 'wire.uint64-large'],
    class: 'accepted-invalid',
  },
  {
    id: 'unknown-values',
    mistake: 'takes the first value for one that it does not know',
    file: CODEC,
    find: 'if (value === undefined) throw input.fault(`${name}: ${number} is not one of its values`);',
    replace: 'if (value === undefined) return [...byNumber.values()][0] as T;',
    requirement: 'CNV-9',
    cases: ['wire.outcome', 'wire.phase'],
    class: 'accepted-invalid',
  },
  {
    id: 'little-endian',
    mistake: 'reads and writes numbers with the least byte first',
    file: CODEC,
    find: 'value = value * 256 + (this.#bytes[this.#at] ?? 0);',
    replace: 'value = value * 256 + (this.#bytes[2 * end - size - 1 - this.#at] ?? 0);',
    requirement: 'CNV-1',
    cases: ['wire.recover-finish', 'wire.register-finish', 'wire.exchange'],
    class: 'rejected-valid',
  },
  {
    id: 'utf-8-lax',
    mistake: 'replaces what is not UTF-8',
    file: 'reference/wire/bytes.ts',
    find: "new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })",
    replace: "new TextDecoder('utf-8', { ignoreBOM: true })",
    requirement: 'CNV-3',
    cases: ['fleet.operator-not-utf8'],
    class: 'accepted-invalid',
  },
];
