/**
 * All cases of the suite.
 *
 * @module
 */
import type { Case } from '../runner/case.ts';
import { vectorCase } from '../runner/vector-case.ts';
import { scenarioCases } from '../scenarios/index.ts';
import type { VectorSet } from '../vectors.ts';
import { chatWriterCases } from './chat-writer/index.ts';
import { fileCases } from './files.ts';
import { freshCases } from './fresh/index.ts';
import { httpRangeCases } from './http-ranges.ts';
import { orderCases } from './order.ts';
import { probeCases } from './probes.ts';
import { setCases } from './sets.ts';
import { setWriterCases } from './set-writer/index.ts';
import { streamingCases } from './streaming.ts';
import { writerCases } from './writer.ts';

/** Every case: the vectors, the behaviour of writers, and the live scenarios. */
export function allCases(set: VectorSet): Case[] {
  const vectors = [...set.vectors.values()].map(({ vector, feature }) => vectorCase(vector, feature));
  return [
    ...vectors,
    ...freshCases(set),
    ...writerCases,
    ...streamingCases,
    ...httpRangeCases,
    ...orderCases,
    ...fileCases(set),
    ...setCases,
    ...setWriterCases,
    ...chatWriterCases,
    ...probeCases,
    ...scenarioCases,
  ];
}
