/**
 * Key stretching (spec/opaque.md, "Key stretching"): what makes a guess dear to one who has broken the vault. It runs
 * on the client alone.
 *
 * @module
 */
import { argon2 } from 'node:crypto';
import { argon2idAsync } from '@noble/hashes/argon2.js';
import { StrongroomError } from '../errors.ts';
import { copy, type Bytes } from '../wire/bytes.ts';
import { struct, u16, u32, u8, type Codec } from '../wire/codec.ts';

/** Parameters of a registration; they travel with KE2 and are part of the OPAQUE context. */
export interface StretchParams {
  /** 1 = Argon2id version 0x13. */
  readonly algorithm: number;
  readonly iterations: number;
  readonly memoryKib: number;
  readonly parallelism: number;
}

/** Structure Stretch: 11 bytes. */
export const StretchParams: Codec<StretchParams> = struct<StretchParams>('Stretch', {
  algorithm: u8,
  iterations: u32,
  memoryKib: u32,
  parallelism: u16,
});

/** Number of Argon2id version 0x13 in the registry of stretching algorithms. */
export const ARGON2ID = 1;

/** RFC 9106's second choice: three passes over 64 MiB in four lanes. */
export const DEFAULT_STRETCH: StretchParams = {
  algorithm: ARGON2ID,
  iterations: 3,
  memoryKib: 65536,
  parallelism: 4,
};

/** The least and the most that a client does. */
export interface StretchBounds {
  readonly floor: Omit<StretchParams, 'algorithm'>;
  readonly ceiling: Omit<StretchParams, 'algorithm'>;
}

/** Below the floor guessing is cheap; above the ceiling a vault could stall the device. */
export const DEFAULT_STRETCH_BOUNDS: StretchBounds = {
  floor: { iterations: 3, memoryKib: 65536, parallelism: 1 },
  ceiling: { iterations: 10, memoryKib: 1048576, parallelism: 16 },
};

/** Checks parameters before any work is done with them. @throws StrongroomError `stretch-out-of-bounds` */
export function checkStretch(params: StretchParams, bounds: StretchBounds = DEFAULT_STRETCH_BOUNDS): void {
  if (params.algorithm !== ARGON2ID) throw outOfBounds('algorithm', `${params.algorithm} is not known`);
  for (const name of ['iterations', 'memoryKib', 'parallelism'] as const) {
    const [value, least, most] = [params[name], bounds.floor[name], bounds.ceiling[name]];
    if (!(value >= least && value <= most)) throw outOfBounds(name, `${value} is outside ${least}..${most}`);
  }
}

function outOfBounds(subject: string, message: string): StrongroomError {
  return new StrongroomError('stretch-out-of-bounds', `${subject} ${message}`, { subject });
}

/** Stretch of RFC 9807, section 2.3: from the OPRF's output to as many bytes. */
export type Stretch = (input: Bytes) => Promise<Bytes>;

/** No stretching: for the vectors of RFC 9807. */
export const identityStretch: Stretch = (input) => Promise.resolve(copy(input));

const SALT_LENGTH = 16;

/** Argon2id v0x13 of OpenSSL, off the main thread; salt of 16 zero bytes, as many bytes out as in. */
export function argon2idStretch(params: StretchParams): Stretch {
  const { memoryKib: memory, iterations: passes, parallelism } = params;
  return (message) =>
    new Promise((resolve, reject) => {
      const nonce = new Uint8Array(SALT_LENGTH);
      argon2(
        'argon2id',
        { message, nonce, parallelism, tagLength: message.length, memory, passes },
        (error, tag) => (error === null ? resolve(copy(tag)) : reject(error)),
      );
    });
}

/** The same on noble-hashes: portable, four times as slow. */
export function nobleArgon2idStretch(params: StretchParams): Stretch {
  const { memoryKib: m, iterations: t, parallelism: p } = params;
  return async (message) =>
    copy(await argon2idAsync(message, new Uint8Array(SALT_LENGTH), { m, t, p, dkLen: message.length }));
}
