import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { BackupKey } from '../container/index.ts';
import { ENVIRONMENT } from '../fixture.ts';
import { backup, DirectoryStorage, verify } from '../set/index.ts';
import { MAIN, workplace } from './fixture.ts';

const place = workplace();
afterAll(() => place.remove());

const key = BackupKey.generate();
const keyFile = place.write('key', key.recoveryKey());
const source = place.path('source');
const store = place.path('store');
/** Between two kills; in long runs every change is the last one once. */
const STRIDE = process.env['STRONGROOM_LONG'] === '1' ? 1 : 4;

/** Runs `strongroom backup` and kills it before a change of the file system; 0 lets it live, and counts them. */
function run(to: string, killAt: number): { signal: string | null; status: number | null; stdout: string } {
  const preload = fileURLToPath(new URL('kill-fixture.ts', import.meta.url));
  const args = ['--import', preload, MAIN, 'backup', source, '--to', to, '--key-file', keyFile];
  const env = { ...ENVIRONMENT, STRONGROOM_KILL_AT: String(killAt) };
  return spawnSync(process.execPath, args, { env, encoding: 'utf8' });
}

// proves SET-5, SET-8
test('a backup that is killed before any of its changes leaves a whole one, and the next one finishes', async () => {
  cpSync(fileURLToPath(new URL('.', import.meta.url)), source, { recursive: true });
  writeFileSync(`${source}/large`, new Uint8Array(300_000).fill(1));
  await backup(source, new DirectoryStorage(store), { key });
  writeFileSync(`${source}/large`, new Uint8Array(400_000).fill(2));
  writeFileSync(`${source}/small`, 'new');
  const copy = (name: string): string => {
    cpSync(store, place.path(name), { recursive: true });
    return place.path(name);
  };
  const whole = run(copy('whole'), 0);
  expect(whole).toMatchObject({ status: 0, signal: null });
  const changes = Number(/^changes: (\d+)$/mu.exec(whole.stdout)?.[1]);
  expect(changes).toBeGreaterThan(15);
  const generations = new Set<number>();
  for (let at = 1; at <= changes; at += STRIDE) {
    const to = copy(`killed-${at}`);
    expect(run(to, at).signal).toBe('SIGKILL');
    const storage = new DirectoryStorage(to);
    const { failed, damaged, generation } = await verify(storage, key);
    expect([failed, damaged]).toEqual([[], []]);
    generations.add(generation);
    const next = await backup(source, storage, { key });
    expect(next.skipped).toEqual([]);
    expect(next.generation).toBe(generation + 1);
    expect(await verify(storage, key)).toMatchObject({ failed: [], damaged: [], generation: generation + 1 });
    // Nothing of the killed one has a name but what is whole.
    const names = readdirSync(to).filter((name) => !name.startsWith('.'));
    expect(names.every((name) => name.endsWith('.sro'))).toBe(true);
  }
  expect(generations).toContain(1);
});
