import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nobleEngine } from '../crypto/noble.ts';
import { nodeEngine } from '../crypto/node.ts';
import { isStrongroomError, type ErrorCode } from '../errors.ts';
import { BackupKey } from '../keys/backup-key.ts';
import { ObjectKey } from '../keys/object-key.ts';
import { concat, hex, utf8 } from '../wire/bytes.ts';
import { attempt, content, fixed, flip, key, takeApart } from './fixture.ts';
import { chunkCipher } from './chunk.ts';
import { encodeHeader, encodePrefix, type Extension, type HeaderFields } from './header.ts';
import { inspect, open, Opener } from './reader.ts';
import { streamKey } from './stream-key.ts';
import { encodeTrailer } from './trailer.ts';
import { seal, Sealer, sealerWith, sealWith, type SealOptions } from './writer.ts';

const C = 2 ** 14;
const small: SealOptions = { key, type: 'records', chunkLog2: 14 };
const make = (length: number, options: Partial<SealOptions> = {}, salt = 0xff): Uint8Array =>
  sealWith(fixed(salt), content(length), { ...small, ...options });
const throwing = (code: ErrorCode): unknown => expect.objectContaining({ code });

describe('round trip', () => {
  const lengths = [0, 1, C - 17, C - 16, C - 15, C - 1, C, C + 1, 2 * C - 17, 2 * C - 16, 2 * C, 2 * C + 1];
  it.each(lengths)('of %i bytes', (length) => {
    for (const padding of ['none', 'padme'] as const) {
      const object = make(length, { padding });
      const opened = open(object, { key });
      expect(opened.content).toEqual(content(length));
      expect(opened).toMatchObject({ contentLength: length, padding, objectLength: object.length });
      expect((object.length - opened.header.length) % (C + 16)).toBeGreaterThanOrEqual(32);
    }
  });

  it.each([14, 16, 18, 20] as const)('with chunks of 2^%i bytes', (chunkLog2) => {
    const opened = open(make(2 ** chunkLog2 + 5, { chunkLog2 }), { key });
    expect(opened.content).toEqual(content(2 ** chunkLog2 + 5));
    expect(opened.header.chunkLog2).toBe(chunkLog2);
  });

  it('of zeros, which may look like padding', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(C), fc.nat(2 * C)), { maxLength: 3 }), (runs) => {
        const data = concat(...runs.flatMap(([some, zeros]) => [content(some), new Uint8Array(zeros)]));
        expect(attempt(seal(data, small), {}, 5000)).toEqual({ code: undefined, released: data });
      }),
      { numRuns: 30 },
    );
  });

  it('is the same object on both engines, however the content is cut', () => {
    const data = content(2 * C + 5);
    const whole = make(2 * C + 5);
    expect(make(2 * C + 5, { engine: nobleEngine })).toEqual(whole);
    for (const step of [1, 1000, C, C + 1]) {
      const sealer = sealerWith(fixed(0xff), small);
      const pieces = [sealer.header];
      for (let at = 0; at < data.length; at += step)
        pieces.push(...sealer.update(data.subarray(at, at + step)));
      expect(concat(...pieces, ...sealer.final())).toEqual(whole);
    }
    expect(open(whole, { key, engine: nobleEngine }).content).toEqual(data);
  });

  it('announces its length', () => {
    for (const length of lengths) {
      const object = make(length);
      expect(sealerWith(fixed(0xff), small).objectLength(length)).toBe(object.length);
    }
  });

  // proves WRT-1
  it('refuses content of more than 2^40 bytes before it touches any', () => {
    const endless = { length: 2 ** 40 + 1 } as Uint8Array;
    const sealer = new Sealer(small);
    expect(() => sealer.update(endless)).toThrow(throwing('limit-exceeded'));
    expect(() => sealer.final()).toThrow(throwing('limit-exceeded'));
    expect(() => new Sealer(small).objectLength(2 ** 40 + 1)).toThrow(throwing('limit-exceeded'));
  });

  it('a source of randomness that fails leaves no object', () => {
    const failed = new Error('no entropy');
    for (const failing of ['salt', 'grease']) {
      const random = (name: string, length: number): Uint8Array<ArrayBuffer> => {
        if (name === failing) throw failed;
        return fixed(0xff)(name, length);
      };
      expect(() => sealerWith(random, small), failing).toThrow(failed);
      expect(() => sealWith(random, content(C), small), failing).toThrow(failed);
    }
  });

  it('is never the same object twice', () => {
    const [a, b] = [seal(utf8('a'), small), seal(utf8('a'), small)];
    expect(hex(inspect(a).salt)).not.toBe(hex(inspect(b).salt));
    expect(hex(inspect(a).commitment)).not.toBe(hex(inspect(b).commitment));
  });
});

