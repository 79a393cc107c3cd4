import { describe, expect, test } from 'vitest';
import { BackupKey } from '../keys/backup-key.ts';
import { OLD, ownerOf } from './account-fixture.ts';
import { CHEAP_BOUNDS, dyingKeeper, faulty, refusal, startVault } from './fixture.ts';
import {
  abandonRegistration,
  accountStatus,
  httpTransport,
  memoryKeeper,
  recover,
  register,
  resumeRegistration,
  unfinishedRegistration,
  type Keeper,
} from './index.ts';

const password = OLD;
const owner = ownerOf('registration', startVault);
const { open } = owner;

const options = { password, stretchBounds: CHEAP_BOUNDS };

async function recovered(): Promise<string> {
  return (await recover(await open(memoryKeeper()), options)).key.recoveryKey();
}

/** What a device does with its journal when it starts again. */
async function goOn(keeper: Keeper, key: BackupKey): Promise<'anew' | 'resumed' | 'nothing'> {
  const session = await open(keeper);
  const unfinished = await unfinishedRegistration(session);
  if (unfinished === undefined) return 'nothing';
  expect(unfinished.key?.recoveryKey()).toBe(key.recoveryKey());
  if (unfinished.step === 'begun') {
    await register(session, { ...options, key });
    return 'anew';
  }
  await resumeRegistration(session);
  return 'resumed';
}

describe('a registration that is cut off', () => {
  // proves CLI-25, CLI-26, CLI-27, CLI-29
  test('by a loss of power at every write, before or after: it ends with the key behind the password', async () => {
    const ways = new Set<string>();
    for (const when of ['before', 'after'] as const) {
      for (let step = 0; ; step++) {
        owner.account = `power ${when} ${step}`;
        const key = BackupKey.generate();
        const { keeper, survivor, dead } = dyingKeeper(step, when);
        const session = await open(keeper).catch(() => undefined);
        if (session !== undefined) await register(session, { ...options, key }).catch(() => undefined);
        if (!dead()) break;
        const way = await goOn(survivor, key);
        ways.add(way);
        if (way === 'nothing' && (await accountStatus(await open(survivor))).phase === 'none') {
          // Cut off before the key was written down: nothing was sent either.
          await register(await open(survivor), { ...options, key });
        }
        expect(await recovered()).toBe(key.recoveryKey());
        expect(await unfinishedRegistration(await open(survivor))).toBeUndefined();
        const { phase, generation } = await accountStatus(await open(survivor));
        // Only a registration that is begun anew may take another generation.
        expect([phase, way === 'anew' ? 1 : generation]).toEqual(['active', 1]);
      }
    }
    expect(ways).toEqual(new Set(['nothing', 'anew', 'resumed']));
  });

  test.each([
    ['register-start', 0, 'anew', 3],
    ['register-finish', 1, 'resumed', 2],
    ['register-confirm', 2, 'resumed', 1],
  ] as const)(
    'by the loss of %s or of its answer: the rest is sent, and no more',
    async (_name, index, way, sent) => {
      for (const loss of ['drop-request', 'drop-answer'] as const) {
        owner.account = `lost ${index} ${loss}`;
        const key = BackupKey.generate();
        const keeper = memoryKeeper();
        owner.transport = faulty(httpTransport(owner.vault.url));
        owner.transport.fate = (at) => (at === index ? loss : 'deliver');
        expect((await refusal(register(await open(keeper), { ...options, key }))).code).toBe('unavailable');
        owner.transport = faulty(httpTransport(owner.vault.url));
        expect(await goOn(keeper, key)).toBe(way);
        expect(owner.transport.sent).toHaveLength(sent);
        expect(await recovered()).toBe(key.recoveryKey());
      }
    },
  );

  // proves CLI-28, REG-11
  test('is never begun again by the program: neither with the same key nor with another', async () => {
    const key = BackupKey.generate();
    const keeper = memoryKeeper();
    owner.transport.fate = (index) => (index === 1 ? 'drop-answer' : 'deliver');
    await refusal(register(await open(keeper), { ...options, key }));
    owner.transport.sent.length = 0;
    for (const next of [key, BackupKey.generate()]) {
      const error = await refusal(register(await open(keeper), { ...options, key: next }));
      expect(error.code).toBe('registration-unfinished');
    }
    expect(owner.transport.sent).toHaveLength(0);
  });

  test('before its record was made keeps its key: another one does not replace it', async () => {
    const key = BackupKey.generate();
    const keeper = memoryKeeper();
    owner.transport.fate = () => 'drop-request';
    await refusal(register(await open(keeper), { ...options, key }));
    owner.transport.fate = () => 'deliver';
    const error = await refusal(register(await open(keeper), { ...options, key: BackupKey.generate() }));
    expect(error.code).toBe('registration-unfinished');
    await register(await open(keeper), { ...options, key });
    expect(await recovered()).toBe(key.recoveryKey());
  });

  // proves CLI-31
  test('and overtaken by another device: conflict, the journal stays, and only the owner abandons it', async () => {
    const keeper = memoryKeeper();
    owner.transport.fate = (index) => (index === 2 ? 'drop-request' : 'deliver');
    await refusal(register(await open(keeper), { ...options, key: BackupKey.generate() }));
    owner.transport.fate = () => 'deliver';
    const faster = BackupKey.generate();
    await register(await open(memoryKeeper()), { ...options, key: faster });
    expect((await refusal(resumeRegistration(await open(keeper)))).code).toBe('conflict');
    expect((await unfinishedRegistration(await open(keeper)))?.step).toBe('finishing');
    expect(await recovered()).toBe(faster.recoveryKey());
    await abandonRegistration(await open(keeper));
    expect(await unfinishedRegistration(await open(keeper))).toBeUndefined();
    expect((await refusal(resumeRegistration(await open(keeper)))).code).toBe('conflict');
  });
});

// proves CLI-30
test('the journal never holds the password, and is gone when all is done', async () => {
  const texts: string[] = [];
  const inner = memoryKeeper();
  const keeper: Keeper = {
    ...inner,
    write(name, text) {
      texts.push(text);
      return inner.write(name, text);
    },
  };
  const key = BackupKey.generate();
  await register(await open(keeper), { ...options, key });
  const all = texts.join('\n');
  expect(all).toContain('"step":"begun"');
  expect(all).not.toContain(password);
  expect(all).not.toContain(Buffer.from(password).toString('hex'));
  expect(await unfinishedRegistration(await open(keeper))).toBeUndefined();
});
