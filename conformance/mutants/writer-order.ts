/**
 * Writers of sets that do things in another order, or stop in another way.
 *
 * @module
 */
import type { Mutant } from './mutant.ts';

const SET_WRITER = 'reference/set/set-writer.ts';
const COMMIT = 'reference/set/commit.ts';
const PRUNE = 'reference/set/prune.ts';

/** Mutants of orders. */
export const writerOrderMutants: readonly Mutant[] = [
  {
    id: 'prune-objects-first',
    mistake: 'removes objects before the manifests that name them',
    file: PRUNE,
    find: 'for (const name of [...damage, ...manifests]) {',
    replace: 'for (const name of [...objects, ...damage, ...manifests]) {',
    requirement: 'PRN-5',
    cases: ['set-writer.prune-order'],
    class: 'state',
  },
  {
    id: 'prune-mark-early',
    mistake: 'takes the mark away before the objects',
    file: PRUNE,
    find: '  for (const name of objects) {\n    await pacer.pace();',
    replace: '  await storage.remove(mark);\n  for (const name of objects) {\n    await pacer.pace();',
    requirement: 'PRN-1',
    cases: ['set-writer.prune-order'],
    class: 'state',
  },
  {
    id: 'no-last-checkpoint',
    mistake: 'writes no checkpoint before the manifest',
    file: SET_WRITER,
    find: '      await this.#settling.flush();\n      await this.#checkpoint();\n',
    replace: '      await this.#settling.flush();\n',
    requirement: 'PRN-7',
    cases: ['set-writer.checkpoint-last'],
    class: 'state',
  },
  {
    id: 'checkpoint-removed-early',
    mistake: 'removes its checkpoints before it commits the manifest',
    file: SET_WRITER,
    find: '      await this.#checkpoint();\n      await requireUndisturbed(',
    replace:
      '      await this.#checkpoint();\n      await this.#settling.remove(this.#checkpoints);\n      await requireUndisturbed(',
    requirement: 'PRN-7',
    cases: ['set-writer.checkpoint-last'],
    class: 'state',
  },
  {
    id: 'new-mark-ignored',
    mistake: 'does not look for marks that came meanwhile',
    file: COMMIT,
    find: 'if (checkpoint !== undefined && isMark(checkpoint))',
    replace: 'if (checkpoint !== undefined && isMark(checkpoint) && before.has(name))',
    requirement: 'PRN-8',
    cases: ['set-writer.mark-appears'],
    class: 'accepted-invalid',
  },
  {
    id: 'cancelled-keeps-nothing',
    mistake: 'writes no checkpoint when it is stopped',
    file: SET_WRITER,
    find: "if (isStrongroomError(error, 'cancelled')) {",
    replace: "if (isStrongroomError(error, 'fork')) {",
    requirement: 'BAK-17',
    cases: ['set-writer.cancelled'],
    class: 'state',
  },
  {
    id: 'cancelled-removes-named',
    mistake: 'removes what its last checkpoint names',
    file: SET_WRITER,
    find: '.filter((name) => !this.#kept.has(name))',
    replace: '.filter((name) => !this.#checkpoints.includes(name))',
    requirement: 'BAK-2',
    cases: ['set-writer.cancelled'],
    class: 'state',
  },
];