describe('how the input is cut makes no difference', () => {
  const whole = make(C + 100);
  it.each([
    ['to a whole object', whole, {}],
    ['to a cut object', whole.subarray(0, C), {}],
    ['to a damaged chunk', flip(whole, (128 + C + 40) * 8), {}],
    ['to a damaged header', flip(whole, 20 * 8), {}],
    ['to the wrong key', whole, { key: BackupKey.generate() }],
    ['to an object with a tail', concat(whole, whole), { objectLength: whole.length }],
  ] as const)('%s', (_name, input, options) => {
    const once = attempt(input, options);
    for (const step of [1, 17, C + 16]) expect(attempt(input, options, step)).toEqual(once);
  });
});

describe('damage', () => {
  const object = make(2 * C + 50, { extensions: [{ type: 0x7f01, value: utf8('abc') }] });
  const headerLength = inspect(object).length;
  const checkAt = headerLength - 8;

  // proves CNV-19
  it('every bit of the header has its error, and nothing comes out', () => {
    const expected = (bit: number): readonly (ErrorCode | undefined)[] => {
      const byte = bit >> 3;
      if (byte < 8) return ['not-an-object'];
      if (byte === 8) return ['unsupported-version'];
      if (byte === 9) return ['unsupported-suite'];
      if (byte === 10) return ['unsupported-chunk-size', 'header-damaged'];
      if (byte === 11) return ['unsupported-type', 'header-damaged'];
      if (byte < 14) return ['bad-extension', 'header-damaged'];
      if (byte < 16) return ['reserved-not-zero'];
      return ['header-damaged'];
    };
    for (let bit = 0; bit < headerLength * 8; bit++) {
      const { code, released } = attempt(flip(object, bit));
      expect([bit, expected(bit), released.length]).toEqual([bit, expect.arrayContaining([code]), 0]);
    }
  });

  // proves HDR-8
  it('an opener shows no header whose commitment is not verified', () => {
    const forged = object.slice();
    forged[20] = (forged[20] ?? 0) ^ 1;
    const header = encodeHeader(forged.slice(0, checkAt - 32), forged.slice(checkAt - 32, checkAt));
    const refused = new Opener({ key });
    expect(() => refused.update(concat(header, object.subarray(headerLength)))).toThrow(
      expect.objectContaining({ code: 'wrong-key' }),
    );
    expect(refused.header).toBeUndefined();
    const opener = new Opener({ key });
    opener.update(object.subarray(0, headerLength - 1));
    expect(opener.header).toBeUndefined();
    opener.update(object.subarray(headerLength - 1));
    expect(opener.header).toMatchObject({ type: 'records' });
  });

  it('a header that was changed and given a new check is a wrong key, bit by bit', () => {
    for (let bit = 16 * 8; bit < checkAt * 8; bit++) {
      const changed = flip(object, bit);
      const header = encodeHeader(changed.slice(0, checkAt - 32), changed.slice(checkAt - 32, checkAt));
      const { code, released } = attempt(concat(header, object.subarray(headerLength)));
      const inExtension = bit >> 3 >= 48 && bit >> 3 < 52;
      const allowed = inExtension
        ? ['wrong-key', 'bad-extension', 'unknown-critical-extension']
        : ['wrong-key'];
      expect([bit, allowed, released.length]).toEqual([bit, expect.arrayContaining([code]), 0]);
    }
  });

  it('every byte of the chunks is guarded, and only the chunks before the damage come out', () => {
    const bits = new Set<number>();
    for (let i = headerLength * 8; i < object.length * 8; i += 1009) bits.add(i);
    for (let i = (object.length - 100) * 8; i < object.length * 8; i++) bits.add(i);
    for (const bit of bits) {
      const chunk = Math.floor(((bit >> 3) - headerLength) / (C + 16));
      const { code, released } = attempt(flip(object, bit));
      expect([bit, code, released.length]).toEqual([bit, 'chunk-damaged', chunk * C]);
    }
  });

  it('every truncation is found, and named if that can be known', () => {
    const lengths = new Set<number>();
    for (let i = 0; i < headerLength + 200; i++) lengths.add(i);
    for (let i = headerLength; i < object.length; i += 97) lengths.add(i);
    for (let n = 1; n < 3; n++) for (let i = -40; i < 40; i++) lengths.add(headerLength + n * (C + 16) + i);
    for (const length of lengths) {
      const body = length - headerLength;
      const cut = object.subarray(0, length);
      const rest = body % (C + 16);
      const { code, released } = attempt(cut);
      expect([length, code]).toEqual([length, body < 0 || rest < 32 ? 'truncated' : 'chunk-damaged']);
      expect(released.length).toBe(Math.max(0, Math.floor(body / (C + 16))) * C);
      expect(attempt(cut, { objectLength: object.length }).code).toBe('truncated');
    }
  });

  it('every tail is found, and named if the length is known', () => {
    for (const tail of [1, 12, 16, 20, C - 200, C, C + 16, 2 * C + 32, object.length]) {
      const longer = concat(object, tail === object.length ? object : new Uint8Array(tail));
      expect(attempt(longer).code).toBe('chunk-damaged');
      expect(attempt(longer, { objectLength: object.length })).toMatchObject({ code: 'trailing-data' });
    }
    expect(attempt(object, { objectLength: object.length }).code).toBeUndefined();
  });

  it('what lies behind the known length is not looked at, wherever that is', () => {
    const damaged = flip(object, 8 * (headerLength - 1));
    for (const objectLength of [0, 7, 8, 16, 40, headerLength - 1, headerLength, headerLength + C + 16]) {
      for (const step of [1000, object.length]) {
        expect(attempt(object, { objectLength }, step).code).toBe('trailing-data');
      }
      const code = objectLength < headerLength ? 'trailing-data' : 'header-damaged';
      expect(attempt(damaged, { objectLength }).code).toBe(code);
    }
    expect(attempt(flip(object, 0), { objectLength: 1 }).code).toBe('not-an-object');
    expect(attempt(object.subarray(0, 20), { objectLength: 20 }).code).toBe('truncated');
  });
});

