/**
 * The catalogue of broken implementations that the suite must catch.
 *
 * @module
 */
import { chatMutants } from './chat.ts';
import { chatWriterMutants } from './chat-writer.ts';
import { clientChangeMutants } from './client-changes.ts';
import { clientMutants } from './client.ts';
import { clientRuleMutants } from './client-rules.ts';
import { containerMutants } from './container.ts';
import { freshnessMutants } from './freshness.ts';
import { groupMutants } from './groups.ts';
import { fileMutants } from './files.ts';
import { objectMutants } from './objects.ts';
import { p256Mutants } from './p256.ts';
import { rangeMutants } from './ranges.ts';
import { newestMutants } from './newest.ts';
import { restoreMutants } from './restore.ts';
import { salvageMutants } from './salvage.ts';
import { setMutants } from './set.ts';
import { vaultMutants } from './vault.ts';
import { vaultChangeMutants } from './vault-changes.ts';
import { vaultRuleMutants } from './vault-rules.ts';
import { wireMutants } from './wire.ts';
import { vaultStepMutants } from './vault-step.ts';
import { writerOrderMutants } from './writer-order.ts';
import { setWriterMutants } from './writer-set.ts';
import type { Mutant } from './mutant.ts';

/** Every mutant. */
export const mutants: readonly Mutant[] = [
  ...containerMutants,
  ...objectMutants,
  ...rangeMutants,
  ...fileMutants,
  ...groupMutants,
  ...setMutants,
  ...freshnessMutants,
  ...newestMutants,
  ...restoreMutants,
  ...salvageMutants,
  ...chatMutants,
  ...chatWriterMutants,
  ...vaultMutants,
  ...vaultChangeMutants,
  ...vaultRuleMutants,
  ...clientMutants,
  ...clientChangeMutants,
  ...clientRuleMutants,
  ...p256Mutants,
  ...wireMutants,
  ...setWriterMutants,
  ...writerOrderMutants,
  ...vaultStepMutants,
];
