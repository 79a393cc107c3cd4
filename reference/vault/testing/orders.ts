/**
 * Every order in which requests of one account can come: for the races of spec/attempts.md.
 *
 * @module
 */
import { Answer, type Statement } from '../../exchange/answer.ts';
import type { Policy } from '../../fleet/descriptor.ts';
import { sodiumSuite } from '../../opaque/index.ts';
import type { Bytes } from '../../wire/bytes.ts';
import { decode } from '../../wire/codec.ts';
import type { Effect, Step } from '../core/effects.ts';
import { handle, type Handled } from '../core/handle.ts';
import type { TestAccount } from './account.ts';
import { CoreVault } from './core-vault.ts';
import type { MemoryDriver, Paused } from './memory-driver.ts';

const suite = await sodiumSuite();
const requestHash = new Uint8Array(32);

/** Only these can tell one order from another; everything else is the request's own. */
const touches = ({ kind }: Effect): boolean => kind === 'load' || kind === 'commit';

/** A vault in memory, its account `alice`, and requests that have not been handled yet. */
export class World extends CoreVault {
  readonly alice: TestAccount;

  constructor(policy: Partial<Policy> = {}) {
    super(suite, policy);
    this.alice = this.account('alice');
  }

  /** A request before its first effect. */
  handle(plaintext: Bytes): Step<Handled> {
    return handle(this.fleet, { caller: { kind: 'anyone' }, requestHash, plaintext });
  }

  /** Charges of the live generation. */
  get charged(): number {
    return this.driver.record(this.leaf())?.active.charged ?? 0;
  }
}

/** The order of turns that was taken, and how many could have been at each. */
interface Run {
  readonly choices: number[];
  readonly widths: number[];
}

/** Runs computations turn by turn, one second each; `choices` says whose turn it is, 0 beyond its end. */
function interleave(
  driver: MemoryDriver,
  steps: readonly Step<Handled>[],
  choices: readonly number[],
): [Run, Statement[]] {
  const turn = (paused: Paused<Handled>): Paused<Handled> => {
    driver.now++;
    return driver.advance(paused, touches);
  };
  const paused = steps.map((step) => turn({ step, turn: step.next() }));
  const taken: Run = { choices: [], widths: [] };
  for (;;) {
    const ready = paused.flatMap(({ turn }, i) => (turn.done === true ? [] : [i]));
    if (ready.length === 0) break;
    const choice = choices[taken.choices.length] ?? 0;
    taken.choices.push(choice);
    taken.widths.push(ready.length);
    const next = ready[choice];
    const chosen = next === undefined ? undefined : paused[next];
    if (next === undefined || chosen === undefined) throw new Error('no such turn');
    paused[next] = turn(chosen);
  }
  const answers = paused.flatMap(({ turn }) =>
    turn.done === true ? [decode(Answer, turn.value.answer).statement] : [],
  );
  return [taken, answers];
}

/** Every order of turns of what `prepare` makes; each from the same records. */
export function everyOrder(
  world: World,
  prepare: () => Step<Handled>[],
  check: (answers: Statement[]) => void,
): number {
  const before = new Map(world.driver.records);
  const start = world.driver.now;
  let choices: number[] | undefined = [];
  let count = 0;
  while (choices !== undefined) {
    world.driver.records = new Map(before);
    world.driver.now = start;
    const [{ choices: taken, widths }, answers] = interleave(world.driver, prepare(), choices);
    check(answers);
    count++;
    let last = taken.length - 1;
    while (last >= 0 && (taken[last] ?? 0) + 1 >= (widths[last] ?? 0)) last--;
    choices = last < 0 ? undefined : [...taken.slice(0, last), (taken[last] ?? 0) + 1];
  }
  return count;
}