describe('rearrangement', () => {
  const { header, chunks } = takeApart(make(3 * C + 50));
  const other = takeApart(make(3 * C + 50, {}, 0xfe));
  const [a, b, c, last] = chunks as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const foreign = other.chunks as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];

  it.each<[string, Uint8Array[], ErrorCode, number]>([
    ['two chunks swapped', [a, c, b, last], 'chunk-damaged', 1],
    ['a chunk twice', [a, a, b, c, last], 'chunk-damaged', 1],
    ['a chunk over another', [a, b, b, last], 'chunk-damaged', 2],
    ['a chunk missing', [a, c, last], 'chunk-damaged', 1],
    ['the first chunk missing', [b, c, last], 'chunk-damaged', 0],
    ['the last chunk early', [a, b, last], 'chunk-damaged', 2],
    ['the last chunk twice', [a, b, c, last, last], 'chunk-damaged', 3],
    ['the last chunk missing', [a, b, c], 'truncated', 3],
    ['all chunks missing', [], 'truncated', 0],
    ['a chunk of another object', [a, foreign[1], c, last], 'chunk-damaged', 1],
    ['the last chunk of another object', [a, b, c, foreign[3]], 'chunk-damaged', 3],
    ['a hole of zeros', [a, new Uint8Array(C + 16), c, last], 'chunk-damaged', 1],
    ['a tag of zeros', [a, concat(b.subarray(0, C), new Uint8Array(16)), c, last], 'chunk-damaged', 1],
  ])('%s', (_name, order, code, before) => {
    expect(attempt(concat(header, ...order))).toEqual({ code, released: content(before * C) });
  });

  it('the header of another object', () => {
    expect(attempt(concat(other.header, ...chunks))).toMatchObject({
      code: 'chunk-damaged',
      released: new Uint8Array(),
    });
    expect(attempt(concat(header, header, ...chunks)).code).toBe('chunk-damaged');
  });
});

