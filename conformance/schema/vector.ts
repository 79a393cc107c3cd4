/**
 * The format of test vectors (spec/conformance.md, "Vectors"). The JSON Schema in vectors/schema is generated from here.
 *
 * @module
 */
import * as z from 'zod';

/** Who is under test. */
export type Role =
  | 'container-reader'
  | 'container-writer'
  | 'set-reader'
  | 'set-writer'
  | 'chat-reader'
  | 'chat-writer'
  | 'vault-client'
  | 'vault-server';
/** Every role, in the order in which verdicts are printed. */
export const ROLES: readonly Role[] = [
  'container-reader',
  'container-writer',
  'set-reader',
  'set-writer',
  'chat-reader',
  'chat-writer',
  'vault-client',
  'vault-server',
];

/** How long a run may take: `core` is for every day, `full` adds sweeps over every bit and every length. */
export type Level = 'core' | 'full';
/** Every level, each with all that is in the ones before it. */
export const LEVELS: readonly Level[] = ['core', 'full'];

/** One JSON value. Bytes are lower-case hexadecimal text, or {@link Packed}. */
export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };

/** Long bytes in pieces: hexadecimal text, or hexadecimal text repeated. They stand for one hexadecimal text. */
export interface Packed {
  readonly pieces: (string | { repeat: string; count: number })[];
}

/** Length and SHA-256 of bytes that are not worth printing. */
export interface Digest {
  readonly length: number;
  readonly sha256: string;
}

/** Something in a folder that was restored; modes and times are compared where they are named. */
export type Place =
  | {
      readonly kind: 'file';
      readonly length: number;
      readonly sha256: string;
      readonly mode?: number;
      /** Seconds since 1970-01-01T00:00:00Z. */
      readonly modified?: number;
    }
  | { readonly kind: 'directory'; readonly mode?: number; readonly modified?: number }
  | { readonly kind: 'symlink'; readonly target: string };

/** Everything below a folder, by path. */
export type Tree = Readonly<Record<string, Place>>;

/** The one difference between a vector and the accepting vector that it was made from. `field` is an input field, or `storage/NAME`. */
export type Edit =
  /** Bytes of an input field were replaced; an empty side is an insertion or a removal. */
  | {
      readonly kind: 'bytes';
      readonly field: string;
      readonly offset: number;
      readonly removed: string | Packed;
      readonly inserted: string | Packed;
    }
  /** An input field has another value. */
  | { readonly kind: 'value'; readonly field: string; readonly was: Value; readonly now: Value }
  /** The writer put another value in one place before it authenticated the whole, so that no other check can notice. */
  | { readonly kind: 'sealed'; readonly place: string; readonly was: Value; readonly now: Value };

/** What must become of `count` edits of a sweep, one after the other. */
export interface Run {
  readonly count: number;
  /** Code of the error, or `none` if the edited object must open. */
  readonly code: string;
  /** Numbers of bytes of content of which one must have been given out. */
  readonly released: number[];
}

/** What an implementation must answer to one request. */
export type Answerable =
  | {
      readonly outcome: 'ok';
      readonly result: Record<string, Value>;
      readonly released?: Digest;
      /** All that must lie in the target afterwards. */
      readonly tree?: Tree;
    }
  | {
      readonly outcome: 'reject';
      readonly errors: string[];
      /** Position that the error must tell, where the specification asks for one. */
      readonly position?: number;
      readonly released?: Digest[];
      /** All that may lie in the target afterwards. */
      readonly tree?: Tree;
    };

/** What an implementation must answer: once, or to each edit of a sweep. */
export type Expectation = Answerable | { readonly outcome: 'each'; readonly runs: Run[] };

