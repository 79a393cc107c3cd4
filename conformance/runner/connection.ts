/**
 * The runner's side of the adapter protocol: one long-lived process, one JSON object a line each way.
 *
 * @module
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import * as z from 'zod';
import { packageRoot } from '../assets.ts';
import { helloSchema, type Hello, type Outcome } from '../schema/protocol.ts';
import type { Value } from '../schema/vector.ts';
import type { Adapter } from './adapter.ts';
import { Lines, readAnswer } from './lines.ts';

/** From the sources, adapters of the reference start in half the time if Node keeps what it has compiled. */
const COMPILE_CACHE: Readonly<Record<string, string>> = import.meta.url.endsWith('.ts')
  ? { NODE_COMPILE_CACHE: join(packageRoot(), '.strongroom', 'compile-cache') }
  : {};

/** The adapter could not be started, or did not greet. */
export class StartError extends Error {
  override readonly name = 'StartError';
  /** What came in the place of a greeting; absent if it was none that the schema knows. */
  readonly outcome: Outcome | undefined;

  constructor(message: string, outcome?: Outcome) {
    super(message);
    this.outcome = outcome;
  }
}

/** Splits a command line at spaces; single and double quotes keep words together. No shell is involved. */
export function splitCommand(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/gu)].map((m) => m[1] ?? m[2] ?? m[3] ?? '');
}

interface Waiting {
  readonly id: string;
  readonly settle: (outcome: Outcome) => void;
}

/** One adapter. After a crash, a timeout or a broken line the process is ended, and the next call starts another. */
export class Connection implements Adapter {
  readonly #command: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;
  readonly #folder: string | undefined;
  readonly #timeout: number;
  #process: ChildProcessByStdio<Writable, Readable, Readable> | undefined;
  #lines = new Lines();
  #stderr = '';
  #waiting: Waiting | undefined;
  /** Id of the last request that was answered. */
  #answered: string | undefined;
  #fault: string | undefined;
  #starts = 0;

  /** `timeout`: milliseconds that a call may take unless it says otherwise. `folder`: where the process runs. */
  constructor(
    command: readonly string[],
    options: { timeout: number; environment?: Record<string, string>; folder?: string },
  ) {
    this.#command = command;
    this.#timeout = options.timeout;
    this.#environment = options.environment ?? {};
    this.#folder = options.folder;
  }

  get starts(): number {
    return this.#starts;
  }

  /** What the adapter wrote to stdout while nobody asked; the next call ends with it. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** What the adapter last wrote to stderr. */
  get stderr(): string {
    return this.#stderr.trim();
  }

  /** Starts the process if none runs, and greets. @throws StartError */
  async hello(): Promise<Hello> {
    const outcome = await this.#exchange('hello', { protocols: [1] }, Math.max(this.#timeout, 20_000));
    if (outcome.outcome !== 'ok') {
      this.#end();
      throw new StartError(`the adapter did not answer hello: ${describe(outcome)}`, outcome);
    }
    const parsed = helloSchema.safeParse(outcome.result);
    if (!parsed.success) {
      this.#end();
      throw new StartError(`the adapter's hello is not as it must be: ${z.prettifyError(parsed.error)}`);
    }
    return parsed.data;
  }

  async call(op: string, params: Record<string, Value>, timeout: number = this.#timeout): Promise<Outcome> {
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault !== undefined) return { outcome: 'protocol', detail: fault };
    if (this.#process === undefined) {
      try {
        await this.hello();
      } catch (error) {
        return { outcome: 'crash', detail: error instanceof Error ? error.message : String(error) };
      }
    }
    return this.#exchange(op, params, timeout);
  }

  /** Closes the adapter's input, and ends the process if that is not enough. */
  async close(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.stdin.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
    await exited;
    clearTimeout(timer);
  }

  kill(): void {
    if (this.#process !== undefined) this.#lost(this.#process, 'crash', 'the runner ended the adapter');
  }

  #tail(): string {
    return this.#stderr === '' ? '' : `\nThe adapter wrote to stderr:\n${this.stderr}`;
  }

  #start(): ChildProcessByStdio<Writable, Readable, Readable> {
    const [program, ...args] = this.#command;
    if (program === undefined) throw new StartError('the command of the adapter is empty');
    const child = spawn(program === 'node' ? process.execPath : program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: this.#folder,
      env: { ...COMPILE_CACHE, ...process.env, ...this.#environment },
    });
    this.#starts++;
    this.#lines = new Lines();
    this.#stderr = '';
    child.on('error', (error) => this.#lost(child, 'crash', error.message));
    child.on('close', (code, signal) => {
      this.#lost(child, 'crash', `the adapter ended with ${signal ?? `exit code ${code}`}${this.#tail()}`);
    });
    child.stdin.on('error', () => undefined);
    child.stdout.setEncoding('utf8').on('data', (text: string) => this.#read(child, text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4096);
    });
    this.#process = child;
    return child;
  }

  async #exchange(op: string, params: Record<string, Value>, timeout: number): Promise<Outcome> {
    if (this.#waiting !== undefined) throw new Error('one request at a time');
    const child = this.#process ?? this.#start();
    const id = randomBytes(6).toString('hex');
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#lost(child, 'timeout', `no answer in ${timeout} ms`), timeout);
      this.#waiting = {
        id,
        settle: (outcome) => {
          clearTimeout(timer);
          this.#waiting = undefined;
          resolve(outcome);
        },
      };
      child.stdin.write(`${JSON.stringify({ id, op, params })}\n`);
    });
  }

  #read(child: ChildProcessByStdio<Writable, Readable, Readable>, text: string): void {
    if (child !== this.#process) return;
    let answer: Outcome | undefined;
    for (const line of this.#lines.push(text)) {
      const read = readAnswer(line);
      if (typeof read === 'string') return this.#lost(child, 'protocol', read);
      if (read.id === this.#answered) return this.#lost(child, 'protocol', 'two answers to one request');
      if (this.#waiting === undefined)
        return this.#lost(child, 'protocol', 'an answer that nobody asked for');
      if (read.id !== this.#waiting.id)
        return this.#lost(child, 'protocol', 'an answer with another id than its request');
      this.#answered = read.id;
      ({ answer } = read);
    }
    if (this.#lines.endless) return this.#lost(child, 'protocol', 'a line without end');
    if (answer !== undefined) this.#waiting?.settle(answer);
    return undefined;
  }

  #lost(
    child: ChildProcessByStdio<Writable, Readable, Readable>,
    outcome: 'crash' | 'timeout' | 'protocol',
    detail: string,
  ): void {
    if (child !== this.#process) return;
    this.#end();
    if (this.#waiting !== undefined) this.#waiting.settle({ outcome, detail });
    else if (outcome === 'protocol') this.#fault = detail;
  }

  #end(): void {
    const child = this.#process;
    this.#process = undefined;
    child?.kill('SIGKILL');
  }
}

/** An outcome in one line for people. */
export function describe(outcome: Outcome): string {
  if (outcome.outcome === 'ok') return 'ok';
  if (outcome.outcome === 'reject') return `reject ${outcome.error}`;
  if (outcome.outcome === 'unsupported') return `unsupported ${outcome.feature}`;
  return `${outcome.outcome}: ${outcome.detail}`;
}
