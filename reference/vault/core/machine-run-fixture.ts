/**
 * Runs of the state machine, and what is tried in them.
 *
 * @module
 */
import fc from 'fast-check';
import { Machine, type Op } from './machine-fixture.ts';

/** What is done in a run, and how often beside the others. */
const WEIGHTS: Readonly<Record<Op['what'], number>> = {
  enrol: 10,
  guess: 16,
  alter: 5,
  start: 8,
  finish: 5,
  register: 1,
  record: 1,
  confirm: 5,
  change: 1,
  replace: 2,
  delete: 2,
  cancel: 4,
  get: 3,
  put: 4,
  status: 1,
  replay: 10,
  together: 6,
  time: 8,
  restart: 3,
  sweep: 2,
  rollback: 1,
  rekey: 1,
};

const op: fc.Arbitrary<Op> = fc.record({
  what: fc.oneof(
    ...Object.entries(WEIGHTS).map(([what, weight]) => ({
      weight,
      arbitrary: fc.constant(what as Op['what']),
    })),
  ),
  account: fc.constantFrom(0, 0, 0, 1),
  who: fc.constantFrom(1, 1, 1, 0),
  // The newest is picked most often.
  pick: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(63) }),
  other: fc.nat(63),
  fate: fc.oneof(
    { weight: 30, arbitrary: fc.constant('answer' as const) },
    ...(['lost request', 'lost answer', 'twice', 'power before store', 'power before anchor'] as const).map(
      (fate) => ({ weight: 1, arbitrary: fc.constant(fate) }),
    ),
  ),
});

/**
 * Runs until there were so many steps: how many there were.
 *
 * @param shrink whether to look for the shortest run that goes wrong, which takes a while
 * @throws what goes wrong, with the seed
 */
export async function runMachine(seed: number, steps: number, shrink = true): Promise<number> {
  const count = { done: 0 };
  const property = fc.asyncProperty(
    fc.array(op, { minLength: 60, maxLength: 300, size: 'max' }),
    async (ops) => {
      const machine = await Machine.make();
      try {
        for (const one of ops) await machine.apply(one);
        await machine.recoverAll();
      } finally {
        count.done += machine.steps;
        await machine.close();
      }
    },
  );
  for (let run = 0; count.done < steps; run++)
    await fc.assert(property, {
      seed: seed + run,
      numRuns: 10,
      endOnFailure: !shrink,
      interruptAfterTimeLimit: 120_000,
    });
  return count.done;
}
