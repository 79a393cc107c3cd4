/**
 * `npm start`: the whole way of a backup with real parts, each in a process of its own (docs/cli.md tells how to do
 * it by hand). Exit code 0 only if every step did what it must.
 *
 * @module
 */
import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DemoFailure, endAll, ROOT, run, serve, strongroom, type RunningService } from './demo-process.ts';
import { compare, projectFiles, stage } from './demo-tree.ts';
import { sizeOf } from './progress.ts';

const PASSWORD = 'correct horse battery staple';
const WRONG = 'Tr0ub4dor&3';
const ACCOUNT = '+1 555 0100';
const THIRD_ACCOUNT = '+1 555 0142';
const SPENT_ACCOUNT = '+1 555 0199';
const BUDGET = 3;
/** For the demonstration alone: nobody wants to wait four days for the last attempt. */
const TEST_POLICY = { delays: [], lastChanceSeconds: 600 };

const ROLES = [
  'container-reader',
  'container-writer',
  'set-reader',
  'set-writer',
  'chat-reader',
  'chat-writer',
  'vault-client',
  'vault-server',
];

/** Where all state goes; tests name another folder. */
const HOME = process.env['STRONGROOM_DEMO'] ?? join(ROOT, '.strongroom', 'demo');
const place = (...names: string[]): string => join(HOME, ...names);

function say(text = ''): void {
  process.stdout.write(`${text}\n`);
}

function step(letter: string, title: string): void {
  say(`\n${letter}. ${title}`);
}

function tell(text: string): void {
  say(text.trimEnd().replaceAll(/^/gmu, '   '));
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new DemoFailure(`this does not hold: ${what}`);
}

/** The source: a folder of the user's, or a copy of the project's own files. */
function sourceFolder(argument: string | undefined): string {
  if (argument !== undefined) {
    const folder = resolve(process.env['INIT_CWD'] ?? process.cwd(), argument);
    check(statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true, `${folder} is a folder`);
    return folder;
  }
  const folder = place('original');
  stage(ROOT, projectFiles(ROOT), folder);
  return folder;
}

/** A vault, and in front of it the relay of a messaging service, which knows its users by their tokens. */
async function startServices(): Promise<RunningService> {
  const [folder, relayFolder] = [place('vault'), place('relay')];
  mkdirSync(folder, { recursive: true });
  await strongroom(['relay', 'init', relayFolder, '--vault', 'http://127.0.0.1:1'], { cwd: HOME });
  writeFileSync(place('policy.json'), JSON.stringify(TEST_POLICY));
  const relayKey = join(relayFolder, 'relay.pub');
  const init = ['vault', 'init', folder, '--signers', '3', '--threshold', '2', '--relay', relayKey];
  await strongroom([...init, '--policy', place('policy.json'), '--operator', 'demonstration'], { cwd: HOME });
  const vault = await serve('vault', folder);
  tell(`vault: process ${vault.pid}, ${vault.url}, state in ${folder}`);
  tell('embedded store, software HSM, descriptor signed by 3 signers of whom clients ask for 2');
  tell(`test policy: no delays between attempts`);
  for (const account of [ACCOUNT, SPENT_ACCOUNT, THIRD_ACCOUNT]) {
    const { stdout } = await strongroom(['relay', 'token', 'add', relayFolder, account], { cwd: HOME });
    tokens.set(account, stdout);
  }
  const relay = await serve('relay', relayFolder, { STRONGROOM_RELAY_VAULT: vault.url });
  tell(`relay: process ${relay.pid}, ${relay.url}; it knows who asks, and neither what nor the answer`);
  return {
    url: relay.url,
    pid: relay.pid,
    stop: async () => Math.max(await relay.stop(), await vault.stop()),
  };
}

/** What the messaging service gives each of its users who log in. */
const tokens = new Map<string, string>();

/** What any client is given: the address of the relay, the pins, and after its login at the service a token. */
function accountOptions(service: RunningService, account: string, folder: string): string[] {
  const at = (name: string): string => join(folder, name);
  writeFileSync(at('token'), tokens.get(account) ?? '', { mode: 0o600 });
  const options = ['--vault', service.url, '--pins', at('pins.json'), '--account', account];
  return [...options, '--token-file', at('token'), '--state', at('state')];
}

