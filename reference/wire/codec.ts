/**
 * The codec of every binary structure: TLS presentation language (RFC 8446, section 3), big-endian, strict, total
 * and canonical (spec/conventions.md, "Structures"). A value has exactly one encoding; every other byte string is
 * refused with `malformed`.
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import { equal, fromUtf8, isZero, utf8, type Bytes } from './bytes.ts';

/** Encoder and decoder of one structure. */
export interface Codec<T> {
  /** Name in the specification, for messages. */
  readonly name: string;
  /** Appends the encoding of `value`. @throws StrongroomError `malformed` if the value is outside the structure */
  write(out: Output, value: T): void;
  /** Takes one value off the input. @throws StrongroomError `malformed` */
  read(input: Input): T;
}

/** Bytes that are being encoded, in one buffer: a manifest has a million small fields. */
export class Output {
  #bytes = new Uint8Array(256);
  #length = 0;

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  /** Appends bytes as they are. */
  push(part: Uint8Array): void {
    const at = this.#grow(part.length);
    this.#bytes.set(part, at);
  }

  /** Appends a number of `size` bytes. @throws StrongroomError `malformed` if it has no place in them */
  uint(name: string, size: number, value: number): void {
    this.setUint(this.#grow(size), name, size, value);
  }

  /** Writes a number over bytes that are there. */
  setUint(at: number, name: string, size: number, value: number): void {
    if (!Number.isSafeInteger(value) || value < 0 || value >= 2 ** (8 * size)) {
      throw refuse(name, `${value} is outside 0..2^${8 * size}-1`);
    }
    for (let i = at + size - 1, rest = value; i >= at; i--, rest = Math.floor(rest / 256)) {
      this.#bytes[i] = rest % 256;
    }
  }

  /** A copy of all of them. */
  take(): Bytes {
    return this.#bytes.slice(0, this.#length);
  }

  /** Makes room; where it begins. */
  #grow(length: number): number {
    const at = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const longer = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      longer.set(this.#bytes);
      this.#bytes = longer;
    }
    return at;
  }
}

