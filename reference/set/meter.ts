/**
 * Progress of a backup, a restore or a verification.
 *
 * @module
 */

/** How far it is. */
export interface Progress {
  /** The path that is worked on; empty at the end. */
  readonly path: string;
  /** Entries that are done, and how many there are. */
  readonly entries: number;
  readonly entriesTotal: number;
  /** Bytes of content that are done, and how many there are; files that change make them differ at the end. */
  readonly bytes: number;
  readonly bytesTotal: number;
}

/** Counts, and tells whoever asked. */
export class Meter {
  readonly #tell: ((progress: Progress) => void) | undefined;
  #now: Progress;

  constructor(entriesTotal: number, bytesTotal: number, tell?: (progress: Progress) => void) {
    this.#tell = tell;
    this.#now = { path: '', entries: -1, entriesTotal, bytes: 0, bytesTotal };
  }

  /** Begins with an entry; those before it are done. */
  next(path: string): void {
    this.#set({ ...this.#now, path, entries: this.#now.entries + 1 });
  }

  /** Counts bytes of the entry. */
  add(length: number): void {
    this.#set({ ...this.#now, bytes: this.#now.bytes + length });
  }

  #set(now: Progress): void {
    this.#now = now;
    this.#tell?.(now);
  }
}
