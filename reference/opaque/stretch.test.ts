import { describe, expect, it } from 'vitest';
import { hex } from '../wire/bytes.ts';
import { decode, encode } from '../wire/codec.ts';
import {
  argon2idStretch,
  checkStretch,
  DEFAULT_STRETCH,
  DEFAULT_STRETCH_BOUNDS,
  nobleArgon2idStretch,
  StretchParams,
} from './stretch.ts';

const input = new Uint8Array(64).fill(0x5a);

describe('Argon2id', () => {
  it.each([
    { algorithm: 1, iterations: 1, memoryKib: 8, parallelism: 1 },
    { algorithm: 1, iterations: 3, memoryKib: 256, parallelism: 4 },
  ])('is the same on both engines: %o', async (params) => {
    const out = await argon2idStretch(params)(input);
    expect(out).toHaveLength(64);
    expect(hex(await nobleArgon2idStretch(params)(input))).toBe(hex(out));
  });

  it('depends on each parameter', async () => {
    const base = { algorithm: 1, iterations: 1, memoryKib: 64, parallelism: 1 };
    const variants = [
      base,
      { ...base, iterations: 2 },
      { ...base, memoryKib: 128 },
      { ...base, parallelism: 2 },
    ];
    const outs = await Promise.all(variants.map(async (params) => hex(await argon2idStretch(params)(input))));
    expect(new Set(outs).size).toBe(variants.length);
  });

  it('does not hold up the event loop', async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await argon2idStretch({ ...DEFAULT_STRETCH, memoryKib: 16384 })(input);
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(0);
  });

  it('refuses what OpenSSL refuses, as a rejection', async () => {
    const impossible = { algorithm: 1, iterations: 0, memoryKib: 8, parallelism: 1 };
    await expect(argon2idStretch(impossible)(input)).rejects.toThrow();
  });
});

describe('bounds', () => {
  it('let the default through', () => expect(() => checkStretch(DEFAULT_STRETCH)).not.toThrow());

  // proves OPQ-12
  it.each([
    ['algorithm', 0],
    ['algorithm', 2],
    ['iterations', 2],
    ['iterations', 11],
    ['memoryKib', 65535],
    ['memoryKib', 1048577],
    ['parallelism', 0],
    ['parallelism', 17],
  ] as const)('refuse %s = %i', (name, value) => {
    expect(() => checkStretch({ ...DEFAULT_STRETCH, [name]: value })).toThrow(
      expect.objectContaining({ code: 'stretch-out-of-bounds', details: { subject: name } }),
    );
  });

  it('are inclusive', () => {
    const { floor, ceiling } = DEFAULT_STRETCH_BOUNDS;
    for (const params of [floor, ceiling])
      expect(() => checkStretch({ algorithm: 1, ...params })).not.toThrow();
  });
});

describe('the structure', () => {
  it('is eleven bytes', () => {
    const bytes = encode(StretchParams, DEFAULT_STRETCH);
    expect(hex(bytes)).toBe('0100000003000100000004');
    expect(decode(StretchParams, bytes)).toEqual(DEFAULT_STRETCH);
  });
});
