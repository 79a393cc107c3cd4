/**
 * The life of one sealing or opening: it runs to its end once, and after an error every later call throws the same
 * error (spec/conventions.md, "Errors").
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';

/** Guards the steps of one object. */
export class Once {
  readonly #signal: AbortSignal | undefined;
  #state: 'open' | 'running' | 'finished' = 'open';
  #error: unknown;

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /**
   * The same steps, guarded. A step that throws, an abort, or a caller who leaves before the last step ends the
   * object for good.
   *
   * @throws StrongroomError `cancelled`, `closed`, or the first error that the steps threw
   */
  *run<T, R>(steps: Generator<T, R, undefined>, last = false): Generator<T, R, undefined> {
    if (this.#state !== 'open') throw (this.#error ??= this.#whyNot());
    this.#state = 'running';
    try {
      let step = this.#next(steps);
      while (step.done !== true) {
        yield step.value;
        step = this.#next(steps);
      }
      this.#state = last ? 'finished' : 'open';
      return step.value;
    } catch (error) {
      this.#error = error;
      throw error;
    }
  }

  #next<T, R>(steps: Generator<T, R, undefined>): IteratorResult<T, R> {
    if (this.#signal?.aborted === true) throw cancelled('aborted by its signal', this.#signal.reason);
    return steps.next();
  }

  #whyNot(): StrongroomError {
    if (this.#state === 'running') return cancelled('the caller left before the last step');
    return new StrongroomError('closed', 'the object has already been finished');
  }
}

/** The error of a call that was stopped on purpose. */
export function cancelled(message: string, cause?: unknown): StrongroomError {
  return new StrongroomError('cancelled', message, {}, { cause });
}
