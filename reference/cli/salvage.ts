/**
 * What is left of a damaged backup: `strongroom salvage`.
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import { canonical, salvage, type SalvageReport } from '../salvage/index.ts';
import type { Command } from './command.ts';
import { counted, progressLine } from './progress.ts';
import { FROM, JSON_OPTION, storageOf, warn } from './report.ts';
import { askKey, KEY_OPTIONS } from './secrets.ts';

/** What is not whole, a line each; content without a name too. */
function warnOfLosses({ entries, objects, unnamed, packed }: SalvageReport): void {
  for (const { path, state, code, older, generation } of entries) {
    if (older) warn(`${path}: ${state}, of backup ${generation ?? 'unknown'}, an older one than the newest`);
    else if (state !== 'whole') warn(`${path}: ${code ?? state}`);
  }
  for (const { name, state } of objects)
    if (state === 'missing' || state === 'unknown') warn(`${name}: ${state}`);
  const without = unnamed.length + packed.length;
  if (without > 0) warn(`${without} contents that no entry names are in "unnamed" and "packed"`);
}

const salvageCommand: Command = {
  name: 'salvage',
  summary: 'Takes what is left out of a damaged backup, when "restore" cannot.',
  arguments: [],
  options: {
    from: FROM,
    to: { value: 'folder', help: 'where to put it: a new or empty folder' },
    ...KEY_OPTIONS,
    set: { value: 'id', help: 'which set, if the storage holds several' },
    rebuild: { help: 'also write a new backup of what is whole into the storage; nothing is removed' },
    json: JSON_OPTION,
  },
  notes: [
    'Only what is authentic comes out. "files" holds what is whole, also older versions where the newest are damaged;',
    '"partial" what has holes, which read as zeros; "unnamed" and "packed" what no list of files names any more.',
    'salvage.json says of every object and file what was found of it.',
  ],
  examples: [
    'strongroom salvage --from /mnt/cloud --to ~/Salvaged --key-file backup.key',
    'strongroom salvage --from /mnt/cloud --to ~/Salvaged --key-file backup.key --rebuild',
  ],
  async run(invocation) {
    const storage = storageOf(invocation);
    const target = invocation.required('to');
    const set = invocation.option('set');
    const key = await askKey(invocation);
    const line = progressLine();
    let report: SalvageReport;
    try {
      report = await salvage(storage, key, {
        target,
        ...(set !== undefined && { set }),
        rebuild: invocation.has('rebuild'),
        signal: invocation.signal,
        onProgress: (what) => line.show(what),
      });
    } finally {
      line.end();
      key.wipe();
    }
    const whole = report.entries.filter(({ state, older }) => state === 'whole' && !older).length;
    const text = `${counted(whole, 'entry is', 'entries are')} whole, ${report.complete ? 'and nothing is missing' : 'and others are not'}\n`;
    process.stdout.write(invocation.has('json') ? canonical(report) : text);
    warnOfLosses(report);
    if (report.rebuilt !== undefined) warn(`what is whole is a new backup now: ${report.rebuilt.join(', ')}`);
    if (!report.complete)
      throw new StrongroomError('incomplete', 'not everything was found; salvage.json says what was');
  },
};

/** Commands about damaged backups. */
export const SALVAGE_COMMANDS: readonly Command[] = [salvageCommand];
