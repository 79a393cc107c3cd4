/**
 * The account at a vault: `strongroom register`, `recover` and `status`.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  abandonRegistration,
  accountStatus,
  acknowledge,
  connect,
  folderKeeper,
  httpTransport,
  parsePins,
  recover,
  register,
  resumeRegistration,
  unfinishedRegistration,
  type Recovered,
  type Registration,
  type Session,
} from '../client/index.ts';
import { hex } from '../wire/bytes.ts';
import { wholeNumber, type Command, type Invocation, type Option } from './command.ts';
import { keyFile } from './key.ts';
import { counted } from './progress.ts';
import { warn } from './report.ts';
import {
  askKey,
  askNewPassword,
  askPassword,
  KEY_OPTIONS,
  PASSWORD_OPTIONS,
  PREVIOUS_KEY_OPTIONS,
  previousKey,
} from './secrets.ts';

const ACCOUNT_OPTIONS: Readonly<Record<string, Option>> = {
  vault: { value: 'url', help: 'address of the vault' },
  pins: { value: 'file', help: 'whose signatures to believe: the pins.json of the vault' },
  account: { value: 'name', help: 'name of the account' },
  state: { value: 'folder', help: 'what this device remembers; default ~/.local/state/strongroom' },
  json: { help: 'print JSON' },
};

function stateFolder(invocation: Invocation): string {
  const base = process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state');
  return invocation.option('state') ?? join(base, 'strongroom');
}

async function sessionOf(invocation: Invocation): Promise<Session> {
  const pins = parsePins(await readFile(invocation.required('pins'), 'utf8'));
  return connect({
    transport: httpTransport(invocation.required('vault')),
    pins,
    account: invocation.required('account'),
    keeper: folderKeeper(stateFolder(invocation)),
    signal: invocation.signal,
  });
}

/** Facts as lines for people, or as one JSON object. */
function print(invocation: Invocation, facts: Readonly<Record<string, string | number>>): void {
  if (invocation.has('json')) {
    process.stdout.write(`${JSON.stringify(facts)}\n`);
    return;
  }
  for (const [name, value] of Object.entries(facts)) process.stdout.write(`${name.padEnd(12)} ${value}\n`);
}

function printRegistration(invocation: Invocation, registration: Registration): void {
  const { generation, recordHash, budget, remaining } = registration;
  const account = invocation.required('account');
  print(invocation, { account, generation, attempts: remaining, budget, record: hex(recordHash) });
}

const registerCommand: Command = {
  name: 'register',
  summary: 'Puts the backup key behind a password at a vault.',
  arguments: [],
  options: {
    ...ACCOUNT_OPTIONS,
    ...KEY_OPTIONS,
    ...PASSWORD_OPTIONS,
    ...PREVIOUS_KEY_OPTIONS,
    budget: { value: 'n', help: 'wrong passwords until the vault destroys the key, 1 to 100' },
    resume: { help: 'finish a registration that was cut off; needs neither key nor password' },
    abandon: { help: 'forget a registration that was cut off' },
  },
  notes: [
    'Every step is written down before it is sent. If it is cut off, run it again with --resume.',
    'To change the password run it again with the same key; for another key give the one that is registered too.',
  ],
  examples: [
    'strongroom register --vault https://vault.example --pins pins.json --account me@example --key-file backup.key',
    'strongroom register --vault https://vault.example --pins pins.json --account me@example --resume',
  ],
  async run(invocation) {
    const { signal } = invocation;
    const session = await sessionOf(invocation);
    if (invocation.has('abandon')) return abandonRegistration(session);
    if (invocation.has('resume')) {
      return printRegistration(invocation, await resumeRegistration(session, { signal }));
    }
    const budget = invocation.option('budget');
    const key = await askKey(invocation);
    const previous = await previousKey(invocation);
    const password = await askNewPassword(invocation);
    const registration = await register(session, {
      key,
      password,
      signal,
      ...(previous === undefined ? {} : { previousKey: previous }),
      ...(budget === undefined ? {} : { budget: wholeNumber('budget', budget, 100) }),
    });
    key.wipe();
    previous?.wipe();
    return printRegistration(invocation, registration);
  },
};

const recoverCommand: Command = {
  name: 'recover',
  summary: 'Gets the backup key back with the password.',
  arguments: [],
  options: {
    ...ACCOUNT_OPTIONS,
    ...PASSWORD_OPTIONS,
    output: { value: 'file', help: 'write the key to a new file, mode 0600, and do not print it' },
  },
  notes: ['A wrong password is charged. When the budget is spent, the vault destroys the key.'],
  examples: [
    'strongroom recover --vault https://vault.example --pins pins.json --account me@example --output backup.key',
  ],
  async run(invocation) {
    const { signal } = invocation;
    const session = await sessionOf(invocation);
    const out = invocation.option('output');
    // Opened before anything is charged: a full disk must not cost an attempt.
    const file = out === undefined ? undefined : await keyFile(out);
    let recovered: Recovered;
    try {
      recovered = await recover(session, { password: await askPassword(invocation), signal });
      await file?.save(recovered.key);
    } catch (error) {
      await file?.discard();
      throw error;
    }
    const { key, report, remaining, budget } = recovered;
    print(invocation, {
      account: invocation.required('account'),
      attempts: remaining,
      budget,
      failed: report.failed,
      ...(out === undefined ? { key: key.recoveryKey() } : { file: out }),
    });
    key.wipe();
    if (report.failed > 0) {
      const tried = counted(report.failed, 'wrong password was', 'wrong passwords were');
      warn(`${tried} tried since you last recovered`);
    }
    await acknowledge(session, report);
  },
};

const statusCommand: Command = {
  name: 'status',
  summary: 'Asks the vault how the account stands; charges nothing.',
  arguments: [],
  options: ACCOUNT_OPTIONS,
  examples: ['strongroom status --vault https://vault.example --pins pins.json --account me@example'],
  async run(invocation) {
    const session = await sessionOf(invocation);
    const unfinished = await unfinishedRegistration(session);
    const { phase, generation, budget, remaining, retryAfter, report } = await accountStatus(
      session,
      invocation,
    );
    print(invocation, {
      account: invocation.required('account'),
      phase,
      generation,
      attempts: remaining,
      budget,
      wait: retryAfter,
      failed: report.failed,
      ...(unfinished === undefined
        ? {}
        : { unfinished: unfinished.resumable ? 'register --resume' : 'register again, with the same key' }),
    });
  },
};

/** Commands about an account at a vault. */
export const ACCOUNT_COMMANDS: readonly Command[] = [registerCommand, recoverCommand, statusCommand];
