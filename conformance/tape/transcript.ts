/**
 * The file of a transcript: one JSON object a line (spec/conformance.md, "Transcripts"). The first says what was run,
 * the last that it came to its end; between them are tapes, each behind the long texts that it has first.
 *
 * @module
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import * as z from 'zod';
import { helloSchema, type Hello, type Outcome } from '../schema/protocol.ts';
import { expectedSchema, type ExpectedFailure } from '../schema/report.ts';
import { LEVELS, ROLES, type Level, type Role, type Value } from '../schema/vector.ts';
import { sha256Of } from './coding.ts';

/** What a run was asked for, and who answered. */
export interface Header {
  readonly format: 'strongroom-transcript/1';
  readonly runner: string;
  readonly vectors: string;
  readonly seed: number;
  /** Random text where the seed alone must not decide random values, empty elsewhere. */
  readonly salt: string;
  readonly level: Level;
  readonly roles: readonly Role[];
  /** Version of the profiles; absent if all cases count. */
  readonly profile?: string;
  readonly claims: readonly Role[];
  readonly loose: boolean;
  readonly expected: readonly ExpectedFailure[];
  readonly hello?: Hello;
  readonly vaultUrl?: string;
}

/** What decides the random values of a run, beside the names of its tapes. */
export function randomnessOf({ seed, salt }: Pick<Header, 'seed' | 'salt'>): string {
  return `${seed} ${salt}`;
}

/** A request to the adapter and its outcome, or something that a case saw; values are encoded. */
export type Event =
  | {
      readonly call: string;
      readonly params: Value;
      readonly outcome: Outcome;
      /** How often an adapter had been started by then. */
      readonly starts: number;
      /** What became of the folders in the parameters. */
      readonly changes: Value[];
      /** Requests to servers of the suite that came meanwhile. */
      readonly heard: Value[];
    }
  | { readonly saw: Value; readonly value: Value };

/** The tape of a case, or of something that cases share. */
export interface Recorded {
  readonly tape: string;
  readonly events: readonly Event[];
}

/** The end of a run: what adapters said after their last answer, by the case that was the last. */
export interface Trailer {
  readonly faults: Readonly<Record<string, string>>;
}

/** A whole transcript. */
export interface Transcript extends Trailer {
  readonly header: Header;
  readonly tapes: ReadonlyMap<string, readonly Event[]>;
  /** The text of this hash. @throws Error if there is none */
  readonly text: (hash: string) => string;
}

const value = z.json();
const outcome: z.ZodType<Outcome> = z.discriminatedUnion('outcome', [
  z.strictObject({ outcome: z.literal('ok'), result: z.record(z.string(), value) }),
  z.strictObject({
    outcome: z.literal('reject'),
    error: z.string(),
    position: z.int().exactOptional(),
    native: z.string().exactOptional(),
  }),
  z.strictObject({ outcome: z.literal('unsupported'), feature: z.string() }),
  z.strictObject({
    outcome: z.enum(['error', 'crash', 'timeout', 'protocol']),
    detail: z.string(),
  }),
]);

const headerSchema: z.ZodType<Header> = z.strictObject({
  format: z.literal('strongroom-transcript/1'),
  runner: z.string(),
  vectors: z.string(),
  seed: z.int(),
  salt: z.string(),
  level: z.enum(LEVELS),
  roles: z.array(z.enum(ROLES)),
  profile: z.string().exactOptional(),
  claims: z.array(z.enum(ROLES)),
  loose: z.boolean(),
  expected: expectedSchema,
  hello: helloSchema.exactOptional(),
  vaultUrl: z.string().exactOptional(),
});

/** A long text; hexadecimal text as the bytes that it stands for. */
type Kept = { readonly sha256: string } & ({ readonly bytes: string } | { readonly text: string });

const lineSchema: z.ZodType<Recorded | Kept | Trailer> = z.union([
  z.strictObject({ sha256: z.string(), bytes: z.string() }),
  z.strictObject({ sha256: z.string(), text: z.string() }),
  z.strictObject({
    tape: z.string(),
    events: z.array(
      z.union([
        z.strictObject({
          call: z.string(),
          params: value,
          outcome,
          starts: z.int(),
          changes: z.array(value),
          heard: z.array(value),
        }),
        z.strictObject({ saw: value, value }),
      ]),
    ),
  }),
  z.strictObject({ faults: z.record(z.string(), z.string()) }),
]);

const HEX = /^(?:[0-9a-f]{2})*$/u;

/** Writes a transcript, line by line as it comes. */
export class TranscriptWriter {
  readonly #file: number;
  readonly #kept = new Set<string>();

  constructor(path: string, header: Header) {
    this.#file = openSync(path, 'w');
    this.#line(header);
  }

  /** Writes a long text, once. */
  keep(sha256: string, text: string): void {
    if (this.#kept.has(sha256)) return;
    this.#kept.add(sha256);
    this.#line(
      HEX.test(text) ? { sha256, bytes: Buffer.from(text, 'hex').toString('base64') } : { sha256, text },
    );
  }

  /** Writes a tape. */
  write(recorded: Recorded): void {
    this.#line(recorded);
  }

  /** Writes the last line. */
  close(trailer: Trailer): void {
    this.#line(trailer);
    closeSync(this.#file);
  }

  #line(line: object): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}

/** Reads a transcript. @throws Error if it is none, or not whole */
export function readTranscript(path: string): Transcript {
  const [first = '', ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
  const header = headerSchema.parse(JSON.parse(first));
  const tapes = new Map<string, readonly Event[]>();
  const texts = new Map<string, Kept>();
  let trailer: Trailer | undefined;
  for (const line of lines) {
    const read = lineSchema.parse(JSON.parse(line));
    if ('sha256' in read) texts.set(read.sha256, read);
    else if ('tape' in read) tapes.set(read.tape, read.events);
    else trailer = read;
  }
  if (trailer === undefined) throw new Error('the transcript has no end: the run was cut off');
  const text = (hash: string): string => {
    const kept = texts.get(hash);
    if (kept === undefined) throw new Error(`the transcript lacks the text ${hash}`);
    const plain = 'text' in kept ? kept.text : Buffer.from(kept.bytes, 'base64').toString('hex');
    if (sha256Of(plain) !== hash) throw new Error(`the transcript has another text as ${hash}`);
    return plain;
  };
  return { header, tapes, text, ...trailer };
}
