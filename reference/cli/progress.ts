/**
 * Progress of long work: one line on stderr, rewritten in place, only if that is a terminal.
 *
 * @module
 */

const INTERVAL = 100; // milliseconds
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A byte count as people read it. */
export function sizeOf(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1);
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${UNITS[power]}`;
}

/** A number of things: "1 backup", "2 backups". */
export function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Text from outside, without what would command the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '\u{fffd}');
}

/** A line of progress. */
export interface Progress {
  /** Shows a text, at most ten times a second; one that is not shown need not be made. */
  show(text: string | (() => string)): void;
  /** Takes the line away. */
  end(): void;
}

/** Progress on stderr; shows nothing if that is no terminal. */
export function progressLine(): Progress {
  const { stderr } = process;
  let last = performance.now(); // what is done at once shows nothing
  let shown = false;
  const clear = (): void => void stderr.write('\r\u001b[K');
  return {
    show(text) {
      const now = performance.now();
      if (!stderr.isTTY || now - last < INTERVAL) return;
      last = now;
      shown = true;
      clear();
      const line = typeof text === 'string' ? text : text();
      stderr.write(printable(line).slice(0, (stderr.columns || 80) - 1));
    },
    end() {
      if (shown) clear();
    },
  };
}
