import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codeOf, copiesOf, key, objectOf, place, type Place } from './fixture.ts';
import { backup, restore, verify } from './index.ts';

/** Puts what is no file in the place of an object; may return how to end it. */
const impostors: Record<string, (path: string) => void | Promise<() => void>> = {
  'a pipe': (path) => void execFileSync('mkfifo', [path]),
  'a link to the object': (path) => {
    renameSync(path, `${path}.away`);
    symlinkSync(`${path}.away`, path);
  },
  'a folder': (path) => mkdirSync(path),
  'a socket': async (path) => {
    const server = createServer().listen(path);
    await once(server, 'listening');
    return () => void server.close();
  },
};

async function backedUp(): Promise<Place> {
  const at = place({ a: 'one'.repeat(30_000), b: 'two' });
  await backup(at.source, at.storage, { key });
  return at;
}

// proves SET-23
describe.each(Object.entries(impostors))('%s in the place of an object', (what, put) => {
  // What opens a pipe and waits, waits for ever, and no timer of this process is heard: a writer comes to its help.
  const helped = async (path: string, act: () => Promise<void>): Promise<void> => {
    const writer = spawn('sh', ['-c', 'sleep 3; exec 3>"$0"', path], { stdio: 'ignore' });
    try {
      const start = performance.now();
      await act();
      expect(performance.now() - start).toBeLessThan(2500);
    } finally {
      writer.kill('SIGKILL');
    }
  };

  it('of a file costs that file', async () => {
    const at = await backedUp();
    const path = join(at.storage.folder, await objectOf(at, 'a'));
    if (!what.includes('link')) rmSync(path);
    const end = await put(path);
    await helped(path, async () => {
      expect(await codeOf(restore(at.storage, key, at.target))).toBe('object-missing');
      expect(await verify(at.storage, key)).toMatchObject({
        failed: [{ path: 'a', code: 'object-missing' }],
        damaged: [],
      });
    });
    end?.();
  });

  it('of a manifest leaves the other copy', async () => {
    const at = await backedUp();
    const [first = '', second] = await copiesOf(at);
    const path = join(at.storage.folder, first);
    if (!what.includes('link')) rmSync(path);
    const end = await put(path);
    await helped(path, async () => {
      expect(await restore(at.storage, key, at.target)).toMatchObject({ copies: 1, failed: [] });
      expect(await copiesOf(at)).toEqual([second]);
    });
    end?.();
  });
});
