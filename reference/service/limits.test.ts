import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isStrongroomError } from '../errors.ts';
import { addressName, Limit } from './limits.ts';

function clock(): { now: number; limit: (perMinute: number, burst: number, capacity?: number) => Limit } {
  const at = {
    now: 0,
    limit: (perMinute: number, burst: number, capacity?: number): Limit =>
      new Limit({ perMinute, burst }, () => at.now, capacity),
  };
  return at;
}
/** 0 if the request is taken, else the seconds to wait. */
function ask(limit: Limit, name = 'a'): number {
  try {
    limit.take(name);
    return 0;
  } catch (error) {
    if (!isStrongroomError(error, 'overloaded')) throw error;
    return error.details.retryAfter ?? Number.NaN;
  }
}

// proves HTP-20
it('takes a burst, then as many as the rate gives, and each name for itself', () => {
  const time = clock();
  const limit = time.limit(60, 3);
  expect([ask(limit), ask(limit), ask(limit), ask(limit)]).toEqual([0, 0, 0, 1]);
  expect(ask(limit, 'b')).toBe(0);
  time.now = 999;
  expect(ask(limit)).toBe(1);
  time.now = 1000;
  expect([ask(limit), ask(limit)]).toEqual([0, 1]);
  time.now = 3_600_000;
  expect([ask(limit), ask(limit), ask(limit), ask(limit)]).toEqual([0, 0, 0, 1]);
});

it('never takes more than burst and rate allow, and whoever waits as told is taken', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 600 }),
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 200 }),
      (perMinute, burst, gaps) => {
        const time = clock();
        const limit = time.limit(perMinute, burst);
        let taken = 0;
        for (const gap of gaps) {
          time.now += gap;
          const wait = ask(limit);
          if (wait === 0) taken++;
          expect(taken).toBeLessThanOrEqual(burst + (time.now * perMinute) / 60_000 + 1e-6);
        }
        const wait = ask(limit);
        time.now += 1000 * wait;
        if (wait > 0) expect(ask(limit)).toBe(0);
      },
    ),
  );
});

// proves HTP-21
it('keeps so many names and no more, and forgets the one that asked longest ago', () => {
  const time = clock();
  const limit = time.limit(1, 1, 100);
  for (let i = 0; i < 10_000; i++) ask(limit, `name ${i}`);
  expect(limit.size).toBe(100);
  expect(ask(limit, 'name 9999')).toBeGreaterThan(0);
  expect(ask(limit, 'name 9900')).toBeGreaterThan(0);
  expect(ask(limit, 'name 0')).toBe(0);
  expect(limit.size).toBe(100);
});

it.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:0DB8:1:2::9', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['', ''],
])('counts %s as %s', (address, name) => {
  expect(addressName(address)).toBe(name);
});
