/**
 * The head of a set in a file or at a vault: the options of commands that use one, and `strongroom head show`.
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { FileHeadStore } from '../set/file-head-store.ts';
import type { Freshness } from '../set/freshness.ts';
import type { HeadStore } from '../set/head-store.ts';
import { hex } from '../wire/bytes.ts';
import type { Command, Invocation, Option } from './command.ts';
import { dateOf, JSON_OPTION, print, warn } from './report.ts';
import { askKey, KEY_OPTIONS, TOKEN_OPTIONS } from './secrets.ts';

/** Options of a command that compares a backup with the head of its set. */
export const HEAD_OPTIONS: Readonly<Record<string, Option>> = {
  head: {
    value: 'file',
    help: 'file that says which backup is the newest; keep it on another disk than the storage',
  },
  'head-vault': {
    value: 'url',
    help: 'vault that says which backup is the newest; needs --pins, --account and the registered key',
  },
  pins: { value: 'file', help: 'with --head-vault: the pins.json of the vault' },
  account: { value: 'name', help: 'with --head-vault: name of the account' },
  ...TOKEN_OPTIONS,
  state: { value: 'folder', help: 'with --head-vault: what this device remembers of it' },
};

/** True if the options name a keeper of the head. */
function isHeadGiven(invocation: Invocation): boolean {
  return ['head', 'head-vault'].some((name) => invocation.option(name) !== undefined);
}

/**
 * The head to use, as an option of the functions of sets.
 *
 * @param key the registered key, if the head is at a vault
 */
export async function headOf(invocation: Invocation, key: BackupKey): Promise<{ readonly head?: HeadStore }> {
  const path = invocation.option('head');
  if (path !== undefined && invocation.option('head-vault') !== undefined) {
    throw new StrongroomError('usage', '--head and --head-vault exclude each other');
  }
  if (path !== undefined) return { head: new FileHeadStore(path) };
  if (invocation.option('head-vault') === undefined) return {};
  return { head: await headAtVault(invocation, key) };
}

/** The vault as the keeper. With its first answer the owner is told of what is scheduled there. */
async function headAtVault(invocation: Invocation, key: BackupKey): Promise<HeadStore> {
  const { openSession, warnOfScheduled } = await import('./account-session.ts');
  const { vaultHeadStore } = await import('../client/head.ts');
  const session = await openSession(invocation, 'head-vault');
  const store = vaultHeadStore(session, key, invocation);
  return {
    async get() {
      try {
        return await store.get();
      } finally {
        warnOfScheduled(invocation, session, 'head-vault');
      }
    },
    put: (next, previous) => store.put(next, previous),
  };
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
  if (warning !== undefined && isHeadGiven(invocation)) warn(warning);
}

const headShow: Command = {
  name: 'head show',
  summary: 'Shows which backup is the newest, by the head that a file or a vault keeps.',
  arguments: [],
  options: { ...HEAD_OPTIONS, ...KEY_OPTIONS, json: JSON_OPTION },
  notes: ['What is shown was signed with this key.'],
  examples: [
    'strongroom head show --head ~/.strongroom-head --key-file backup.key',
    'strongroom head show --head-vault https://vault.example --pins pins.json --account me@example --key-file backup.key',
  ],
  async run(invocation) {
    if (!isHeadGiven(invocation)) {
      throw new StrongroomError('usage', 'head show needs --head or --head-vault');
    }
    const key = await askKey(invocation);
    const bytes = await (await headOf(invocation, key)).head?.get();
    if (bytes === undefined) {
      const subject = invocation.option('head') ?? 'the head';
      throw new StrongroomError('not-found', `${subject} is not there`, { subject });
    }
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
