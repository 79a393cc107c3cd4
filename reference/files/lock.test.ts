import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { tryLock } from './lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'strongroom-lock-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a lock', () => {
  it('has one holder in a process, until it is released', async () => {
    const path = join(folder, 'a');
    const lock = await tryLock(path);
    expect(await tryLock(path)).toBeUndefined();
    expect(await tryLock(path)).toBeUndefined();
    expect(readdirSync(folder)).toEqual(['a']);
    expect(statSync(path)).toMatchObject({ size: 0, mode: 0o100600 });
    lock?.release();
    const again = await tryLock(path);
    expect(again).toBeDefined();
    again?.release();
  });

  it('has one holder among processes, and is free when that was killed', async () => {
    const path = join(folder, 'b');
    const script = join(folder, 'holder.mjs');
    const module = new URL('./lock.ts', import.meta.url).href;
    writeFileSync(
      script,
      `import { tryLock } from ${JSON.stringify(module)};
       const lock = await tryLock(${JSON.stringify(path)});
       process.send(lock !== undefined);
       process.on('message', () => lock.release());`,
    );
    const child = fork(script);
    expect(await once(child, 'message')).toEqual([true, undefined]);
    expect(await tryLock(path)).toBeUndefined();
    child.kill('SIGKILL');
    await once(child, 'exit');
    const lock = await tryLock(path);
    expect(lock).toBeDefined();
    lock?.release();
  });

  it('of a file that is none of ours is an error', async () => {
    writeFileSync(join(folder, 'c'), 'x'.repeat(4096));
    await expect(tryLock(join(folder, 'c'))).rejects.toThrow();
    await expect(tryLock(join(folder, 'no', 'd'))).rejects.toThrow('ENOENT');
  });
});
