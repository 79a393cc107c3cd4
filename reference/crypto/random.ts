/**
 * The seam of randomness (spec/conventions.md, "Randomness"). Every draw has the name that the specification gives
 * the value, so that vectors can inject it by name. Production entry points take no source: only the separate
 * export `strongroom/testing` can build with another one.
 *
 * @module
 */
import { randomFillSync } from 'node:crypto';
import type { Bytes } from '../wire/bytes.ts';

/** A source of fresh values: `name` is the specification's name of the value, `length` its size in bytes. */
export type RandomSource = (name: string, length: number) => Bytes;

/** The operating system's generator. */
export const systemRandom: RandomSource = (_name, length) => randomFillSync(new Uint8Array(length));
