/**
 * Heads at a vault (spec/exchange.md, "Heads"). A vault keeps the bytes of a `SignedSetHead` (spec/freshness.md,
 * "Head") and does not verify its signature: the owner proof is what authorises.
 *
 * @module
 */
import { isZero, type Bytes } from '../wire/bytes.ts';
import { decode, opaque, struct, u32, u64, type Codec } from '../wire/codec.ts';

/** Bytes of a `SignedSetHead`. */
export const SIGNED_SET_HEAD_LENGTH = 132;

const raw = opaque(SIGNED_SET_HEAD_LENGTH, 'head');
const Fields = struct<object>('SignedSetHead', {
  setId: opaque(16, 'set_id'),
  generation: u64,
  manifestId: opaque(32, 'manifest_id'),
  created: u64,
  keyEpoch: u32,
  signature: opaque(64, 'signature'),
});

/** The bytes of a `SignedSetHead` that decodes. */
const head: Codec<Bytes> = {
  name: 'SignedSetHead',
  write(out, bytes) {
    decode(Fields, bytes);
    raw.write(out, bytes);
  },
  read(input) {
    const bytes = raw.read(input);
    decode(Fields, bytes);
    return bytes;
  },
};

/** True for 132 bytes whose generation and key epoch are not 0, as in every head that an owner signs. */
export function isSetHead(bytes: Bytes): boolean {
  const fields = { generation: bytes.subarray(16, 24), keyEpoch: bytes.subarray(64, 68) };
  return bytes.length === SIGNED_SET_HEAD_LENGTH && !isZero(fields.generation) && !isZero(fields.keyEpoch);
}

/** Body of `get-head`: empty. */
export const GetHead: Codec<object> = struct<object>('GetHead', {});

/** Body of `put-head`. */
export interface PutHead {
  /** SHA-256 of the head that is to be replaced, 32 bytes; zero for none. */
  readonly previousHash: Bytes;
  /** A `SignedSetHead`: 132 bytes. */
  readonly head: Bytes;
}

/** `PutHead` on the wire. */
export const PutHead: Codec<PutHead> = struct<PutHead>('PutHead', {
  previousHash: opaque(32, 'previous_hash'),
  head,
});

/** Body of an `ok` answer to `get-head` and to `put-head`. */
export interface KeptHead {
  /** The `SignedSetHead` that is kept, 132 bytes; zero for none. */
  readonly head: Bytes;
}

/** `KeptHead` on the wire. */
export const KeptHead: Codec<KeptHead> = struct<KeptHead>('KeptHead', {
  head,
});