describe('key and context', () => {
  const context = utf8('account\0one');
  const bound = make(C + 1, { context });
  it.each([
    ['another key', { key: BackupKey.generate(), context }],
    ['no context', {}],
    ['a shorter context', { context: context.subarray(1) }],
    ['a context with a zero more', { context: concat(context, Uint8Array.of(0)) }],
  ])('%s is a wrong key and releases nothing', (_name, options) => {
    expect(attempt(bound, options)).toEqual({ code: 'wrong-key', released: new Uint8Array() });
  });

  it('the right ones open', () => {
    expect(open(bound, { key, context }).contentLength).toBe(C + 1);
  });

  // proves KEY-12
  it('the object key alone opens what the backup key opens, and nothing else', () => {
    expect(open(bound, { key: key.objectKey(), context })).toEqual(open(bound, { key, context }));
    const other = BackupKey.generate().objectKey();
    expect(attempt(bound, { key: other, context }).code).toBe('wrong-key');
    // The bytes of a backup key are no object key.
    expect(attempt(bound, { key: ObjectKey.fromBytes(key.bytes()), context }).code).toBe('wrong-key');
    other.wipe();
    expect(() => new Opener({ key: other })).toThrow(throwing('invalid-key'));
  });

  it('the key schedule is the one of the specification', () => {
    const hmac = (secret: Uint8Array, ...parts: (string | Uint8Array)[]): Uint8Array => {
      const mac = createHmac('sha256', secret);
      for (const part of parts) mac.update(part);
      return mac.digest();
    };
    const objectKey = hmac(key.bytes(), 'strongroom/v1/object\0\x01');
    const { prefix, commitment } = inspect(bound);
    const length = Uint8Array.of(0, context.length);
    const first = hmac(objectKey, 'strongroom/v1/stream\0', prefix, length, context, '\0\x01');
    expect(hex(commitment)).toBe(hex(first));
  });

  it('a context has at most 65535 bytes', () => {
    const longest = new Uint8Array(65_535);
    expect(open(make(1, { context: longest }), { key, context: longest }).contentLength).toBe(1);
    expect(() => make(1, { context: new Uint8Array(65_536) })).toThrow(throwing('limit-exceeded'));
  });

  it('arguments are judged before the object, the key first', () => {
    const wiped = BackupKey.generate();
    wiped.wipe();
    const context = new Uint8Array(65_536);
    const extensions = [{ type: 1, value: new Uint8Array() }];
    expect(() => open(utf8('no object'), { key: wiped, context })).toThrow(throwing('invalid-key'));
    expect(() => open(utf8('no object'), { key, context })).toThrow(throwing('limit-exceeded'));
    expect(() => make(1, { key: wiped, context, extensions })).toThrow(throwing('invalid-key'));
    expect(() => make(1, { context, extensions })).toThrow(throwing('limit-exceeded'));
  });

  it('a commitment that is right but for its last byte is a wrong key', () => {
    const object = make(1);
    const { prefix, commitment, length } = inspect(object);
    const header = encodeHeader(prefix, flip(commitment, 255));
    expect(attempt(concat(header, object.subarray(length))).code).toBe('wrong-key');
  });
});

/** An object with a valid commitment and tags around any header and any plaintext: what a faulty writer makes. */
function faulty(plaintext: Uint8Array, fields: Partial<HeaderFields> = {}): Uint8Array {
  const header: HeaderFields = { chunkLog2: 14, type: 'blob', extensions: [], salt: content(32), ...fields };
  const prefix = encodePrefix(header);
  const derived = streamKey(key.derive('object'), prefix, new Uint8Array());
  const cipher = chunkCipher({ ...derived, chunkLog2: header.chunkLog2 });
  const parts: Uint8Array[] = [encodeHeader(prefix, derived.commitment)];
  for (let i = 0; i * C <= plaintext.length; i++)
    parts.push(...cipher.seal(i, plaintext.subarray(i * C, (i + 1) * C)));
  return concat(...parts);
}