/** An empty folder for a device, with the pins that its program came with, and nothing else. */
function device(name: string): string {
  const folder = place(name);
  mkdirSync(folder, { recursive: true });
  check(readdirSync(folder).length === 0, `${folder} is empty`);
  copyFileSync(place('vault', 'pins.json'), join(folder, 'pins.json'));
  return folder;
}

/** Backs up, registers, prints the recovery key, forgets everything. Returns the recovery key as the user's paper. */
async function oldDevice(service: RunningService, source: string): Promise<string> {
  const cwd = device('old-device');
  const key = ['--key-file', join(cwd, 'backup.key')];

  step('b', `The old device backs up ${source}`);
  await strongroom(['key', 'new', '--output', 'backup.key'], { cwd });
  tell((await strongroom(['backup', source, '--to', place('cloud'), ...key], { cwd })).stdout);
  const objects = readdirSync(place('cloud')).length;
  tell(`one sealed object a file and two copies of the manifest: ${objects} objects in ${place('cloud')}`);

  step('c', 'The old device shows the recovery key, registers the password, and is lost');
  const digits = (await strongroom(['key', 'show', ...key], { cwd })).stdout.trim();
  tell(`recovery key   ${digits.slice(0, 39)}\n               ${digits.slice(40)}`);
  const options = accountOptions(service, ACCOUNT, cwd);
  const register = ['register', ...options, ...key, '--password-fd', '3'];
  tell((await strongroom(register, { cwd, secret: PASSWORD })).stdout);
  rmSync(cwd, { recursive: true });
  tell('everything that the device knew is deleted');
  return digits;
}

/** Restores with a key from `options`, and compares every byte. */
async function restoreAndCompare(
  cwd: string,
  key: readonly string[],
  source: string,
  secret = '',
): Promise<void> {
  const to = join(cwd, 'restored');
  const restore = ['restore', '--from', place('cloud'), '--to', to, ...key];
  tell((await strongroom(restore, { cwd, secret })).stdout);
  const { files, bytes, differences } = compare(source, to);
  check(
    differences.length === 0,
    `the restored folder is the original:\n${differences.slice(0, 10).join('\n')}`,
  );
  tell(`compared: ${files} files, ${sizeOf(bytes)}, every byte the same`);
}

async function newDevice(service: RunningService, source: string, digits: string): Promise<void> {
  step('d', 'A new device: an empty folder, the storage, the pins, the account and the password');
  const cwd = device('new-device');
  const recover = [
    'recover',
    ...accountOptions(service, ACCOUNT, cwd),
    '--password-fd',
    '3',
    '--output',
    'backup.key',
  ];
  const wrong = await strongroom(recover, { cwd, secret: WRONG, expect: 3 });
  tell(`wrong password:\n${wrong.stderr}`);
  check(wrong.stderr.includes('attempts left: 9'), 'a wrong password costs one attempt of ten');
  tell(`right password:\n${(await strongroom(recover, { cwd, secret: PASSWORD })).stdout}`);
  await restoreAndCompare(cwd, ['--key-file', join(cwd, 'backup.key')], source);

  const another = device('another-device');
  tell('once more, in another empty folder, with the 64 digits alone:');
  await restoreAndCompare(another, ['--key-fd', '3'], source, digits);
}

/** A new password, a deletion that nobody has proved and that the owner cancels, and one with the key. */
async function changeAndDelete(service: RunningService): Promise<void> {
  step('e', 'The password is changed, a deletion by a stranger is cancelled, and the owner deletes the key');
  const cwd = device('third-account');
  const options = accountOptions(service, THIRD_ACCOUNT, cwd);
  const [key, password] = [
    ['--key-file', 'backup.key'],
    ['--password-fd', '3'],
  ];
  await strongroom(['key', 'new', '--output', 'backup.key'], { cwd });
  await strongroom(['register', ...options, ...key, ...password], { cwd, secret: WRONG });
  writeFileSync(join(cwd, 'new-password'), PASSWORD, { mode: 0o600 });
  const change = ['change-password', ...options, ...password, '--new-password-file', 'new-password'];
  tell((await strongroom(change, { cwd, secret: WRONG })).stdout);
  await strongroom(['recover', ...options, ...password], { cwd, secret: WRONG, expect: 3 });
  tell('the old password is wrong from now on');
  await strongroom(['delete', ...options, '--unproved', '--yes'], { cwd });
  const status = await strongroom(['status', ...options], { cwd });
  tell(`a stranger asks for the deletion; the owner sees, whatever the owner asks:\n${status.stderr}`);
  check(status.stderr.includes('strongroom cancel'), 'the owner is told how to cancel it');
  tell((await strongroom(['cancel', ...options, ...key], { cwd })).stdout);
  const after = await strongroom(['status', ...options], { cwd });
  check(after.stderr === '' && /^phase +active$/mu.test(after.stdout), 'the key is still there');
  tell((await strongroom(['delete', ...options, ...key, '--yes'], { cwd })).stdout);
  await strongroom(['recover', ...options, ...password], { cwd, secret: PASSWORD, expect: 6 });
  tell('the vault has no key of this account any more');
}

