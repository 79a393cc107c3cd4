/**
 * Behaviour of writers of sets: the runner opens every object that they leave in its storages.
 *
 * @module
 */
import type { Case } from '../../runner/case.ts';
import { checkpointCases } from './checkpoints.ts';
import { contentCases } from './contents.ts';
import { folderCases } from './folders.ts';
import { interruptedCases } from './interrupted.ts';
import { orderCases } from './orders.ts';
import { rekeyCases } from './rekey.ts';
import { retentionCases } from './retention.ts';
import { reuseCases } from './reuse.ts';
import { startCases } from './start.ts';

/** Every case of the role. */
export const setWriterCases: readonly Case[] = [
  ...contentCases,
  ...folderCases,
  ...startCases,
  ...reuseCases,
  ...checkpointCases,
  ...retentionCases,
  ...rekeyCases,
  ...interruptedCases,
  ...orderCases,
];
