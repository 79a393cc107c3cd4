import { createPublicKey, sign, createPrivateKey, verify } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BackupKey } from '../keys/backup-key.ts';
import { concat, hex, utf8 } from '../wire/bytes.ts';
import { freshness, type Freshness } from './freshness.ts';
import { openHead, signHead, type SetHead } from './head.ts';
import { SIGNED_HEAD_LENGTH } from './head-store.ts';

const key = BackupKey.fromBytes(Uint8Array.from({ length: 32 }, (_, i) => i));
const other = BackupKey.fromBytes(new Uint8Array(32).fill(9));
const head: SetHead = {
  setId: new Uint8Array(16).fill(1),
  generation: 5,
  manifestId: new Uint8Array(32).fill(2),
  created: 1_700_000_000,
  keyEpoch: 2,
};

const anyHead = fc.record({
  setId: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((each) => new Uint8Array(each)),
  generation: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  manifestId: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((each) => new Uint8Array(each)),
  created: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  keyEpoch: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
});

/** The owner's private and public key in OpenSSL, made from the text of keys.md alone. */
function openssl(): {
  secret: ReturnType<typeof createPrivateKey>;
  open: ReturnType<typeof createPublicKey>;
} {
  const pkcs8 = concat(
    Uint8Array.from(Buffer.from('302e020100300506032b657004220420', 'hex')),
    key.derive('owner-key'),
  );
  const secret = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  return { secret, open: createPublicKey(secret) };
}

describe('a head', () => {
  // proves FRS-1
  it('is 132 bytes, and comes back', () => {
    fc.assert(
      fc.property(anyHead, (each) => {
        const signed = signHead(key, each);
        expect(signed.length).toBe(SIGNED_HEAD_LENGTH);
        expect(openHead(key, signed)).toEqual(each);
      }),
      { numRuns: 10 },
    );
  });

  // proves FRS-1, CNV-15
  it('is signed as the text says, by the word of another library', () => {
    const signed = signHead(key, head);
    const message = concat(utf8('strongroom/v1/set-head\0'), signed.subarray(0, 68));
    const { secret, open } = openssl();
    expect(verify(undefined, message, open, signed.subarray(68))).toBe(true);
    expect(hex(signed.subarray(68))).toBe(sign(undefined, message, secret).toString('hex'));
  });

  // proves FRS-2
  it('is refused with any byte changed', () => {
    const signed = signHead(key, head);
    for (let at = 0; at < signed.length; at++) {
      const changed = signed.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => openHead(key, changed), `byte ${at}`).toThrow(
        expect.objectContaining({ code: 'bad-head' }),
      );
    }
  });

  // proves FRS-2
  it.each([
    ['of another key', signHead(other, head)],
    ['without bytes', new Uint8Array()],
    ['that is cut', signHead(key, head).subarray(0, 131)],
    ['that is longer', concat(signHead(key, head), Uint8Array.of(0))],
    ['of generation 0', signHead(key, { ...head, generation: 0 })],
    ['of key epoch 0', signHead(key, { ...head, keyEpoch: 0 })],
    [
      'that was signed without the label',
      concat(
        signHead(key, head).subarray(0, 68),
        sign(undefined, signHead(key, head).subarray(0, 68), openssl().secret),
      ),
    ],
  ])('%s is bad-head', (_what, signed) => {
    expect(() => openHead(key, signed)).toThrow(expect.objectContaining({ code: 'bad-head' }));
  });
});

// proves FRS-7
describe('comparing a manifest with the head', () => {
  const same = { setId: head.setId, generation: 5, manifestId: head.manifestId };
  const id = (byte: number): Uint8Array<ArrayBuffer> => new Uint8Array(32).fill(byte);
  const reaching = [
    { generation: 6, manifestId: id(6) },
    { generation: 5, manifestId: head.manifestId },
    { generation: 4, manifestId: id(4) },
  ];

  it.each<[string, Freshness, object]>([
    ['another set', 'fork', { setId: new Uint8Array(16) }],
    [
      'another set of the same generation and id as an ancestor',
      'fork',
      { setId: id(3).slice(0, 16), ancestors: reaching },
    ],
    ['an older generation', 'stale', { generation: 4 }],
    ['an older generation with the same id', 'stale', { generation: 4, manifestId: head.manifestId }],
    ['the very one', 'fresh', {}],
    ['its generation with another id', 'fork', { manifestId: id(3) }],
    ['one more, that goes back to it', 'ahead', { generation: 6, ancestors: reaching.slice(1) }],
    ['two more, that go back to it', 'ahead', { generation: 7, ancestors: reaching }],
    [
      'one more, that goes back to another',
      'fork',
      { generation: 6, ancestors: [{ generation: 5, manifestId: id(3) }] },
    ],
    ['one more, that goes back to nothing', 'unknown', { generation: 6, ancestors: [] }],
    [
      'one more, that goes back beyond it alone',
      'unknown',
      { generation: 6, ancestors: [{ generation: 4, manifestId: head.manifestId }] },
    ],
    ['one more, with its id itself', 'unknown', { generation: 6, manifestId: head.manifestId }],
  ])('%s: %s', (_what, result, fields) => {
    const manifest = { ...same, ancestors: [], ...fields };
    expect(freshness(head, manifest)).toBe(result);
    expect(freshness(undefined, manifest)).toBe('unknown');
  });
});