/** A cursor over bytes that are being decoded. */
export class Input {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes read so far. */
  get offset(): number {
    return this.#at;
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** The next `length` bytes, as a view. @throws StrongroomError `malformed` if there are fewer */
  take(length: number, what: string): Uint8Array {
    if (length > this.left) throw this.fault(`${what}: ${length} bytes needed, ${this.left} left`);
    return this.#bytes.subarray(this.#at, (this.#at += length));
  }

  /** The next `size` bytes as a number, not exact above 2^53. @throws StrongroomError `malformed` if there are fewer */
  uint(size: number, what: string): number {
    if (size > this.left) throw this.fault(`${what}: ${size} bytes needed, ${this.left} left`);
    let value = 0;
    for (const end = this.#at + size; this.#at < end; this.#at++) {
      value = value * 256 + (this.#bytes[this.#at] ?? 0);
    }
    return value;
  }

  /** A `malformed` error at this place. */
  fault(message: string): StrongroomError {
    return new StrongroomError('malformed', message, { offset: this.#at });
  }
}

function refuse(name: string, message: string): StrongroomError {
  return new StrongroomError('malformed', `${name}: ${message}`, { subject: name });
}

/** The one encoding of `value`. @throws StrongroomError `malformed` */
export function encode<T>(codec: Codec<T>, value: T): Bytes {
  const out = new Output();
  codec.write(out, value);
  return out.take();
}

/** The value of a whole byte string: nothing may be left over. @throws StrongroomError `malformed` */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const input = new Input(bytes);
  const value = codec.read(input);
  if (input.left !== 0) throw input.fault(`${codec.name}: ${input.left} bytes after its end`);
  return value;
}

function readUint(input: Input, name: string, size: number): number {
  const value = input.uint(size, name);
  if (!Number.isSafeInteger(value)) throw input.fault(`${name}: above 2^53-1`);
  return value;
}

function uint(name: string, size: number): Codec<number> {
  return {
    name,
    write: (out, value) => out.uint(name, size, value),
    read: (input) => readUint(input, name, size),
  };
}

/** `uint8`, `uint16`, `uint24`, `uint32`. */
export const u8: Codec<number> = uint('uint8', 1);
export const u16: Codec<number> = uint('uint16', 2);
export const u24: Codec<number> = uint('uint24', 3);
export const u32: Codec<number> = uint('uint32', 4);
/** `uint64` restricted to 0..2^53-1: every u64 of Strongroom is (spec/conventions.md). */
export const u64: Codec<number> = uint('uint64', 8);

/** `opaque name[length]`: exactly that many bytes. Decoded values are copies. */
export function opaque(length: number, name = `opaque[${length}]`): Codec<Bytes> {
  return {
    name,
    write(out, value) {
      if (value.length !== length) throw refuse(name, `${value.length} bytes instead of ${length}`);
      out.push(value);
    },
    read: (input) => new Uint8Array(input.take(length, name)),
  };
}

function prefixSize(max: number): number {
  let size = 1;
  while (max >= 256 ** size) size++;
  return size;
}

/** `opaque name<min..max>`: a length prefix of as many bytes as `max` needs, then the bytes. */
export function bytes(min: number, max: number, name = `opaque<${min}..${max}>`): Codec<Bytes> {
  const prefix = prefixSize(max);
  return {
    name,
    write(out, value) {
      if (value.length < min || value.length > max) {
        throw refuse(name, `${value.length} bytes outside ${min}..${max}`);
      }
      out.uint(name, prefix, value.length);
      out.push(value);
    },
    read(input) {
      const length = readUint(input, name, prefix);
      if (length < min || length > max) throw input.fault(`${name}: length ${length} outside ${min}..${max}`);
      return new Uint8Array(input.take(length, name));
    },
  };
}

/** Strict UTF-8 text of `min`..`max` bytes, length-prefixed like {@link bytes}. */
export function text(min: number, max: number, name = `utf8<${min}..${max}>`): Codec<string> {
  const inner = bytes(min, max, name);
  return {
    name,
    write: (out, value) => inner.write(out, utf8(value)),
    read: (input) => fromUtf8(inner.read(input)),
  };
}

/** `T name<min..max>`: items up to a byte length, which is the prefix. The bounds count bytes, as in RFC 8446. */
export function vector<T>(
  item: Codec<T>,
  min: number,
  max: number,
  name = `${item.name}<${min}..${max}>`,
): Codec<T[]> {
  const inner = bytes(min, max, name);
  const prefix = prefixSize(max);
  return {
    name,
    write(out, values) {
      const at = out.length;
      out.uint(name, prefix, 0);
      for (const value of values) item.write(out, value);
      const length = out.length - at - prefix;
      if (length < min || length > max) throw refuse(name, `${length} bytes outside ${min}..${max}`);
      out.setUint(at, name, prefix, length);
    },
    read(input) {
      const body = new Input(inner.read(input));
      const values: T[] = [];
      while (body.left > 0) values.push(item.read(body));
      return values;
    },
  };
}

/** `T name[count]`: exactly `count` items, no prefix. */
export function array<T>(item: Codec<T>, count: number, name = `${item.name}[${count}]`): Codec<T[]> {
  return {
    name,
    write(out, values) {
      if (values.length !== count) throw refuse(name, `${values.length} items instead of ${count}`);
      for (const value of values) item.write(out, value);
    },
    read: (input) => Array.from({ length: count }, () => item.read(input)),
  };
}

/** `struct { ... } name`: fields in the order in which they are listed. */
export function struct<T extends object>(
  name: string,
  fields: { readonly [K in keyof T]-?: Codec<T[K]> },
): Codec<T> {
  const keys = Object.keys(fields) as (keyof T & string)[];
  return {
    name,
    write(out, value) {
      for (const key of keys) fields[key].write(out, value[key]);
    },
    read(input) {
      const value: Partial<T> = {};
      for (const key of keys) value[key] = fields[key].read(input);
      return value as T;
    },
  };
}

/** `enum { a(1), b(2) } name`: only the listed numbers are valid. */
export function enumeration<T extends string>(
  name: string,
  size: number,
  values: Readonly<Record<T, number>>,
): Codec<T> {
  const byNumber = new Map(Object.entries(values).map(([key, number]) => [number as number, key as T]));
  return {
    name,
    write(out, value) {
      if (!Object.hasOwn(values, value)) throw refuse(name, `${value} is not one of its values`);
      out.uint(name, size, values[value]);
    },
    read(input) {
      const number = readUint(input, name, size);
      const value = byNumber.get(number);
      if (value === undefined) throw input.fault(`${name}: ${number} is not one of its values`);
      return value;
    },
  };
}

/** A single value that is always there: reserved bytes and labels. */
export function constant(expected: Uint8Array, name: string): Codec<undefined> {
  return {
    name,
    write: (out) => out.push(expected),
    read(input) {
      if (!equal(input.take(expected.length, name), expected))
        throw input.fault(`${name}: not as it must be`);
      return undefined;
    },
  };
}

/** `optional<T>`: one byte 0 (absent) or 1 (present, the value follows). */
export function optional<T>(item: Codec<T>, name = `optional<${item.name}>`): Codec<T | undefined> {
  return {
    name,
    write(out, value) {
      out.uint(name, 1, value === undefined ? 0 : 1);
      if (value !== undefined) item.write(out, value);
    },
    read(input) {
      const flag = readUint(input, name, 1);
      if (flag > 1) throw input.fault(`${name}: presence ${flag} is neither 0 nor 1`);
      return flag === 1 ? item.read(input) : undefined;
    },
  };
}

/**
 * `select (kind)`: a tag, then the body that the tag names. A value is `{ kind, ...body }`.
 */
export function select<T extends { readonly kind: string }>(
  name: string,
  size: number,
  cases: { readonly [K in T['kind']]: readonly [number, Codec<Omit<Extract<T, { kind: K }>, 'kind'>>] },
): Codec<T> {
  type Row = readonly [number, Codec<object>];
  const rows = Object.entries(cases) as unknown as [T['kind'], Row][];
  const byNumber = new Map(rows.map(([kind, [number, body]]) => [number, { kind, body }]));
  const byKind = new Map(rows);
  return {
    name,
    write(out, value) {
      const row = byKind.get(value.kind);
      if (row === undefined) throw refuse(name, `${value.kind} is not one of its cases`);
      out.uint(name, size, row[0]);
      row[1].write(out, value);
    },
    read(input) {
      const number = readUint(input, name, size);
      const row = byNumber.get(number);
      if (row === undefined) throw input.fault(`${name}: ${number} is not one of its cases`);
      return { kind: row.kind, ...row.body.read(input) } as unknown as T;
    },
  };
}

/**
 * `inner` followed by zeros up to exactly `size` bytes: fixed-size requests, answers and records.
 * Non-zero padding is refused, so that there is one encoding.
 */
export function padded<T>(inner: Codec<T>, size: number, name = `${inner.name} in ${size} bytes`): Codec<T> {
  return {
    name,
    write(out, value) {
      const body = encode(inner, value);
      if (body.length > size) throw refuse(name, `${body.length} bytes do not fit`);
      const whole = new Uint8Array(size);
      whole.set(body);
      out.push(whole);
    },
    read(input) {
      const body = new Input(input.take(size, name));
      const value = inner.read(body);
      if (!isZero(body.take(body.left, name))) throw input.fault(`${name}: padding is not zero`);
      return value;
    },
  };
}