describe('faulty writers', () => {
  const trailer = (contentLength: number, padding: 'none' | 'padme' = 'none'): Uint8Array =>
    encodeTrailer({ contentLength, padding });
  const one = content(1);
  const zeros = (length: number): Uint8Array => new Uint8Array(length);
  const raw = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

  it('the way these objects are made is sound', () => {
    expect(attempt(faulty(concat(one, trailer(1)))).code).toBeUndefined();
    expect(attempt(faulty(concat(one, zeros(1), trailer(1, 'padme')))).code).toBeUndefined();
    expect(attempt(faulty(concat(content(C - 16), zeros(16), trailer(C - 16)))).code).toBeUndefined();
  });

  it.each<[string, ErrorCode, Uint8Array]>([
    ['an unknown pad scheme', 'bad-trailer', concat(one, raw('0000000000000001 02 00000000000000'))],
    ['reserved bytes set', 'bad-trailer', concat(one, raw('0000000000000001 00 00000000000001'))],
    ['content longer than the plaintext', 'bad-trailer', concat(one, trailer(2))],
    ['a content length of 2^40 + 1', 'bad-trailer', concat(one, trailer(2 ** 40 + 1))],
    ['a content length of 2^53', 'bad-trailer', concat(one, raw('0020000000000000 00 00000000000000'))],
    ['a content length of 2^64 - 1', 'bad-trailer', concat(one, raw('ffffffffffffffff 00 00000000000000'))],
    ['padding where none is due', 'bad-padding', concat(one, zeros(1), trailer(1))],
    ['too little padding', 'bad-padding', concat(one, trailer(1, 'padme'))],
    ['too much padding', 'bad-padding', concat(one, zeros(3), trailer(1, 'padme'))],
    ['a byte of padding that is not zero', 'bad-padding', concat(one, one, trailer(1, 'padme'))],
    ['one byte of much padding', 'bad-padding', concat(one, zeros(2 * C), trailer(1, 'padme'))],
    [
      'the first byte of padding, in an earlier chunk',
      'bad-padding',
      concat(content(C - 9), zeros(9), trailer(C - 10)),
    ],
    ['the last byte of padding', 'bad-padding', concat(content(C - 16), zeros(15), one, trailer(C - 16))],
  ])('%s', (_name, code, plaintext) => {
    const chunks = Math.floor(plaintext.length / C);
    const { released, ...outcome } = attempt(faulty(plaintext));
    expect(outcome).toEqual({ code });
    expect(released.length).toBeLessThanOrEqual(chunks * C);
    if (chunks === 0) expect(released).toHaveLength(0);
  });

  it('a final chunk that is too short for a trailer is a cut', () => {
    expect(attempt(faulty(content(15))).code).toBe('truncated');
    expect(attempt(faulty(content(C))).code).toBe('truncated');
  });
});

