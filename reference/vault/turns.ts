/**
 * One request of an account after the other (spec/exchange.md, "Processing"). The commit of the core is conditional and
 * right without it; but of many that decide on one record all but one would decide in vain, again and again.
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import type { Limit } from '../service/limits.ts';
import { hex, type Bytes } from '../wire/bytes.ts';
import { run, type Handlers, type Step } from './core/effects.ts';

/** Most requests of one account that are under way at once: one at work, the others waiting for their turn. */
export const MAX_TURNS = 16;

interface Line {
  length: number;
  last: Promise<void>;
}

/** The lines in which requests wait, one for each leaf that is asked for. */
export class Turns {
  readonly #lines = new Map<string, Line>();
  readonly #limit: Limit | undefined;

  constructor(limit?: Limit) {
    this.#limit = limit;
  }

  /**
   * Runs a computation; from its first load on it is the only one of that leaf.
   *
   * @throws StrongroomError `overloaded` if the line of its leaf is full, or the leaf is asked for too often; nothing
   * was read then
   */
  async run<T>(step: Step<T>, handlers: Handlers): Promise<T> {
    let leave: (() => void) | undefined;
    const load: Handlers['load'] = async (effect) => {
      leave ??= await this.#enter(effect.leaf);
      return handlers.load(effect);
    };
    try {
      return await run(step, { ...handlers, load });
    } finally {
      leave?.();
    }
  }

  /** Waits for its turn; gives back what ends it. */
  async #enter(leaf: Bytes): Promise<() => void> {
    const name = hex(leaf);
    this.#limit?.take(name);
    const line = this.#lines.get(name) ?? { length: 0, last: Promise.resolve() };
    if (line.length === MAX_TURNS) {
      throw new StrongroomError('overloaded', 'too many requests of one account at once');
    }
    this.#lines.set(name, line);
    line.length++;
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = line.last;
    line.last = promise;
    await before;
    return () => {
      resolve();
      if (--line.length === 0) this.#lines.delete(name);
    };
  }
}
