/**
 * JSON Schemas of every JSON format of the suite, generated from the zod schemas beside this file.
 *
 * @module
 */
import * as z from 'zod';
import { classFileSchema } from './classes.ts';
import { implementationSchema, matrixSchema } from './matrix.ts';
import { answerSchema, helloSchema, requestSchema } from './protocol.ts';
import { expectedSchema, reportSchema } from './report.ts';
import { vectorFileSchema } from './vector.ts';

const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  vectors: vectorFileSchema,
  classes: classFileSchema,
  'adapter-request': requestSchema,
  'adapter-answer': answerSchema,
  'adapter-hello': helloSchema,
  report: reportSchema,
  'expected-failures': expectedSchema,
  implementation: implementationSchema,
  matrix: matrixSchema,
};

/** File name (in vectors/schema) to text of each JSON Schema (draft 2020-12). */
export function jsonSchemas(): Map<string, string> {
  return new Map(
    Object.entries(SCHEMAS).map(([name, schema]) => [
      `${name}.schema.json`,
      `${JSON.stringify({ title: `Strongroom ${name}`, ...z.toJSONSchema(schema) }, undefined, 2)}\n`,
    ]),
  );
}
