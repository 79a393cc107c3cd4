/**
 * What a signer has signed (spec/fleet.md, "Ledger"): one line for each descriptor, beside the key.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { StrongroomError } from '../errors.ts';
import { replaceFile } from '../hsm/file.ts';
import { utf8 } from '../wire/bytes.ts';

/** One descriptor that was signed; bytes in hexadecimal. */
export interface LedgerEntry {
  readonly fleetId: string;
  readonly serial: number;
  /** SHA-256 of the descriptor. */
  readonly hash: string;
}

const LINE = /^([0-9a-f]{32}) ([1-9][0-9]{0,15}) ([0-9a-f]{64})$/u;

/** @throws StrongroomError `state-damaged` */
async function readLedger(path: string): Promise<readonly LedgerEntry[]> {
  const damaged = (message: string, cause?: unknown): StrongroomError =>
    new StrongroomError('state-damaged', `${path}: ${message}`, { subject: path }, { cause });
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    // A signer that has lost its memory must not begin a new one: it may have signed this serial before.
    throw cause.code === 'ENOENT' ? damaged('the ledger is missing', cause) : cause;
  });
  if (text !== '' && !text.endsWith('\n')) throw damaged('the last line is cut');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line, i) => {
      const [, fleetId, serial, hash] = LINE.exec(line) ?? [];
      if (
        fleetId === undefined ||
        serial === undefined ||
        hash === undefined ||
        !Number.isSafeInteger(+serial)
      ) {
        throw damaged(`line ${i + 1} is none of a ledger`);
      }
      return { fleetId, serial: +serial, hash };
    });
}

/**
 * Enters a descriptor, durably; one that is there already may be entered again. One caller at a time.
 *
 * @throws StrongroomError `already-signed` if another one of the fleet has this serial or a higher one, `state-damaged`
 */
export async function enter(path: string, entry: LedgerEntry): Promise<void> {
  const entries = await readLedger(path);
  const own = entries.filter(({ fleetId }) => fleetId === entry.fleetId);
  if (own.some(({ serial, hash }) => serial === entry.serial && hash === entry.hash)) return;
  const highest = Math.max(0, ...own.map(({ serial }) => serial));
  if (entry.serial <= highest) {
    const message = `serial ${entry.serial} of this fleet, after another descriptor of serial ${highest}`;
    throw new StrongroomError('already-signed', message);
  }
  const lines = [...entries, entry].map(({ fleetId, serial, hash }) => `${fleetId} ${serial} ${hash}\n`);
  await replaceFile(path, utf8(lines.join('')));
}
