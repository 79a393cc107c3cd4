/**
 * Recording of a run.
 *
 * @module
 */
import type { Adapter } from '../runner/adapter.ts';
import type { Outcome } from '../schema/protocol.ts';
import type { Value } from '../schema/vector.ts';
import { changesSince, lookAt, type Budget } from './changes.ts';
import { encode, type Keep, type Names } from './coding.ts';
import { BlankTape, tapeHere, type Heard, type Tape } from './tape.ts';
import type { Event, TranscriptWriter } from './transcript.ts';

/** A value of the same shape that JSON can write. */
function plain(value: object): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}

/** Bytes of files that are recorded of one case. */
const MAX_FILES = 2 ** 22;

/** Parameters that name what an adapter writes. */
const OUTPUTS: readonly string[] = ['sink', 'target', 'storage'];

/** The tapes of one run. */
export class Recorder {
  readonly writer: TranscriptWriter;
  readonly run: string;
  readonly #shared: RecordingTape[] = [];

  /** `run` as for every tape. */
  constructor(writer: TranscriptWriter, run: string) {
    this.writer = writer;
    this.run = run;
  }

  /** The tape of something that cases share; it is written at the end of the run. */
  shared(name: string, folder: string): RecordingTape {
    const tape = new RecordingTape(this, name, folder);
    this.#shared.push(tape);
    return tape;
  }

  /** Writes what is on a tape. */
  write({ name, events }: RecordingTape): void {
    this.writer.write({ tape: name, events });
  }

  /** Ends the transcript; `faults` as in its last line. */
  close(faults: Readonly<Record<string, string>>): void {
    for (const tape of this.#shared) if (tape.events.length > 0) this.write(tape);
    this.writer.close({ faults });
  }
}

/** A tape that records. */
export class RecordingTape implements Tape {
  readonly name: string;
  readonly names: Names & { readonly servers: string[] };
  readonly #recorder: Recorder;
  readonly #blank: BlankTape;
  readonly #events: (Event | undefined)[] = [];
  readonly #budget: Budget = { left: MAX_FILES };
  readonly #keep: Keep;
  #heard: Value[] = [];

  constructor(recorder: Recorder, name: string, folder: string) {
    this.#recorder = recorder;
    this.#keep = (hash, text) => recorder.writer.keep(hash, text);
    this.#blank = new BlankTape(recorder.run, name);
    this.name = name;
    this.names = { folder, servers: [] };
  }

  draw(length: number): Uint8Array<ArrayBuffer> {
    return this.#blank.draw(length);
  }

  observe<T extends Value>(what: Value, look: () => T): T {
    const value = look();
    this.#events.push({ saw: this.#made(what), value: this.#coded(value) });
    return value;
  }

  async observeLater<T extends Value>(what: Value, look: () => Promise<T>): Promise<T> {
    const place = this.#events.push(undefined) - 1;
    const value = await look();
    this.#events[place] = { saw: this.#made(what), value: this.#coded(value) };
    return value;
  }

  serves(origin: string): number {
    return this.names.servers.push(origin) - 1;
  }

  heard(request: Heard): void {
    this.#heard.push(this.#coded(plain(request)));
  }

  within(name: string): RecordingTape {
    return this.#recorder.shared(name, this.names.folder);
  }

  /** A request to the adapter, which `ask` makes. */
  async call(
    op: string,
    params: Record<string, Value>,
    ask: () => Promise<{ outcome: Outcome; starts: number }>,
  ): Promise<Outcome> {
    const place = this.#events.push(undefined) - 1;
    const paths = OUTPUTS.flatMap((name) => {
      const value = params[name];
      return typeof value === 'string' && value.startsWith(`${this.names.folder}/`) ? [value] : [];
    });
    const asked = this.#made(params);
    const before = lookAt(paths);
    const { outcome, starts } = await ask();
    const changes = changesSince(before, paths, this.#budget).map((change) => this.#coded(plain(change)));
    const heard = this.#heard;
    this.#heard = [];
    this.#events[place] = {
      call: op,
      params: asked,
      outcome: this.#coded(plain(outcome)) as Outcome,
      starts,
      changes,
      heard,
    };
    return outcome;
  }

  /** What is on it. */
  get events(): Event[] {
    return this.#events.filter((event) => event !== undefined);
  }

  /** What the suite makes again in a replay. */
  #made(value: Value): Value {
    return encode(value, this.names);
  }

  #coded(value: Value): Value {
    return encode(value, this.names, this.#keep);
  }
}

/** An adapter whose answers are recorded on the tape of whoever asks. */
export class RecordedAdapter implements Adapter {
  readonly #adapter: Adapter;

  constructor(adapter: Adapter) {
    this.#adapter = adapter;
  }

  get starts(): number {
    return this.#adapter.starts;
  }

  async call(op: string, params: Record<string, Value>, timeout?: number): Promise<Outcome> {
    const tape = tapeHere();
    if (!(tape instanceof RecordingTape)) return this.#adapter.call(op, params, timeout);
    return tape.call(op, params, async () => {
      const outcome = await this.#adapter.call(op, params, timeout);
      return { outcome, starts: this.#adapter.starts };
    });
  }

  async close(): Promise<void> {
    return this.#adapter.close();
  }

  kill(): void {
    this.#adapter.kill();
  }
}
