/**
 * Replay of a transcript: what a case asks for is what the run had, or nothing is.
 *
 * @module
 */
import * as z from 'zod';
import type { Adapter } from '../runner/adapter.ts';
import type { Outcome } from '../schema/protocol.ts';
import type { Value } from '../schema/vector.ts';
import { apply, changeSchema, TooLarge } from './changes.ts';
import { decode, encode, type Names } from './coding.ts';
import { BlankTape, tapeHere, type Heard, type Tape } from './tape.ts';
import type { Event, Transcript } from './transcript.ts';

/** Milliseconds for the answer of a server that may never answer, and bytes of one that never ends. */
const PATIENCE = 250;
const ENOUGH = 2 ** 20;

/** A case asked for what is not in the transcript. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch';
}

const heardSchema: z.ZodType<Heard> = z.strictObject({
  server: z.int(),
  method: z.string(),
  path: z.string(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
});

function sorted(value: Value): Value {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}

function same(a: Value, b: Value): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

/** Sends a request to a server of the suite once more; what it answers was answered before. */
async function tell(origin: string, { method, path, headers, body }: Heard): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE);
  try {
    const response = await fetch(new URL(path, origin), {
      method,
      headers,
      redirect: 'manual',
      signal,
      ...(body !== '' && { body: Buffer.from(body, 'hex') }),
    });
    let length = 0;
    for await (const part of response.body ?? []) {
      length += part.length;
      if (length > ENOUGH) break;
    }
  } catch {
    // Servers that break off, stall or lie are what they are here for.
  }
}

/** A tape that plays what was recorded. */
export class ReplayTape implements Tape {
  readonly names: Names & { readonly servers: string[] };
  /** The first thing that was asked for and is not there. */
  mismatch: string | undefined;
  readonly #transcript: Transcript;
  readonly #blank: BlankTape;
  readonly #events: Event[];

  /** `run` as for every tape. */
  constructor(transcript: Transcript, run: string, name: string, folder: string) {
    this.#transcript = transcript;
    this.#blank = new BlankTape(run, name);
    this.#events = [...(transcript.tapes.get(name) ?? [])];
    this.names = { folder, servers: [] };
    this.within = (shared) => new ReplayTape(transcript, run, shared, folder);
  }

  readonly within: (name: string) => ReplayTape;

  /** What was recorded and nobody asked for. */
  get left(): number {
    return this.#events.length;
  }

  draw(length: number): Uint8Array<ArrayBuffer> {
    return this.#blank.draw(length);
  }

  observe<T extends Value>(what: Value, _look: () => T): T {
    const saw = this.#coded(what);
    const event = this.#take((one) => 'saw' in one && same(one.saw, saw), JSON.stringify(saw));
    return this.#plain('value' in event ? event.value : null) as T;
  }

  async observeLater<T extends Value>(what: Value, _look: () => Promise<T>): Promise<T> {
    return this.observe(what, () => null as T);
  }

  serves(origin: string): number {
    return this.names.servers.push(origin) - 1;
  }

  heard(): void {
    // It came from the transcript.
  }

  /** The outcome of a request; servers of the suite hear again what they heard, and folders change as they did. */
  async call(op: string, params: Record<string, Value>): Promise<{ outcome: Outcome; starts: number }> {
    const asked = this.#coded(params);
    const event = this.#take((one) => 'call' in one && one.call === op && same(one.params, asked), op);
    if (!('call' in event)) throw new Mismatch(op);
    for (const coded of event.heard) {
      const heard = heardSchema.parse(this.#plain(coded));
      const origin = this.names.servers[heard.server];
      if (origin !== undefined) await tell(origin, heard);
    }
    this.#apply(event.changes);
    return { outcome: this.#plain({ ...event.outcome }) as Outcome, starts: event.starts };
  }

  #apply(changes: readonly Value[]): void {
    try {
      apply(changes.map((change) => changeSchema.parse(this.#plain(change))));
    } catch (error) {
      if (error instanceof TooLarge) this.mismatch ??= error.message;
      throw error;
    }
  }

  #take(fits: (event: Event) => boolean, what: string): Event {
    const place = this.#events.findIndex(fits);
    const [event] = place < 0 ? [] : this.#events.splice(place, 1);
    if (event !== undefined) return event;
    this.mismatch ??= `the run was not asked: ${what.slice(0, 200)}`;
    throw new Mismatch(this.mismatch);
  }

  #coded(value: Value): Value {
    return encode(value, this.names);
  }

  #plain(value: Value): Value {
    return decode(value, this.names, this.#transcript.text);
  }
}

/** An adapter that answers what was answered, from the tape of whoever asks. */
export class ReplayedAdapter implements Adapter {
  #starts = 0;

  get starts(): number {
    return this.#starts;
  }

  async call(op: string, params: Record<string, Value>): Promise<Outcome> {
    const tape = tapeHere();
    if (!(tape instanceof ReplayTape)) throw new Mismatch(`${op}, outside of a case`);
    const { outcome, starts } = await tape.call(op, params);
    this.#starts = starts;
    return outcome;
  }

  async close(): Promise<void> {
    // There is no process.
  }

  kill(): void {
    // There is no process.
  }
}