/** One vector: one request, and at most one fault in it. */
export interface Vector {
  /** Permanent and dotted; never used again for something else. */
  readonly id: string;
  readonly title: string;
  /** The mistake of an implementation that this vector finds. */
  readonly why: string;
  readonly role: Role;
  readonly level: Level;
  /** Operation of the adapter protocol. */
  readonly op: string;
  /** Requirements of the specification that this vector tests. */
  readonly requirements: string[];
  readonly input: Record<string, Value>;
  /** For a reject: the accepting vector that it was made from and the single edit; undoing the edit makes it accept. */
  readonly from?: { readonly vector: string; readonly edit: Edit };
  readonly expect: Expectation;
  /** Values on the way, for whoever looks for a mistake; never scored. */
  readonly intermediates?: Record<string, Value>;
}

/** One file of vectors. */
export interface VectorFile {
  readonly format: 'strongroom-vectors/1';
  readonly family: string;
  /** Feature that an adapter announces in `hello` to be given this family. */
  readonly feature: string;
  readonly licence: 'CC0-1.0';
  readonly description: string;
  readonly vectors: Vector[];
}

const hex = z.string().regex(/^(?:[0-9a-f]{2})*$/u);
const value: z.ZodType<Value> = z.json();
const digest: z.ZodType<Digest> = z.strictObject({ length: z.int().nonnegative(), sha256: hex.length(64) });
const packedBytes: z.ZodType<string | Packed> = z.union([
  hex,
  z.strictObject({
    pieces: z.array(z.union([hex, z.strictObject({ repeat: hex, count: z.int().positive() })])).min(1),
  }),
]);
const sentence = z.string().min(5);

const mode = z.int().min(0).max(0o777).exactOptional();
const modified = z.int().exactOptional();
const tree: z.ZodType<Tree> = z.record(
  z.string(),
  z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('file'), length: z.int(), sha256: hex.length(64), mode, modified }),
    z.strictObject({ kind: z.literal('directory'), mode, modified }),
    z.strictObject({ kind: z.literal('symlink'), target: z.string() }),
  ]),
);

const edit: z.ZodType<Edit> = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('bytes'),
    field: z.string(),
    offset: z.int().nonnegative(),
    removed: packedBytes,
    inserted: packedBytes,
  }),
  z.strictObject({ kind: z.literal('value'), field: z.string(), was: value, now: value }),
  z.strictObject({ kind: z.literal('sealed'), place: z.string(), was: value, now: value }),
]);

const expectation: z.ZodType<Expectation> = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('ok'),
    result: z.record(z.string(), value),
    released: digest.exactOptional(),
    tree: tree.exactOptional(),
  }),
  z.strictObject({
    outcome: z.literal('reject'),
    errors: z.array(z.string()).min(1),
    position: z.int().exactOptional(),
    released: z.array(digest).min(1).exactOptional(),
    tree: tree.exactOptional(),
  }),
  z.strictObject({
    outcome: z.literal('each'),
    runs: z
      .array(
        z.strictObject({
          count: z.int().positive(),
          code: z.string().min(1),
          released: z.array(z.int().nonnegative()).min(1),
        }),
      )
      .min(1),
  }),
]);

/** Schema of {@link Vector}. */
export const vectorSchema: z.ZodType<Vector> = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/u),
  title: sentence,
  why: sentence,
  role: z.enum(ROLES),
  level: z.enum(LEVELS),
  op: z.string(),
  requirements: z.array(z.string().regex(/^[A-Z]{3}-[0-9]+$/u)).min(1),
  input: z.record(z.string(), value),
  from: z.strictObject({ vector: z.string(), edit }).exactOptional(),
  expect: expectation,
  intermediates: z.record(z.string(), value).exactOptional(),
});

/** Schema of {@link VectorFile}. */
export const vectorFileSchema: z.ZodType<VectorFile> = z.strictObject({
  format: z.literal('strongroom-vectors/1'),
  family: z.string(),
  feature: z.string(),
  licence: z.literal('CC0-1.0'),
  description: sentence,
  vectors: z.array(vectorSchema).min(1),
});
