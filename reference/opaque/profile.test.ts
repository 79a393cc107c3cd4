import { describe, expect, it } from 'vitest';
import { nobleEngine } from '../crypto/noble.ts';
import { hex, type Bytes } from '../wire/bytes.ts';
import { credentialIdentifier, opaqueContext } from './profile.ts';
import { openBackupKey, sealBackupKey } from './sealed-key.ts';
import { DEFAULT_STRETCH } from './stretch.ts';

const filled = (length: number, value: number): Bytes => new Uint8Array(length).fill(value);
const ascii = (text: string): string => Buffer.from(text, 'ascii').toString('hex');

describe('the context', () => {
  const context = { suite: 1, oprfKeyId: filled(8, 1), opaqueKeyId: filled(8, 2), stretch: DEFAULT_STRETCH };

  it('is its label and its fields', () => {
    expect(hex(opaqueContext(context))).toBe(
      `${ascii('strongroom/v1/opaque-context')}00` +
        `0101${'01'.repeat(8)}${'02'.repeat(8)}0100000003000100000004`,
    );
  });

  it('changes with every field', () => {
    const variants = [
      context,
      { ...context, suite: 2 },
      { ...context, oprfKeyId: filled(8, 3) },
      { ...context, opaqueKeyId: filled(8, 1) },
      { ...context, stretch: { ...DEFAULT_STRETCH, iterations: 4 } },
      { ...context, stretch: { ...DEFAULT_STRETCH, memoryKib: 65537 } },
      { ...context, stretch: { ...DEFAULT_STRETCH, parallelism: 1 } },
    ];
    expect(new Set(variants.map((variant) => hex(opaqueContext(variant)))).size).toBe(variants.length);
  });
});

describe('the credential identifier', () => {
  const identifier = { oprfKeyId: filled(8, 1), account: filled(3, 2), generation: 5, nonce: filled(32, 4) };

  it('is its label and its fields', () => {
    expect(hex(credentialIdentifier(identifier))).toBe(
      `${ascii('strongroom/v1/credential')}00${'01'.repeat(8)}03020202${'00'.repeat(7)}05${'04'.repeat(32)}`,
    );
  });

  it.each([0, 65])('refuses an account of %i bytes', (length) => {
    expect(() => credentialIdentifier({ ...identifier, account: filled(length, 1) })).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    );
  });
});

describe('a sealed key', () => {
  const exportKey = filled(64, 7);
  const backupKey = filled(32, 8);
  const binding = { fleetId: filled(16, 1), account: filled(5, 2), generation: 3 };
  const sealed = sealBackupKey(exportKey, backupKey, binding);

  it('is 48 bytes, the same on both engines', () => {
    expect(sealed).toHaveLength(48);
    expect(hex(sealBackupKey(exportKey, backupKey, binding, nobleEngine))).toBe(hex(sealed));
    expect(openBackupKey(exportKey, sealed, binding)).toEqual(backupKey);
  });

  // Computed with Python's cryptography from the text of spec/opaque.md.
  it('has the value that the text gives', () => {
    expect(hex(sealed)).toBe(
      'd2ad80df902193612c7b14344a780cdd9596ea83a959512f7d00017f44da4ed6ef794ec1b3a28899aee5187c469ac2f4',
    );
  });

  it.each([
    ['export key', filled(64, 9), sealed, binding],
    ['fleet', exportKey, sealed, { ...binding, fleetId: filled(16, 2) }],
    ['account', exportKey, sealed, { ...binding, account: filled(5, 3) }],
    ['generation', exportKey, sealed, { ...binding, generation: 4 }],
    ['length', exportKey, sealed.subarray(1), binding],
    ['length', exportKey, new Uint8Array(0), binding],
  ])('does not open with another %s', (_what, key, box, bound) => {
    expect(() => openBackupKey(key, box, bound)).toThrow(expect.objectContaining({ code: 'bad-sealed-key' }));
  });

  it('does not open with any byte changed', () => {
    for (let at = 0; at < sealed.length; at++) {
      const bad = sealed.map((byte, i) => (i === at ? byte ^ 0x80 : byte));
      expect(() => openBackupKey(exportKey, bad, binding)).toThrow();
    }
  });

  it('holds 32 bytes and no others', () => {
    expect(() => sealBackupKey(exportKey, filled(31, 1), binding)).toThrow(
      expect.objectContaining({ code: 'invalid-key' }),
    );
  });
});
