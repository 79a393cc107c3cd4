import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const MIB = 2 ** 20;
const folder = mkdtempSync(join(tmpdir(), 'strongroom-memory-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Peak of resident memory in MiB of a process that seals and opens a sparse file of so many MiB. */
function peakOf(mebibytes: number): number {
  const program = `
    import { openSync, readFileSync } from 'node:fs';
    import { BackupKey } from '${new URL('../container/index.ts', import.meta.url).href}';
    import { openFile, sealFile } from '${new URL('index.ts', import.meta.url).href}';
    const key = BackupKey.generate();
    const file = (name, flags) => ({ fd: openSync(name, flags), name });
    const options = { key, tagKey: new Uint8Array(32), threads: 2 };
    const length = ${mebibytes * MIB};
    await sealFile({ ...options, type: 'blob', source: file('content', 'r'), target: file('object', 'w'), length });
    const { contentLength } = await openFile({ ...options, source: file('object', 'r') });
    if (contentLength !== length) throw new Error('wrong length');
    process.stdout.write(/VmHWM:\\s+(\\d+)/u.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  `;
  const fd = openSync(join(folder, 'content'), 'w');
  ftruncateSync(fd, mebibytes * MIB);
  closeSync(fd);
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(run.stderr).toBe('');
  return Number(run.stdout) / 1024;
}

// proves RDR-5
it.runIf(existsSync('/proc/self/status'))(
  'the memory of sealing and opening does not grow with the file',
  () => {
    const small = peakOf(80);
    const large = peakOf(480);
    expect(small).toBeLessThan(200);
    expect(large - small).toBeLessThan(32);
  },
);