describe('extensions', () => {
  const withExtensions = (...extensions: Extension[]): Uint8Array =>
    faulty(concat(content(1), encodeTrailer({ contentLength: 1, padding: 'none' })), { extensions });

  it('that are unknown are skipped, but guarded and shown', () => {
    const extensions = [
      { type: 0, value: new Uint8Array() },
      { type: 0x7fff, value: content(4088) },
    ];
    const object = withExtensions(...extensions);
    expect(attempt(object).code).toBeUndefined();
    expect(inspect(object).extensions).toEqual(extensions);
  });

  it('that are critical and unknown are refused', () => {
    for (const type of [0x8000, 0xffff]) {
      expect(attempt(withExtensions({ type, value: content(3) })).code).toBe('unknown-critical-extension');
    }
  });

  it.each<[string, Uint8Array]>([
    ['that repeat', Uint8Array.of(0, 1, 0, 0, 0, 1, 0, 0)],
    ['out of order', Uint8Array.of(0, 2, 0, 0, 0, 1, 0, 0)],
    ['out of order and critical', Uint8Array.of(0x80, 2, 0, 0, 0, 1, 0, 0)],
    ['that run past the area', Uint8Array.of(0, 1, 0, 1)],
    ['with one stray byte', Uint8Array.of(0, 1, 0, 0, 0)],
    ['with three stray bytes', Uint8Array.of(0, 1, 0, 0, 0, 0, 0)],
  ])('%s are malformed', (_name, area) => {
    const prefix = encodePrefix({ chunkLog2: 14, type: 'blob', extensions: [], salt: content(32) });
    prefix[13] = area.length;
    const changed = concat(prefix, area);
    const { commitment } = streamKey(key.derive('object'), changed, new Uint8Array());
    expect(attempt(encodeHeader(changed, commitment)).code).toBe('bad-extension');
  });

  it('of more than 4096 bytes are neither written nor awaited', () => {
    const value = content(4093);
    expect(() => withExtensions({ type: 1, value })).toThrow(throwing('bad-extension'));
    const header = make(1).slice(0, 16);
    header.set([0x10, 0x01], 12);
    expect(attempt(header).code).toBe('bad-extension');
  });

  it('of private use can be written, in order; no others', () => {
    const two = [0x7f00, 0x7fff].map((type) => ({ type, value: utf8('x') }));
    expect(inspect(make(1, { extensions: two })).extensions).toEqual(two);
    expect(() => make(1, { extensions: two.toReversed() })).toThrow(throwing('bad-extension'));
    for (const length of [4093, 65_536]) {
      const value = new Uint8Array(length);
      expect(() => make(1, { extensions: [{ type: 0x7f00, value }] })).toThrow(throwing('bad-extension'));
    }
    for (const type of [1, 0x7eff, 0x8000, 0xff00]) {
      expect(() => make(1, { extensions: [{ type, value: utf8('x') }] })).toThrow(throwing('bad-extension'));
    }
  });

  it('of GREASE come in all eight types, about once in four objects', () => {
    const seen = new Map<number, number>();
    for (let i = 0; i < 2000; i++) {
      const { type } = inspect(new Sealer(small).header).extensions[0] ?? { type: -1 };
      seen.set(type, (seen.get(type) ?? 0) + 1);
    }
    const types = Array.from({ length: 8 }, (_, i) => i * 0x1010 + 0x0a0a);
    expect([...seen.keys()].sort((a, b) => a - b)).toEqual([-1, ...types]);
    expect(2000 - (seen.get(-1) ?? 0)).toBeGreaterThan(350);
    expect(2000 - (seen.get(-1) ?? 0)).toBeLessThan(650);
  });

  it('of GREASE open like any object', () => {
    const random = (name: string, length: number): Uint8Array<ArrayBuffer> =>
      name === 'grease' ? Uint8Array.from({ length }, (_, i) => [63, 255, 255][i] ?? i) : content(length);
    const object = sealWith(random, content(5), {
      ...small,
      extensions: [{ type: 0x7f00, value: utf8('x') }],
    });
    expect(inspect(object).extensions.map(({ type, value }) => [type, value.length])).toEqual([
      [0x7a7a, 15],
      [0x7f00, 1],
    ]);
    expect(open(object, { key }).content).toEqual(content(5));
  });

  it('of GREASE are left out where there is no room, and drawn all the same', () => {
    const drawn: string[] = [];
    const random = (name: string, length: number): Uint8Array<ArrayBuffer> => {
      drawn.push(name);
      return new Uint8Array(length).fill(7); // GREASE of 4 + 7 bytes
    };
    for (const [length, types] of [
      [4096 - 4 - 11, [0x7a7a, 0x7f00]],
      [4096 - 4 - 10, [0x7f00]],
      [4096 - 4, [0x7f00]],
    ] as const) {
      const extensions = [{ type: 0x7f00, value: content(length) }];
      const object = sealWith(random, content(5), { ...small, extensions });
      expect(inspect(object).extensions.map(({ type }) => type)).toEqual(types);
      expect(open(object, { key }).content).toEqual(content(5));
      expect(drawn.splice(0)).toEqual(['salt', 'grease']);
    }
  });
});

