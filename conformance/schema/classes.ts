/**
 * The list of classes of malformed input and misuse, and of what covers each (vectors/classes.json).
 *
 * @module
 */
import * as z from 'zod';

/** One class. An id can end in `*` for all ids that begin so. */
export interface MalformedClass {
  readonly number: number;
  readonly group: string;
  readonly title: string;
  /** Vectors that are about this class. */
  readonly vectors?: string[];
  /** Vectors that stand for many inputs: sweeps, and lists of numbers. */
  readonly generated?: string[];
  /** Cases that ask an implementation more than once. */
  readonly scenarios?: string[];
  /** Tests of the reference, where nothing outside of it can ask. */
  readonly tests?: { readonly file: string; readonly name: string }[];
  readonly note?: string;
}

/** The file of all classes. */
export interface ClassFile {
  readonly format: 'strongroom-classes/1';
  readonly licence: 'CC0-1.0';
  readonly description: string;
  readonly classes: MalformedClass[];
}

const ids = z.array(z.string().regex(/^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:[a-z0-9-]+\*?|\*)$/u)).min(1);

/** Schema of {@link ClassFile}. */
export const classFileSchema: z.ZodType<ClassFile> = z.strictObject({
  format: z.literal('strongroom-classes/1'),
  licence: z.literal('CC0-1.0'),
  description: z.string(),
  classes: z.array(
    z.strictObject({
      number: z.int().positive(),
      group: z.string(),
      title: z.string().min(5),
      vectors: ids.exactOptional(),
      generated: ids.exactOptional(),
      scenarios: ids.exactOptional(),
      tests: z
        .array(z.strictObject({ file: z.string(), name: z.string() }))
        .min(1)
        .exactOptional(),
      note: z.string().exactOptional(),
    }),
  ),
});
