/**
 * All scenarios: of live vaults, and of clients that meet a hostile one.
 *
 * @module
 */
import type { Case } from '../runner/case.ts';
import { attemptScenarios } from './attempts.ts';
import { clientBehaviours } from './client.ts';
import { clientChanges } from './client-changes.ts';
import { clientLies } from './client-lies.ts';
import { clientP256 } from './client-p256.ts';
import { clientRules } from './client-rules.ts';
import { clientCase } from './client-stage.ts';
import { changeScenarios } from './change.ts';
import { deletionScenarios } from './deletion.ts';
import { durabilityScenarios } from './durability.ts';
import { edgeScenarios } from './edge.ts';
import { headScenarios } from './heads.ts';
import { policyScenarios } from './policy.ts';
import { registrationScenarios } from './registration.ts';
import { replacementScenarios } from './replacement.ts';
import { replayScenarios } from './replays.ts';
import { vaultCase } from './scenario.ts';
import { vaultRules } from './vault-rules.ts';

/** The cases. */
export const scenarioCases: readonly Case[] = [
  ...[
    ...attemptScenarios,
    ...registrationScenarios,
    ...replacementScenarios,
    ...deletionScenarios,
    ...replayScenarios,
    ...changeScenarios,
    ...headScenarios,
    ...policyScenarios,
    ...edgeScenarios,
    ...durabilityScenarios,
    ...vaultRules,
  ].map(vaultCase),
  ...[...clientBehaviours, ...clientLies, ...clientChanges, ...clientRules, ...clientP256].map(clientCase),
];