describe('things that are no objects', () => {
  it.each<[string, Uint8Array, ErrorCode]>([
    ['nothing', new Uint8Array(), 'truncated'],
    ['the beginning of the magic', make(0).subarray(0, 5), 'truncated'],
    ['line ends converted', Uint8Array.from([...make(0)].filter((byte) => byte !== 0x0d)), 'not-an-object'],
    ['the high bit stripped', make(0).map((byte) => byte & 0x7f), 'not-an-object'],
    ['hexadecimal text of an object', utf8(hex(make(0))), 'not-an-object'],
    ['a byte order mark in front', concat(Uint8Array.of(0xef, 0xbb, 0xbf), make(0)), 'not-an-object'],
    ['a PNG', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10), 'not-an-object'],
    ['JSON', utf8('{}'), 'not-an-object'],
  ])('%s', (_name, input, code) => {
    expect(attempt(input)).toEqual({ code, released: new Uint8Array() });
    expect(() => inspect(input)).toThrow(throwing(code));
  });
});

describe('keep failing', () => {
  function failure(run: () => unknown): unknown {
    try {
      run();
    } catch (error) {
      return error;
    }
    throw new Error('no error');
  }

  it('a reader throws its first error for ever', () => {
    const opener = new Opener({ key });
    const whole = make(C + 1);
    const first = failure(() => opener.update(flip(whole, 300 * 8)));
    expect(isStrongroomError(first, 'chunk-damaged')).toBe(true);
    expect(failure(() => opener.update(whole))).toBe(first);
    expect(failure(() => opener.update(new Uint8Array()))).toBe(first);
    expect(failure(() => opener.final())).toBe(first);
  });

  it('both are closed after their end', () => {
    const [sealer, opener] = [new Sealer(small), new Opener({ key })];
    opener.update(concat(sealer.header, ...sealer.final()));
    opener.final();
    for (const call of [
      () => sealer.update(content(1)),
      () => sealer.final(),
      () => opener.update(content(1)),
      () => opener.final(),
    ]) {
      expect(failure(call)).toMatchObject({ code: 'closed' });
    }
  });

  it('a caller who leaves in the middle has ended the object', () => {
    const sealer = new Sealer(small);
    for (const piece of sealer.feed(content(3 * C))) if (piece.length > 0) break;
    expect(failure(() => sealer.update(content(1)))).toMatchObject({ code: 'cancelled' });
    const opener = new Opener({ key });
    for (const piece of opener.feed(make(3 * C))) if (piece.length > 0) break;
    expect(failure(() => opener.final())).toMatchObject({ code: 'cancelled' });
  });

  // proves CNV-23, WRT-2
  it('an abort stops before the next chunk, for good', () => {
    const controller = new AbortController();
    const sealer = new Sealer({ ...small, signal: controller.signal });
    let pieces = 0;
    const first = failure(() => {
      for (const _piece of sealer.feed(content(9 * C)))
        if (++pieces === 4) controller.abort(new Error('enough'));
    });
    expect(pieces).toBe(4);
    expect(first).toMatchObject({ code: 'cancelled', cause: new Error('enough') });
    expect(failure(() => sealer.final())).toBe(first);
    expect(() => open(make(1), { key, signal: AbortSignal.abort() })).toThrow(throwing('cancelled'));
  });
});

it('whoever receives a piece may give its memory away', () => {
  const zeros = new Uint8Array(2 * C);
  const data = concat(content(C), zeros, content(C + 5), zeros, content(9));
  const taken: Uint8Array[] = [];
  const take = (piece: Uint8Array<ArrayBuffer>): void => {
    taken.push(piece.slice());
    piece.buffer.transfer(0);
  };
  for (const engine of [nodeEngine, nobleEngine]) {
    const sealer = new Sealer({ ...small, engine });
    taken.splice(0, Infinity, sealer.header);
    for (const piece of sealer.feed(data)) take(piece);
    for (const piece of sealer.finish()) take(piece);
    const opener = new Opener({ key, engine });
    const object = concat(...taken.splice(0));
    for (const piece of opener.feed(object)) take(piece);
    for (const piece of opener.finish()) take(piece);
    expect(concat(...taken)).toEqual(data);
  }
});

it('what was released is neither held nor changed later', () => {
  const opener = new Opener({ key });
  const object = make(3 * C);
  const input = new Uint8Array(object);
  const pieces = [];
  for (let at = 0; at < input.length; at += 1000)
    pieces.push(...opener.update(input.subarray(at, at + 1000)));
  input.fill(0);
  pieces.push(...opener.final().rest);
  expect(concat(...pieces)).toEqual(content(3 * C));
});
