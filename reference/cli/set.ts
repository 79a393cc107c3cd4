/**
 * Backups of folders: `strongroom backup`, `restore`, `list` and `verify`. Each loads what it needs when it runs.
 *
 * @module
 */
import { statSync } from 'node:fs';
import { StrongroomError } from '../errors.ts';
import { requireCurrent } from '../set/freshness.ts';
import { DirectoryStorage } from '../set/directory-storage.ts';
import type { PathOptions } from '../set/index.ts';
import { hex } from '../wire/bytes.ts';
import type { Command, Invocation, Option } from './command.ts';
import { HEAD_OPTIONS, headOf, warnOfFreshness } from './head.ts';
import { counted, printable, sizeOf } from './progress.ts';
import {
  dateOf,
  FROM,
  JSON_OPTION,
  MANIFEST,
  print,
  selectionOf,
  storageOf,
  warn,
  warnOf,
  warnOfCopies,
  withProgress,
} from './report.ts';
import { askKey, KEY_OPTIONS } from './secrets.ts';

const PATH: Option = { value: 'path', help: 'only this file or folder of the backup, as "list" shows it' };

/** The part of the backup that is asked for; shells complete the name of a folder with a slash. */
function pathOf(invocation: Invocation): PathOptions {
  const path = invocation.option('path');
  return path === undefined ? {} : { paths: [path.replace(/(?<=.)\/$/u, '')] };
}

const backupCommand: Command = {
  name: 'backup',
  summary: 'Backs a folder up into a storage folder; the backups that are there stay.',
  arguments: ['folder'],
  options: {
    to: { value: 'folder', help: 'storage: any folder, mounted drive or synchronised folder' },
    ...KEY_OPTIONS,
    reread: { help: 'read every file, also those that did not change by their times' },
    check: { help: 'read every stored object that is used again, and seal anew what is damaged' },
    ...HEAD_OPTIONS,
    manifest: { value: 'name', help: 'follow the set of this backup, whatever the head says' },
    json: JSON_OPTION,
  },
  notes: [
    'The manifest is written last: a backup that is cut off leaves the last good one as it was, and what it had',
    'finished is used by the next one. Files that did not change are not read, and no content is stored twice.',
  ],
  examples: [
    'strongroom backup ~/Pictures --to /mnt/cloud --key-file backup.key',
    'strongroom backup . --to /mnt/cloud --key-fd 3 --json 3< backup.key',
  ],
  async run(invocation) {
    const folder = invocation.argument(0);
    const storage = new DirectoryStorage(invocation.required('to'));
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new StrongroomError('not-found', `${folder} is no folder`, { subject: folder });
    }
    const key = await askKey(invocation);
    const head = await headOf(invocation, key);
    const { backup } = await import('../set/backup.ts');
    const [reread, check] = [invocation.has('reread'), invocation.has('check')];
    const result = await withProgress((onProgress) =>
      backup(folder, storage, {
        ...selectionOf(invocation),
        ...head,
        key,
        reread,
        check,
        onProgress,
      }),
    );
    key.wipe();
    const { setId, generation, entries, bytes, sealed, reused, skipped, headFault } = result;
    const facts = { setId: hex(setId), generation, entries, bytes, sealed, reused, skipped, headFault };
    const [fresh, again] = [sealed, reused].map(
      (tally) => `${counted(tally.files, 'file')}, ${sizeOf(tally.bytes)}`,
    );
    print(
      invocation,
      facts,
      `backup ${generation}: ${counted(entries, 'entry', 'entries')}, ${sizeOf(bytes)} (sealed: ${fresh}; used again: ${again})`,
    );
    warnOf(skipped);
    if (headFault !== undefined) {
      const message = 'the backup is written and whole, but its head could not be put';
      if (skipped.length === 0) throw new StrongroomError(headFault, message);
      warn(`${message}: ${headFault}`);
    }
    if (skipped.length > 0) {
      throw new StrongroomError(
        'incomplete',
        `left out: ${skipped.length} of ${counted(entries + skipped.length, 'entry', 'entries')}`,
      );
    }
  },
};

