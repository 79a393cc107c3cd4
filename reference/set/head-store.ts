/**
 * Where the head of a set is kept (spec/freshness.md, "Head"). The signature is loaded when there is a head: the curve
 * takes as long to load as all else of a backup.
 *
 * @module
 */
import { StrongroomError, type ErrorCode } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import type { Bytes } from '../wire/bytes.ts';
import { fault } from './faults.ts';
import type { SetHead } from './head.ts';

/** Length of an encoded `SignedSetHead` in bytes. */
export const SIGNED_HEAD_LENGTH = 132;

/** What a head of a set is kept by: a file, a vault. It is believed nothing but that it forgets nothing. */
export interface HeadStore {
  /**
   * The encoded head that was put last, 132 bytes; undefined if there never was one.
   *
   * @throws StrongroomError `bad-head` if something else is there; `permission`, `io`
   */
  get(): Promise<Bytes | undefined>;
  /**
   * Replaces `previous`, which {@link get} returned before, by `next`, durably. Of two writers with one `previous`
   * one succeeds.
   *
   * @throws StrongroomError `conflict` if another head than `previous` is there; `disk-full`, `permission`, `io`
   */
  put(next: Bytes, previous: Bytes | undefined): Promise<void>;
}

/** Puts the head of a manifest that was committed. The code of why that failed is returned: the manifest stands. */
export async function putHead(
  store: HeadStore | undefined,
  key: BackupKey,
  head: SetHead,
  previous: Bytes | undefined,
): Promise<ErrorCode | undefined> {
  try {
    if (store === undefined) return undefined;
    const { signHead } = await import('./head.ts');
    await store.put(signHead(key, head), previous);
    return undefined;
  } catch (error) {
    return fault(error, 'the head').code;
  }
}

/** The head that is kept, opened and as it is; nothing if there is none or no keeper. @throws as `get`, `openHead` */
export async function fetchHead(
  key: BackupKey,
  store: HeadStore | undefined,
): Promise<{ readonly head: SetHead | undefined; readonly signed: Bytes | undefined }> {
  const signed = await store?.get();
  if (signed === undefined) return { head: undefined, signed };
  const { openHead } = await import('./head.ts');
  return { head: openHead(key, signed), signed };
}

/** What is kept as a head is none. */
export function badHead(message: string): StrongroomError {
  return new StrongroomError('bad-head', message);
}
