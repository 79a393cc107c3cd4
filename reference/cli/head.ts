/**
 * The head of a set in a file: the option of commands that use one, and `strongroom head show`.
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import { FileHeadStore } from '../set/file-head-store.ts';
import type { Freshness } from '../set/freshness.ts';
import type { HeadStore } from '../set/head-store.ts';
import { hex } from '../wire/bytes.ts';
import type { Command, Invocation, Option } from './command.ts';
import { dateOf, JSON_OPTION, print, warn } from './report.ts';
import { askKey, KEY_OPTIONS } from './secrets.ts';

/** Option of a command that compares a backup with the head of its set. */
export const HEAD: Option = {
  value: 'file',
  help: 'file that says which backup is the newest; keep it on another disk than the storage',
};

/** The head to use, as an option of the functions of sets. */
export function headOf(invocation: Invocation): { readonly head?: HeadStore } {
  const path = invocation.option('head');
  return path === undefined ? {} : { head: new FileHeadStore(path) };
}

const WARNINGS: Readonly<Record<Freshness, string | undefined>> = {
  fresh: undefined,
  ahead: undefined,
  stale: 'a newer backup was made and is not there: this is an older one',
  fork: 'this backup and the one that the head names are not of one history',
  unknown: 'the head does not tell whether this is the newest backup',
};

/** Says how a backup stands to the head, where that has to be known and there is a head at all. */
export function warnOfFreshness(invocation: Invocation, freshness: Freshness): void {
  const warning = WARNINGS[freshness];
  if (warning !== undefined && invocation.option('head') !== undefined) warn(warning);
}

const headShow: Command = {
  name: 'head show',
  summary: 'Shows which backup is the newest, by the file that "backup --head" keeps.',
  arguments: [],
  options: { head: HEAD, ...KEY_OPTIONS, json: JSON_OPTION },
  notes: ['What is shown was signed with this key.'],
  examples: ['strongroom head show --head ~/.strongroom-head --key-file backup.key'],
  async run(invocation) {
    const path = invocation.required('head');
    const bytes = await new FileHeadStore(path).get();
    if (bytes === undefined)
      throw new StrongroomError('not-found', `${path} is not there`, { subject: path });
    const key = await askKey(invocation);
    const { openHead } = await import('../set/head.ts');
    const { generation, created, keyEpoch, ...ids } = openHead(key, bytes);
    key.wipe();
    const [setId, manifestId] = [hex(ids.setId), hex(ids.manifestId)];
    print(
      invocation,
      { setId, generation, manifestId, created, keyEpoch },
      `backup ${generation} of set ${setId}, ${dateOf(created)}, key ${keyEpoch}`,
    );
  },
};

/** Commands about the head of a set. */
export const HEAD_COMMANDS: readonly Command[] = [headShow];