const restoreCommand: Command = {
  name: 'restore',
  summary: 'Restores the newest backup, or another one, into a folder.',
  arguments: [],
  options: {
    from: FROM,
    to: { value: 'folder', help: 'where to restore; made if need be' },
    ...KEY_OPTIONS,
    path: PATH,
    manifest: MANIFEST,
    ...HEAD_OPTIONS,
    force: { help: 'replace files that are in the way; folders are never replaced' },
    json: JSON_OPTION,
  },
  notes: ['A file appears under its name only once all of it has been verified.'],
  examples: [
    'strongroom restore --from /mnt/cloud --to ~/Restored --key-file backup.key',
    'strongroom restore --from /mnt/cloud --to ~/Restored --path Pictures/2019',
  ],
  async run(invocation) {
    const storage = storageOf(invocation);
    const target = invocation.required('to');
    const key = await askKey(invocation);
    const { restore, RestoreError } = await import('../set/restore.ts');
    const options = {
      ...selectionOf(invocation),
      ...(await headOf(invocation, key)),
      ...pathOf(invocation),
      force: invocation.has('force'),
    };
    try {
      const report = await withProgress((onProgress) =>
        restore(storage, key, target, { ...options, onProgress }),
      );
      const { generation, created, restored } = report;
      warnOf(report.damaged);
      warnOfCopies(report.copies);
      warnOfFreshness(invocation, report.freshness);
      const facts = { ...report, setId: hex(report.setId) };
      print(
        invocation,
        facts,
        `restored ${counted(restored.length, 'entry', 'entries')} of backup ${generation}, ${dateOf(created)}`,
      );
    } catch (error) {
      if (error instanceof RestoreError) {
        warnOf(error.report.failed);
        const restored = counted(error.report.restored.length, 'entry was', 'entries were');
        warn(`${restored} restored and verified, the others are not there`);
      }
      throw error;
    } finally {
      key.wipe();
    }
  },
};

async function listHistory(invocation: Invocation): Promise<void> {
  const storage = storageOf(invocation);
  const { history } = await import('../set/backups.ts');
  const manifests = await history(storage, await askKey(invocation), invocation.signal);
  for (const { name, setId, generation, created } of manifests) {
    const facts = { name, setId: hex(setId), generation, created };
    print(invocation, facts, `${String(generation).padStart(6)}  ${dateOf(created)}  ${name}`);
  }
}

const listCommand: Command = {
  name: 'list',
  summary: 'Lists what is in the newest backup, or another one.',
  arguments: [],
  options: {
    from: FROM,
    ...KEY_OPTIONS,
    path: PATH,
    manifest: MANIFEST,
    ...HEAD_OPTIONS,
    history: { help: 'list the backups of the storage instead; with --json one object a line' },
    json: JSON_OPTION,
  },
  examples: [
    'strongroom list --from /mnt/cloud --key-file backup.key',
    'strongroom list --from /mnt/cloud --key-file backup.key --history',
  ],
  async run(invocation) {
    if (invocation.has('history')) return listHistory(invocation);
    const storage = storageOf(invocation);
    const key = await askKey(invocation);
    const head = await headOf(invocation, key);
    const options = { ...selectionOf(invocation), ...head, ...pathOf(invocation) };
    const { list } = await import('../set/list.ts');
    const listing = await list(storage, key, options);
    key.wipe();
    warnOf(listing.damaged);
    warnOfCopies(listing.copies);
    warnOfFreshness(invocation, listing.freshness);
    if (invocation.has('json')) {
      process.stdout.write(`${JSON.stringify({ ...listing, setId: hex(listing.setId) })}\n`);
      return;
    }
    for (const { path, kind, length, modified } of listing.entries) {
      const size = kind === 'file' ? String(length) : kind;
      process.stdout.write(`${size.padStart(12)}  ${dateOf(modified.seconds)}  ${printable(path)}\n`);
    }
  },
};

const verifyCommand: Command = {
  name: 'verify',
  summary: 'Reads and checks every byte of a backup, and writes nothing.',
  arguments: [],
  options: { from: FROM, ...KEY_OPTIONS, manifest: MANIFEST, ...HEAD_OPTIONS, json: JSON_OPTION },
  examples: ['strongroom verify --from /mnt/cloud --key-file backup.key'],
  async run(invocation) {
    const storage = storageOf(invocation);
    const key = await askKey(invocation);
    const head = await headOf(invocation, key);
    const { verify } = await import('../set/verify.ts');
    const report = await withProgress((onProgress) =>
      verify(storage, key, { ...selectionOf(invocation), ...head, onProgress }),
    );
    key.wipe();
    const { verified, failed, damaged, copies, generation, unused } = report;
    warnOf(failed);
    warnOf(damaged);
    warnOfCopies(copies);
    warnOfFreshness(invocation, report.freshness);
    const facts = { ...report, setId: hex(report.setId) };
    print(
      invocation,
      facts,
      `backup ${generation}: ${counted(verified, 'entry is', 'entries are')} whole, unused objects: ${unused.length}`,
    );
    const [first] = failed;
    if (first !== undefined) {
      throw new StrongroomError(
        first.code,
        `cannot be restored: ${counted(failed.length, 'entry', 'entries')}`,
        {
          subject: first.path,
        },
      );
    }
    if (invocation.option('manifest') === undefined) requireCurrent(report.freshness);
  },
};

/** Commands about backups of folders. */
export const SET_COMMANDS: readonly Command[] = [backupCommand, restoreCommand, listCommand, verifyCommand];
