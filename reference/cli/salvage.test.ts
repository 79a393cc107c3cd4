import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { BackupKey } from '../container/index.ts';
import { strongroom, workplace } from './fixture.ts';

const place = workplace();
afterAll(() => place.remove());

const key = ['--key-file', place.write('key', BackupKey.generate().recoveryKey())];
const other = ['--key-file', place.write('other', BackupKey.generate().recoveryKey())];
const [source, store] = [place.path('source'), place.path('store')];

// proves SLV-2, SLV-6, SLV-29
test('what is left of a backup comes out with an exit code of its own, and is rebuilt only if asked for', async () => {
  mkdirSync(source);
  writeFileSync(join(source, 'a'), 'content');
  writeFileSync(join(source, 'big'), 'x'.repeat(100_000));
  await strongroom(['backup', source, '--to', store, ...key]);
  const at = (name: string): string[] => ['salvage', '--from', store, '--to', place.path(name), ...key];

  const whole = await strongroom([...at('whole'), '--json']);
  expect(whole).toMatchObject({ code: 0, stderr: '' });
  expect(whole.stdout).toEqual(readFileSync(place.path('whole', 'salvage.json')));
  const wrong = await strongroom(['salvage', '--from', store, '--to', place.path('wrong'), ...other]);
  expect(wrong).toMatchObject({ code: 3 });
  expect(wrong.stderr).toMatch(/^wrong-key: /u);
  expect((await strongroom(at('whole'))).stderr).toMatch(/^exists: /u);

  const before = readdirSync(store).sort();
  const largest = before.find((name) => readFileSync(join(store, name)).length > 100_000) ?? '';
  rmSync(join(store, largest));
  expect(await strongroom(['restore', '--from', store, '--to', place.path('strict'), ...key])).toMatchObject({
    code: 4,
  });
  const damaged = await strongroom(at('damaged'));
  expect(damaged).toMatchObject({ code: 8 });
  expect(damaged.stdout.toString()).toBe('1 entry is whole, and others are not\n');
  expect(damaged.stderr).toContain('warning: big: lost\n');
  expect(damaged.stderr).toContain(`warning: ${largest}: missing\n`);
  expect(damaged.stderr).toContain('\nincomplete: ');
  expect(readdirSync(place.path('damaged', 'files'))).toEqual(['a']);
  expect(readdirSync(store)).toHaveLength(before.length - 1);

  expect(await strongroom([...at('rebuilt'), '--rebuild'])).toMatchObject({ code: 8 });
  expect(readdirSync(store)).toHaveLength(before.length + 1);
  const restored = await strongroom(['restore', '--from', store, '--to', place.path('after'), ...key]);
  expect(restored).toMatchObject({ code: 0 });
  expect(readdirSync(place.path('after'))).toEqual(['a']);
});