/** Spends the budget of a second account; the right password then gets nothing. */
async function spendBudget(service: RunningService): Promise<void> {
  step('f', `A second account with a budget of ${BUDGET}, spent with wrong passwords`);
  const cwd = device('second-account');
  await strongroom(['key', 'new', '--output', 'backup.key'], { cwd });
  const options = accountOptions(service, SPENT_ACCOUNT, cwd);
  const password = ['--password-fd', '3'];
  const register = [
    'register',
    ...options,
    '--key-file',
    'backup.key',
    '--budget',
    String(BUDGET),
    ...password,
  ];
  await strongroom(register, { cwd, secret: PASSWORD });
  for (let left = BUDGET - 1; left >= 0; left--) {
    const expect = left > 0 ? 3 : 6;
    const { stderr } = await strongroom(['recover', ...options, ...password], { cwd, secret: WRONG, expect });
    const [line = ''] = stderr.split('\n');
    tell(`wrong password: ${line}`);
    check(line.startsWith(left > 0 ? 'wrong-password' : 'destroyed'), 'the vault counts every attempt');
    check(left === 0 || line.includes(`attempts left: ${left}`), `${left} attempts are left`);
  }
  const last = await strongroom(['recover', ...options, ...password], { cwd, secret: PASSWORD, expect: 6 });
  tell(`right password: ${last.stderr}`);
  check(
    last.stdout === '' && last.stderr.startsWith('destroyed'),
    'the right password gets nothing any more',
  );
}

async function conformance(): Promise<void> {
  step('g', 'The conformance suite, against this reference implementation');
  const adapter = `"${process.execPath}" "${join(ROOT, 'conformance', 'adapters', 'reference.ts')}"`;
  const out = place('conformance');
  const claims = ROLES.flatMap((role) => ['--claim', role]);
  const suite = join(ROOT, 'conformance', 'cli.ts');
  const ran = await run([suite, 'run', '--adapter', adapter, ...claims, '--out', out], { cwd: ROOT });
  const verdicts = ran.stdout.split('\n').filter((line) => line.startsWith('VERDICT '));
  if (ran.code !== 0) throw new DemoFailure(`the suite ended with ${ran.code}:\n${ran.stdout}${ran.stderr}`);
  check(verdicts.length === ROLES.length, `there is a verdict for each of ${ROLES.join(', ')}`);
  tell(`report: ${join(out, 'report.html')}`);
  say();
  for (const verdict of verdicts) say(verdict);
}

async function demonstrate(argument: string | undefined): Promise<void> {
  const started = performance.now();
  rmSync(HOME, { recursive: true, force: true });
  mkdirSync(HOME, { recursive: true });
  const source = sourceFolder(argument);
  say(`Strongroom, from the first backup to the last attempt. All state is in ${HOME}`);
  step('a', 'A vault starts, and a relay in front of it');
  const service = await startServices();
  const digits = await oldDevice(service, source);
  await newDevice(service, source, digits);
  await changeAndDelete(service);
  await spendBudget(service);
  check((await service.stop()) === 0, 'relay and vault end cleanly');
  await conformance();
  process.stderr.write(`all of it holds; ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
}

for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(130));
process.on('exit', endAll);
try {
  await demonstrate(process.argv[2]);
} catch (error) {
  if (!(error instanceof DemoFailure)) throw error;
  process.stderr.write(`\nFAILED: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  endAll();
}
