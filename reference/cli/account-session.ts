/**
 * An account at a vault: the options of every command that talks to one, the session, and the warning that no such
 * command leaves out.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { connect, folderKeeper, httpTransport, parsePins, type Session } from '../client/index.ts';
import { durationOf } from '../client/outcome.ts';
import type { Invocation, Option } from './command.ts';
import { warn } from './report.ts';
import { askToken, TOKEN_OPTIONS } from './secrets.ts';

/** Options that say which account is meant, beside the address of its vault. */
export const ACCOUNT_OPTIONS: Readonly<Record<string, Option>> = {
  pins: { value: 'file', help: 'whose signatures to believe: the pins.json of the vault' },
  account: { value: 'name', help: 'name of the account' },
  ...TOKEN_OPTIONS,
  state: { value: 'folder', help: 'what this device remembers; default ~/.local/state/strongroom' },
};

/** Options of a command about an account. */
export const VAULT_ACCOUNT_OPTIONS: Readonly<Record<string, Option>> = {
  vault: { value: 'url', help: 'address of the vault, or of the relay in front of it' },
  ...ACCOUNT_OPTIONS,
  json: { help: 'print JSON' },
};

function stateFolder(invocation: Invocation): string {
  const base = process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state');
  return invocation.option('state') ?? join(base, 'strongroom');
}

/** A session with the vault that an option names. */
export async function openSession(invocation: Invocation, address: 'vault' | 'head-vault'): Promise<Session> {
  const url = invocation.required(address);
  const [pins, account] = [invocation.required('pins'), invocation.required('account')];
  const token = await askToken(invocation);
  return connect({
    transport: httpTransport(url, token === undefined ? {} : { token }),
    pins: parsePins(await readFile(pins, 'utf8')),
    account,
    keeper: folderKeeper(stateFolder(invocation)),
    signal: invocation.signal,
  });
}

/** Gives `work` a session; however it ends, the owner is told of what is scheduled. */
export async function withSession(
  invocation: Invocation,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const session = await openSession(invocation, 'vault');
  try {
    await work(session);
  } finally {
    warnOfScheduled(invocation, session, 'vault');
  }
}

/** An argument as a shell takes it. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/u.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`;
}

/** The command about this account whose name is given, as it has to be typed. */
export function commandFor(
  invocation: Invocation,
  name: string,
  address: 'vault' | 'head-vault' = 'vault',
): string {
  const given = (option: string, value: string | undefined): string =>
    value === undefined ? '' : ` --${option} ${quoted(value)}`;
  const options = ['pins', 'account', 'token-file', 'state'].map((option) =>
    given(option, invocation.option(option)),
  );
  return `strongroom ${name}${given('vault', invocation.option(address))}${options.join('')}`;
}

/** A change that waits and was not ordered by the owner is somebody's attack: it must not be overlooked. */
export function warnOfScheduled(
  invocation: Invocation,
  { scheduled }: Session,
  address: 'vault' | 'head-vault',
): void {
  if (scheduled === undefined) return;
  const what = scheduled.change === 'deletion' ? 'a deletion' : 'a replacement';
  warn(
    `${what} of the registered key is scheduled: it takes effect in ${durationOf(scheduled.wait, Math.floor)}. ` +
      `If this was not you, cancel it: ${commandFor(invocation, 'cancel', address)}`,
  );
}

/** Facts that are seconds; people are told in words. */
const SECONDS = new Set(['wait', 'effective']);

/** Facts as lines for people, or as one JSON object; with what is scheduled, if anything is. */
export function print(
  invocation: Invocation,
  { scheduled }: Session,
  facts: Readonly<Record<string, string | number>>,
): void {
  const account = invocation.required('account');
  const waits = scheduled === undefined ? {} : { scheduled: scheduled.change, effective: scheduled.wait };
  const all: Readonly<Record<string, string | number>> = { account, ...facts, ...waits };
  if (invocation.has('json')) {
    process.stdout.write(`${JSON.stringify(all)}\n`);
    return;
  }
  for (const [name, value] of Object.entries(all)) {
    const text = typeof value === 'number' && SECONDS.has(name) ? durationOf(value) : value;
    process.stdout.write(`${name.padEnd(12)} ${text}\n`);
  }
}
