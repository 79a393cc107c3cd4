/**
 * Asking for a secret on the terminal, without echo of any kind: not the text, not its length.
 *
 * @module
 */
import { closeSync, openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { StrongroomError } from '../errors.ts';
import { fromUtf8, wipe } from '../wire/bytes.ts';

const ENTER = new Set([0x0a, 0x0d]);
const ERASE = new Set([0x08, 0x7f]);
const INTERRUPT = 0x03;
const END = 0x04;
const CLEAR = 0x15;
const MAX_BYTES = 4096;

/** The line being typed: bytes, edited as a terminal would. */
class Line {
  readonly #bytes = new Uint8Array(MAX_BYTES);
  #length = 0;

  /** Takes one byte; says what the line came to. */
  take(byte: number): 'more' | 'done' | 'cancelled' {
    if (ENTER.has(byte)) return 'done';
    if (byte === INTERRUPT || (byte === END && this.#length === 0)) return 'cancelled';
    if (byte === CLEAR) this.#length = 0;
    else if (ERASE.has(byte)) this.#erase();
    else if (byte >= 0x20 && this.#length < MAX_BYTES) this.#bytes[this.#length++] = byte;
    return 'more';
  }

  /** One character back: its continuation bytes too. */
  #erase(): void {
    while (this.#length > 0 && ((this.#bytes[--this.#length] ?? 0) & 0xc0) === 0x80);
  }

  /** The text; the bytes are wiped. */
  text(): string {
    try {
      return fromUtf8(this.#bytes.subarray(0, this.#length));
    } finally {
      wipe(this.#bytes);
    }
  }
}

/** The terminal, even if stdin is a pipe; undefined if there is none. */
function openTerminal(): { input: ReadStream; close: () => void } | undefined {
  if (process.stdin.isTTY) return { input: process.stdin, close: () => process.stdin.pause() };
  try {
    const fd = openSync('/dev/tty', 'r+');
    const input = new ReadStream(fd);
    return { input, close: () => void input.destroy() };
  } catch {
    return undefined;
  }
}

/** True if someone can be asked. */
export function canAsk(): boolean {
  if (process.stdin.isTTY) return true;
  try {
    closeSync(openSync('/dev/tty', 'r+'));
    return true;
  } catch {
    return false;
  }
}

/**
 * Asks for one line. Backspace and Ctrl-U edit, Ctrl-C ends.
 *
 * @throws StrongroomError `cancelled`; `usage` if there is no terminal; `malformed` if it is not UTF-8
 */
export async function askSecret(question: string, signal: AbortSignal): Promise<string> {
  const terminal = openTerminal();
  if (terminal === undefined) throw new StrongroomError('usage', `no terminal to ask for the ${question}`);
  const { input, close } = terminal;
  const ask = (): void => {
    input.setRawMode(true); // first: what is typed from here on is not echoed
    process.stderr.write(`${question}: `);
  };
  /** Stops with the terminal as it was found, and asks again when it goes on. */
  const onStop = (): void => {
    input.setRawMode(false);
    process.kill(process.pid, 'SIGSTOP');
    ask();
  };
  input.on('error', ignore); // a terminal that is gone takes no settings
  process.on('SIGTSTP', onStop);
  ask();
  try {
    return await readLine(input, signal);
  } finally {
    process.off('SIGTSTP', onStop);
    input.setRawMode(false);
    input.off('error', ignore);
    close();
    process.stderr.write('\n');
  }
}

const ignore = (): void => undefined;

function readLine(input: ReadStream, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const line = new Line();
    const end = (settle: () => void): void => {
      input.off('data', onData);
      input.off('error', onError);
      input.off('end', onAbort);
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    const onAbort = (): void => end(() => reject(new StrongroomError('cancelled', 'stopped at the prompt')));
    const onError = (error: Error): void => end(() => reject(error));
    const onData = (data: Uint8Array): void => {
      for (const byte of data) {
        const state = line.take(byte);
        if (state === 'more') continue;
        wipe(data);
        if (state === 'cancelled') return onAbort();
        return end(() => settleText(line, resolve, reject));
      }
      wipe(data);
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    input.on('data', onData);
    input.on('error', onError);
    input.on('end', onAbort);
    input.resume();
  });
}

function settleText(line: Line, resolve: (text: string) => void, reject: (error: unknown) => void): void {
  try {
    resolve(line.text());
  } catch (error) {
    reject(error);
  }
}
