/**
 * What the keys of a descriptor are in each suite (spec/channel.md, "Suites").
 *
 * @module
 */
import { channelSuite } from '../channel/messages.ts';
import { ed25519Verify, isEd25519PublicKey } from '../crypto/ed25519.ts';
import { isP256PublicKey, p256Verify } from '../crypto/p256.ts';

/** How keys of one suite are checked and used. */
export interface KeyRules {
  /** True for a public key that requests can be sealed to. */
  readonly isChannelKey: (publicKey: Uint8Array) => boolean;
  /** True for a public key of receipts. */
  readonly isReceiptKey: (publicKey: Uint8Array) => boolean;
  /** True if the signature of 64 bytes is one of that receipt key over the message. */
  readonly verifyReceipt: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;
}

/** The rules of a suite. @throws StrongroomError `unsupported-suite` */
export function keyRules(suite: number): KeyRules {
  const { isPublicKey: isChannelKey } = channelSuite(suite);
  return suite === 1
    ? { isChannelKey, isReceiptKey: isEd25519PublicKey, verifyReceipt: ed25519Verify }
    : { isChannelKey, isReceiptKey: isP256PublicKey, verifyReceipt: p256Verify };
}
