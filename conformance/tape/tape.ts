/**
 * What a case takes from outside beside the answers of the adapter: random values, the time, what it sees of folders
 * and of the network. All of it comes over a tape, so that a run can be recorded, and scored again without the
 * implementation. Whoever runs outside of a case has no tape, and takes everything from the system.
 *
 * @module
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createCipheriv, createHash, randomBytes, type Cipheriv } from 'node:crypto';
import type { Value } from '../schema/vector.ts';

/** A request that came to a server of the suite's own. */
export interface Heard {
  /** Number of the server within the case. */
  readonly server: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  /** Hexadecimal text. */
  readonly body: string;
}

/** The tape of one case, or of something that several cases share. */
export interface Tape {
  /** Random bytes, which the seed of the run and the name of the tape decide. */
  draw(length: number): Uint8Array<ArrayBuffer>;
  /** What `look` returns; in a replay what it returned when `what` was looked at in the run. */
  observe<T extends Value>(what: Value, look: () => T): T;
  /** The same for what takes time. */
  observeLater<T extends Value>(what: Value, look: () => Promise<T>): Promise<T>;
  /** Numbers a server of the suite's own, whose address differs from run to run. */
  serves(origin: string): number;
  /** A request came to such a server. */
  heard(request: Heard): void;
  /** The tape of something that cases share. */
  within(name: string): Tape;
}

const current = new AsyncLocalStorage<Tape>();

/** Does something on a tape. */
export function onTape<T>(tape: Tape, act: () => T): T {
  return current.run(tape, act);
}

/** The tape of whoever asks. */
export function tapeHere(): Tape | undefined {
  return current.getStore();
}

/** A function that runs on the tape of whoever made it, wherever it is called from. */
export function bound<A extends unknown[], R>(act: (...args: A) => R): (...args: A) => R {
  const tape = tapeHere();
  return tape === undefined ? act : (...args) => onTape(tape, () => act(...args));
}

/** Random bytes. */
export function draw(length: number): Uint8Array<ArrayBuffer> {
  return tapeHere()?.draw(length) ?? new Uint8Array(randomBytes(length));
}

/** Looks at something outside of the suite. */
export function observe<T extends Value>(what: Value, look: () => T): T {
  const tape = tapeHere();
  return tape === undefined ? look() : tape.observe(what, look);
}

/** Looks at something outside of the suite that takes time. */
export async function observeLater<T extends Value>(what: Value, look: () => Promise<T>): Promise<T> {
  const tape = tapeHere();
  return tape === undefined ? look() : tape.observeLater(what, look);
}

/** Makes something that several cases share, on a tape of its own. */
export function within<T>(name: string, make: () => T): T {
  const tape = tapeHere();
  return tape === undefined ? make() : onTape(tape.within(name), make);
}

/** Milliseconds since 1970. */
export function now(): number {
  return observe('now', () => Date.now());
}

/** Waits, unless the run is a recorded one. */
export async function pause(milliseconds: number): Promise<void> {
  await observeLater({ pause: milliseconds }, async () => {
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    return true;
  });
}

/** Random bytes of a run: AES-256-CTR under a key made of its seed and a name. */
export class Draws {
  readonly #cipher: Cipheriv;

  constructor(run: string, name: string) {
    const key = createHash('sha256')
      .update(JSON.stringify([run, name]))
      .digest();
    this.#cipher = createCipheriv('aes-256-ctr', key, new Uint8Array(16));
  }

  draw(length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#cipher.update(new Uint8Array(length)));
  }
}

/** A tape that records nothing. */
export class BlankTape implements Tape {
  readonly #run: string;
  readonly #draws: Draws;

  /** `run`: what decides the random values of a run, beside the names of its tapes. */
  constructor(run: string, name: string) {
    this.#run = run;
    this.#draws = new Draws(run, name);
  }

  draw(length: number): Uint8Array<ArrayBuffer> {
    return this.#draws.draw(length);
  }

  observe<T extends Value>(_what: Value, look: () => T): T {
    return look();
  }

  async observeLater<T extends Value>(_what: Value, look: () => Promise<T>): Promise<T> {
    return look();
  }

  serves(): number {
    return 0;
  }

  heard(): void {
    // Nobody asks for it.
  }

  within(name: string): Tape {
    return new BlankTape(this.#run, name);
  }
}
