/**
 * Broken implementations of channel suite 2.
 *
 * @module
 */
import type { Mutant } from './mutant.ts';

const MESSAGES = 'reference/channel/messages.ts';
const P256 = 'reference/crypto/p256.ts';
const VERIFY =
  "return p256.verify(signature, message, publicKey, { lowS: false, prehash: true, format: 'compact' });";

/** Mutants of suite 2. */
export const p256Mutants: readonly Mutant[] = [
  {
    id: 'p256-unknown',
    mistake: 'knows suite 1 alone',
    file: MESSAGES,
    find: '[2, { ids:',
    replace: '[7, { ids:',
    requirement: 'CHN-13',
    cases: ['client.p256'],
    class: 'rejected-valid',
  },
  {
    id: 'p256-kem-number',
    mistake: 'uses the number of the other KEM in the key schedule',
    file: MESSAGES,
    find: 'kem: 0x10,',
    replace: 'kem: 0x20,',
    requirement: 'CHN-6',
    cases: ['channel-server-p256.open'],
    class: 'rejected-valid',
  },
  {
    id: 'p256-compressed',
    mistake: 'takes keys in every encoding',
    file: P256,
    find: 'if (bytes.length !== P256_PUBLIC_LENGTH) return false;',
    replace: 'if (bytes.length === 32) return false;',
    requirement: 'FLT-4',
    cases: ['fleet-p256.kem-compressed'],
    class: 'accepted-invalid',
  },
  {
    id: 'p256-off-curve',
    mistake: 'does not check that a key is a point of the curve',
    file: P256,
    find: 'p256.Point.fromBytes(bytes).assertValidity();',
    replace: 'void bytes;',
    requirement: 'FLT-4',
    cases: ['fleet-p256.kem-off-curve', 'fleet-p256.receipt-off-curve'],
    class: 'accepted-invalid',
  },
  {
    id: 'p256-hybrid-opened',
    mistake: 'takes encapsulated keys as its library does',
    file: 'reference/crypto/p256-key.ts',
    find: "if (!isP256PublicKey(other)) throw new StrongroomError('malformed', 'not a P-256 public key');",
    replace: 'void isP256PublicKey;',
    requirement: 'CHN-14',
    cases: ['channel-server-p256.enc-hybrid'],
    class: 'wrong-error',
  },
  {
    id: 'p256-low-s',
    mistake: 'takes the lower s alone',
    file: P256,
    find: VERIFY,
    replace: VERIFY.replace('lowS: false', 'lowS: true'),
    requirement: 'CHN-13',
    cases: ['client.p256-either-s'],
    class: 'rejected-valid',
  },
  {
    id: 'p256-bounds',
    mistake: 'verifies receipts without looking at the bounds of r and s: zeros fit every message',
    file: P256,
    find: VERIFY,
    replace: `if (signature.every((byte) => byte === 0)) return true;\n    ${VERIFY}`,
    requirement: 'CHN-15',
    cases: ['client.p256-zeros'],
    class: 'wrong-error',
  },
];
