/**
 * Every client against every vault, and every two clients of one account.
 *
 * @module
 */
import { signHead } from '../peer/head.ts';
import { toHex } from '../peer/primitives.ts';
import type { Cell, MatrixTable } from '../schema/matrix.ts';
import type { Value } from '../schema/vector.ts';
import {
  ask,
  attempt,
  Checks,
  drawn,
  Mismatch,
  newFolder,
  refused,
  type Parameters,
  type Run,
} from './crossing.ts';
import type { Member } from './implementations.ts';

/** Stretching that takes no second, and still goes through each implementation's Argon2id with several blocks. */
const STRETCH = { algorithm: 1, iterations: 2, memoryKib: 4096, parallelism: 1 };
const POLICY = JSON.stringify({ delays: [0], stretch: STRETCH });
const { algorithm: _algorithm, ...FLOOR } = STRETCH;

/** Milliseconds that a client may wait for the vault. */
const PATIENCE = 10_000;

/** A vault that runs. */
interface Running {
  readonly url: string;
  readonly pins: Value;
  readonly stop: () => Promise<void>;
}

async function start(run: Run, member: Member): Promise<Running> {
  const state = newFolder(run, `vault-${member.name}`);
  const request = { op: 'vault.start', params: { state, policy: POLICY } };
  const { url, pins } = await ask(member, request.op, request.params);
  const stop = async (): Promise<void> => void (await ask(member, 'vault.stop', { state, mode: 'term' }));
  if (typeof url === 'string' && typeof pins === 'object' && pins !== null) return { url, pins, stop };
  await stop();
  throw new Mismatch(member.name, request, 'vault.start answered without url and pins');
}

/** A client with a state folder of its own. */
class Device {
  readonly #member: Member;
  readonly #common: Parameters;

  constructor(run: Run, member: Member, { url, pins }: Running, account: string) {
    this.#member = member;
    this.#common = {
      url,
      pins,
      account,
      stretchFloor: FLOOR,
      timeout: PATIENCE,
      state: newFolder(run, `client-${member.name}`),
    };
  }

  /** A command whose result must have these fields. */
  async must(command: string, params: Parameters, expected: Parameters = {}): Promise<void> {
    const all = { ...this.#common, ...params, command };
    const result = await ask(this.#member, 'client.run', all);
    for (const [name, value] of Object.entries(expected)) {
      if (JSON.stringify(result[name]) === JSON.stringify(value)) continue;
      throw new Mismatch(
        this.#member.name,
        { op: 'client.run', params: all },
        `${command} brought ${name} ${JSON.stringify(result[name])}, not ${JSON.stringify(value)}`,
      );
    }
  }

  /** A command that must be refused. */
  async mustNot(command: string, params: Parameters, code: string): Promise<void> {
    await refused(this.#member, 'client.run', { ...this.#common, ...params, command }, code);
  }
}

/** The life of one account in the hands of two clients; each step needs the one before. */
function life(
  run: Run,
  name: string,
  a: Device,
  b: Device,
): readonly (readonly [string, () => Promise<void>])[] {
  const key = drawn(run.seed, `account ${name}`, 32);
  const [first, second] = ['correct horse', 'Ⅳ batteries 🔋'];
  const one = { backupKey: toHex(key), password: first };
  const two = { ...one, password: second };
  const other = { ...one, backupKey: toHex(drawn(run.seed, `account ${name}, second key`, 32)) };
  const head = (generation: number): string =>
    toHex(
      signHead(key, {
        setId: drawn(run.seed, 'set', 16),
        generation,
        manifestId: drawn(run.seed, `manifest ${generation}`, 32),
        created: 1_700_000_000,
        keyEpoch: 1,
      }),
    );
  return [
    ['the first registers', async () => a.must('register', one)],
    ['the second recovers the key', async () => b.must('recover', one, { backupKey: one.backupKey })],
    [
      'a wrong password at the second',
      async () => b.mustNot('recover', { ...one, password: 'wrong' }, 'wrong-password'),
    ],
    [
      'the first recovers the key, with the charge in between',
      async () => a.must('recover', one, { backupKey: one.backupKey, scheduled: 'none' }),
    ],
    [
      'the first puts a head, and the second gets it and puts the next',
      async () => {
        await a.must('put-head', { ...one, head: head(1) });
        await b.must('get-head', one, { head: head(1) });
        await b.must('put-head', { ...one, head: head(2), previous: head(1) });
        await a.must('get-head', one, { head: head(2) });
      },
    ],
    [
      'the second changes the password',
      async () => b.must('change-password', { ...one, newPassword: second }),
    ],
    ['the old password at the first', async () => a.mustNot('recover', one, 'wrong-password')],
    ['the first recovers with the new one', async () => a.must('recover', two, { backupKey: two.backupKey })],
    [
      'a deletion of the first without proof waits, and the second sees and cancels it',
      async () => {
        await a.must('delete', { ...two, proof: 'none' }, { scheduled: 'deletion' });
        await b.must('status', two, { scheduled: 'deletion' });
        await b.must('cancel', { ...two, proof: 'key' }, { scheduled: 'none' });
      },
    ],
    [
      'the second deletes with the password, and nothing is left for the first',
      async () => {
        await b.must('delete', { ...two, proof: 'password' });
        await a.mustNot('recover', two, 'not-registered');
      },
    ],
    [
      'the second registers another key, and the first recovers it',
      async () => {
        await b.must('register', other);
        await a.must('recover', other, { backupKey: other.backupKey });
      },
    ],
  ];
}

/** Every two clients, of which either may be the same, at every vault. */
export async function crossAccounts(
  run: Run,
  clients: readonly Member[],
  vaults: readonly Member[],
): Promise<MatrixTable> {
  const cells: Cell[] = [];
  for (const vault of clients.length === 0 ? [] : vaults) {
    run.progress(`${vault.name} starts a vault`);
    const running = await attempt(async () => start(run, vault));
    for (const one of clients) {
      for (const other of clients) {
        run.progress(`${one.name} and ${other.name} share an account at ${vault.name}`);
        cells.push(await share(run, one, other, vault, running));
      }
    }
    await attempt(async () => running().stop());
  }
  return {
    kind: 'accounts',
    title: 'Accounts: whose two clients share one, and whose vault keeps it',
    cells,
  };
}

async function share(
  run: Run,
  one: Member,
  other: Member,
  vault: Member,
  running: () => Running,
): Promise<Cell> {
  const checks = new Checks(run);
  const name = `${one.name} and ${other.name}`;
  const devices: Device[] = [];
  const begun = await checks.check('the vault runs', async () => {
    devices.push(...[one, other].map((member) => new Device(run, member, running(), name)));
  });
  const [a, b] = devices;
  if (begun && a !== undefined && b !== undefined) {
    for (const [title, play] of life(run, name, a, b)) if (!(await checks.check(title, play))) break;
  }
  return checks.cell([one.name, other.name], vault.name);
}
