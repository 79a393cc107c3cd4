/**
 * What cases see of an implementation: something that answers requests, whether it runs or was recorded.
 *
 * @module
 */
import type { Outcome } from '../schema/protocol.ts';
import type { Value } from '../schema/vector.ts';

/** An adapter. */
export interface Adapter {
  /** How often a process was started. */
  readonly starts: number;
  /** One request and its outcome; `timeout` in milliseconds. */
  call(op: string, params: Record<string, Value>, timeout?: number): Promise<Outcome>;
  /** Closes its input, and ends the process if that is not enough; the next call starts another. */
  close(): Promise<void>;
  /** Ends the process at once; a request that waits is lost with it. */
  kill(): void;
}

/** An adapter that remembers its last outcome. */
export class Witness implements Adapter {
  readonly #adapter: Adapter;
  /** The last outcome; whoever wants to know of what clears it before. */
  last: Outcome | undefined;

  constructor(adapter: Adapter) {
    this.#adapter = adapter;
  }

  get starts(): number {
    return this.#adapter.starts;
  }

  async call(op: string, params: Record<string, Value>, timeout?: number): Promise<Outcome> {
    this.last = await this.#adapter.call(op, params, timeout);
    return this.last;
  }

  async close(): Promise<void> {
    return this.#adapter.close();
  }

  kill(): void {
    this.#adapter.kill();
  }
}
