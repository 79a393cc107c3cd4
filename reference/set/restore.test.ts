import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { key, place } from './fixture.ts';
import { backup, restore } from './index.ts';

const nanosecondsOf = (...path: string[]): bigint => statSync(join(...path), { bigint: true }).mtimeNs;

// proves RST-13
it('a time that Node cannot set is set a little earlier, and never later', async () => {
  const times = [
    '0',
    '0.000000001',
    '1.999999999',
    '1700000000.123456789',
    '1999999999.9999999',
    '4000000000.999999999',
    '-0.5',
    '-1000000000.123456789',
  ];
  const at = place(Object.fromEntries(times.map((time) => [time, ''])));
  for (const time of times) execFileSync('touch', ['-d', `@${time}`, join(at.source, time)]);
  await backup(at.source, at.storage, { key });
  await restore(at.storage, key, at.target);
  for (const time of times) {
    const earlier = nanosecondsOf(at.source, time) - nanosecondsOf(at.target, time);
    expect(earlier, time).toBeGreaterThanOrEqual(0n);
    expect(earlier, time).toBeLessThan(time.startsWith('-') ? 2_000_000n : 1000n);
  }
});
