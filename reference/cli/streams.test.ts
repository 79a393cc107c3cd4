import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { syncFolder } from '../set/directory-storage.ts';
import { workplace } from './fixture.ts';
import { fileOutput } from './streams.ts';

vi.mock('../set/directory-storage.ts', { spy: true });

const place = workplace();
afterAll(() => place.remove());
beforeEach(() => void vi.mocked(syncFolder).mockReset());

const bytes = new TextEncoder().encode('new');
const parts = (): string[] => readdirSync(place.folder).filter((name) => name.includes('.part'));

async function put(path: string, force: boolean): Promise<void> {
  const output = await fileOutput(path, { force, durable: true });
  await output.write(bytes);
  await output.commit();
}

// proves CLI-44
test.each([false, true])('a file has its name before its folder is synced (force: %s)', async (force) => {
  const path = place.path(`durable-${force}`);
  vi.mocked(syncFolder).mockImplementation((folder) => {
    expect(folder).toBe(place.folder);
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(parts()).toEqual([]);
  });
  await put(path, force);
  expect(syncFolder).toHaveBeenCalledOnce();
});

describe('what is in the way', () => {
  test('a link that leads nowhere stays, and nothing appears where it points', async () => {
    const path = place.path('dangling');
    symlinkSync('nowhere', path);
    await expect(put(path, false)).rejects.toMatchObject({ code: 'exists' });
    expect(readlinkSync(path)).toBe('nowhere');
    await put(path, true);
    expect(lstatSync(path).isFile()).toBe(true);
    expect(existsSync(place.path('nowhere'))).toBe(false);
  });

  test('a link that comes meanwhile stays', async () => {
    const path = place.path('late');
    const output = await fileOutput(path, { force: false, durable: false });
    symlinkSync('nowhere', path);
    await expect(output.commit()).rejects.toMatchObject({ code: 'exists' });
    await output.discard();
    expect(readlinkSync(path)).toBe('nowhere');
    expect(parts()).toEqual([]);
  });

  test('a folder or a pipe stays, even by force', async () => {
    mkdirSync(place.path('folder'));
    writeFileSync(place.path('folder', 'mine'), '');
    execFileSync('mkfifo', [place.path('pipe')]);
    for (const name of ['folder', 'pipe']) {
      await expect(put(place.path(name), true)).rejects.toMatchObject({ code: 'exists' });
    }
    expect(readdirSync(place.path('folder'))).toEqual(['mine']);
    expect(lstatSync(place.path('pipe')).isFIFO()).toBe(true);
    expect(parts()).toEqual([]);
  });
});
