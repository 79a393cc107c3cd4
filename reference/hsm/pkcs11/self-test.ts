/**
 * Tests a device before it is relied on (spec/hsm.md, "Self-test").
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { p256Key } from '../../crypto/p256-key.ts';
import { p256Verify } from '../../crypto/p256.ts';
import { isStrongroomError, StrongroomError } from '../../errors.ts';
import { equal, hex, utf8, type Bytes } from '../../wire/bytes.ts';
import { HMAC_KEYS, type HmacKey } from '../interface.ts';
import type { TokenKeys } from './keys.ts';
import type { TokenOperations } from './operations.ts';
import { p11, type Token } from './token.ts';

const HMACS = Object.keys(HMAC_KEYS) as HmacKey[];
/** More than there are sessions. */
const AT_ONCE = 16;

function fails(what: string): StrongroomError {
  return new StrongroomError('hsm-mechanism-missing', `self-test: ${what}`);
}

/** @throws StrongroomError `hsm-mechanism-missing` */
export function requireMechanisms(token: Token): void {
  token.requireMechanism('CKM_SHA256_HMAC', p11.CKF_SIGN);
  token.requireMechanism('CKM_SHA512_HMAC', p11.CKF_SIGN);
  token.requireMechanism('CKM_AES_GCM', p11.CKF_ENCRYPT | p11.CKF_DECRYPT);
  token.requireMechanism('CKM_ECDH1_DERIVE', p11.CKF_DERIVE);
  token.requireMechanism('CKM_ECDSA', p11.CKF_SIGN);
}

/** Many at once, for a module that does not bear threads shows it here. */
async function testHmac(operations: TokenOperations): Promise<void> {
  const all = await Promise.all(
    Array.from({ length: AT_ONCE }, () =>
      Promise.all(HMACS.map((key) => operations.hmac(key, utf8('self-test')))),
    ),
  );
  const [first = []] = all;
  if (new Set(first.map((tag) => hex(tag.subarray(0, 32)))).size !== HMACS.length)
    throw fails('two HMAC keys are one');
  if (!all.every((tags) => tags.every((tag, i) => equal(tag, first[i] ?? new Uint8Array(0)))))
    throw fails('HMACs differ from call to call');
}

async function testBox(operations: TokenOperations): Promise<void> {
  const [plaintext, aad] = [utf8('self-test'), utf8('aad')];
  const box = await operations.seal(plaintext, aad);
  if (!equal(await operations.unseal(box, aad), plaintext)) throw fails('AES-GCM opens something else');
  for (const [other, otherAad] of [
    [box, utf8('other')],
    [box.with(box.length - 1, (box.at(-1) ?? 0) ^ 1), aad],
  ] as const) {
    const opened = await operations.unseal(other, otherAad).then(
      () => true,
      (error: unknown) => {
        if (!isStrongroomError(error, 'keys-damaged')) throw error;
        return false;
      },
    );
    if (opened) throw fails('AES-GCM opens what was changed');
  }
}

async function testPairs(keys: TokenKeys, operations: TokenOperations, secret: Bytes): Promise<void> {
  const other = p256Key(secret);
  for (const { handle, publicKey } of keys.pairs.kem) {
    const shared = await operations.agree(handle, other.publicKey);
    if (!equal(shared, other.agree(publicKey))) throw fails('Diffie-Hellman gives something else than x');
  }
  const message = utf8('self-test');
  const digest = Uint8Array.from(createHash('sha256').update(message).digest());
  for (const { handle, publicKey } of keys.pairs.receipt) {
    if (!p256Verify(publicKey, message, await operations.sign(handle, digest)))
      throw fails('an ECDSA signature does not verify');
  }
}

/** Uses every key. @throws StrongroomError `hsm-mechanism-missing`, and what the device says */
export async function selfTest(token: Token, keys: TokenKeys, operations: TokenOperations): Promise<void> {
  const [a, b] = [token.random(32), token.random(32)];
  if (equal(a, b)) throw fails('the generator repeats itself');
  await testHmac(operations);
  await testBox(operations);
  // Any number below n will do for the other half: its first byte is what 31 random ones leave.
  await testPairs(keys, operations, a.with(0, 0));
}
