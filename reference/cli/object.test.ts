import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { BackupKey, inspect, seal } from '../container/index.ts';
import { strongroom, workplace } from './fixture.ts';

const place = workplace();
afterAll(() => place.remove());

const key = BackupKey.generate();
const keyFile = place.write('key', `${key.recoveryKey()}\n`);
const otherFile = place.write('other', `${BackupKey.generate().recoveryKey()}\n`);
const content = randomBytes(700_000);
const object = seal(content, { key, type: 'blob' });
const objectFile = place.write('object', object);

function damaged(offset: number): Buffer {
  const bytes = Buffer.from(object);
  bytes[offset] = (bytes[offset] ?? 0) ^ 1;
  return bytes;
}

describe.concurrent('seal and open through pipes', () => {
  test('what is sealed opens again, byte for byte', async () => {
    const sealed = await strongroom(['seal', '--key-file', keyFile], { input: content });
    expect(sealed).toMatchObject({ code: 0, stderr: '' });
    const opened = await strongroom(['open', '--key-fd', '3'], {
      input: sealed.stdout,
      fd3: key.recoveryKey(),
    });
    expect(opened).toMatchObject({ code: 0, stderr: '' });
    expect(opened.stdout.equals(content)).toBe(true);
  });

  test('the wrong key gets wrong-key, exit 3 and no byte', async () => {
    const ran = await strongroom(['open', '--key-file', otherFile], { input: object });
    expect(ran.code).toBe(3);
    expect(ran.stderr).toMatch(/^wrong-key: .+\n {2}\S/u);
    expect(ran.stdout).toHaveLength(0);
  });

  test('a damaged header gets header-damaged, exit 4 and no byte', async () => {
    const ran = await strongroom(['open', '--key-file', keyFile], { input: damaged(20) });
    expect(ran.code).toBe(4);
    expect(ran.stderr).toMatch(/^header-damaged: /u);
    expect(ran.stdout).toHaveLength(0);
  });

  test('a damaged chunk lets out only what is authentic, and says that it is not to be trusted', async () => {
    const ran = await strongroom(['open', '--key-file', keyFile], { input: damaged(400_000) });
    expect(ran.code).toBe(4);
    expect(ran.stderr).toMatch(/do not trust/u);
    expect(ran.stderr).toMatch(/^chunk-damaged: /mu);
    expect(ran.stdout.length).toBeGreaterThan(0);
    expect(content.subarray(0, ran.stdout.length).equals(ran.stdout)).toBe(true);
  });

  test('an object that was cut or extended is refused', async () => {
    const whole = inspect(object).length + 2 * (262_144 + 16);
    const cut = await strongroom(['open', '--key-file', keyFile], { input: object.subarray(0, whole) });
    expect(cut.code).toBe(4);
    expect(cut.stderr).toMatch(/^truncated: /mu);
    const more = await strongroom(['open', '--key-file', keyFile], {
      input: Buffer.concat([object, randomBytes(300_000)]),
    });
    expect(more.code).toBe(4);
    const none = await strongroom(['open', '--key-file', keyFile], { input: '' });
    expect(none.code).toBe(4);
    expect(none.stdout).toHaveLength(0);
  });

  test('--output shows a damaged object to nobody and leaves what was there', async () => {
    const output = place.write('kept', 'as it was');
    const args = ['open', '--key-file', keyFile, '--output', output];
    const refused = await strongroom(args, { input: object });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^exists: .*\n.* --force /u);
    const broken = await strongroom([...args, '--force'], { input: damaged(600_000) });
    expect(broken.code).toBe(4);
    expect(readFileSync(output, 'utf8')).toBe('as it was');
    expect(readdirSync(place.folder).filter((name) => name.includes('.part'))).toEqual([]);
    const good = await strongroom([...args, '--force'], { input: object });
    expect(good).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(output).equals(content)).toBe(true);
    expect(statSync(output).mode & 0o777).toBe(0o600);
  });

  test('from file to file: the same object format, the same errors, and nothing half-written', async () => {
    const input = place.write('content', content);
    const sealed = place.path('by-file.sbo');
    const seal = ['seal', '--key-file', keyFile, '--input', input, '--output', sealed];
    expect(await strongroom(seal)).toMatchObject({ code: 0, stderr: '' });
    expect(
      (await strongroom(['open', '--key-file', keyFile], { input: readFileSync(sealed) })).stdout.equals(
        content,
      ),
    ).toBe(true);
    const output = place.path('by-file');
    const open = (path: string): string[] => [
      'open',
      '--key-file',
      keyFile,
      '--input',
      path,
      '--output',
      output,
    ];
    for (const [bad, code] of [
      [damaged(400_000), 'chunk-damaged'],
      [damaged(20), 'header-damaged'],
      [object.subarray(0, 300_000), 'chunk-damaged'],
    ] as const) {
      const ran = await strongroom(open(place.write('bad', bad)));
      expect(ran.code).toBe(4);
      expect(ran.stderr).toMatch(new RegExp(`^${code}: `, 'u'));
      expect(existsSync(output)).toBe(false);
    }
    expect(await strongroom(open(sealed))).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(output).equals(content)).toBe(true);
    expect(statSync(output).mode & 0o777).toBe(0o600);
    expect((await strongroom(open(sealed))).stderr).toMatch(/^exists: /u);
    expect((await strongroom(open(place.path('not there')))).code).not.toBe(0);
    expect(readdirSync(place.folder).filter((name) => name.startsWith('.by-file'))).toEqual([]);
  });

  test('Ctrl-C while it waits for input ends it with 130', async () => {
    const ran = await strongroom(['seal', '--key-fd', '3'], {
      fd3: key.recoveryKey(),
      keepStdinOpen: true,
      onStart: (child) => void child.stdout.once('data', () => child.kill('SIGINT')),
    });
    expect(ran.code).toBe(130);
    expect(ran.stderr).toMatch(/^cancelled: /u);
  });

  test('a reader that goes away ends it quietly with 141', async () => {
    const ran = await strongroom(['open', '--key-file', keyFile, '--input', objectFile], {
      onStart: (child) => void child.stdout.destroy(),
    });
    expect(ran).toMatchObject({ code: 141, stderr: '' });
  });
});

describe.concurrent('inspect', () => {
  test('shows the header as JSON, without a key', async () => {
    const ran = await strongroom(['inspect', objectFile, '--json']);
    expect(ran.code).toBe(0);
    expect(JSON.parse(ran.stdout.toString())).toMatchObject({
      type: 'blob',
      chunkSize: 262_144,
      salt: Buffer.from(object.subarray(16, 48)).toString('hex'),
      objectLength: object.length,
    });
  });

  test('says what is not an object', async () => {
    const ran = await strongroom(['inspect', keyFile]);
    expect(ran).toMatchObject({ code: 4 });
    expect(ran.stderr).toMatch(/^not-an-object: /u);
    const missing = await strongroom(['inspect', place.path('nowhere')]);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toMatch(/^not-found: /u);
  });
});

describe.concurrent('keys', () => {
  test('a new key file is private, whole, and never replaces another', async () => {
    const out = place.path('new-key');
    expect(await strongroom(['key', 'new', '--output', out])).toMatchObject({ code: 0, stderr: '' });
    expect(statSync(out).mode & 0o777).toBe(0o600);
    const first = readFileSync(out, 'utf8');
    expect(first).toMatch(/^(?:[0-9a-f]{4} ){15}[0-9a-f]{4}\n$/u);
    expect((await strongroom(['key', 'new', '--output', out])).code).toBe(1);
    expect(readFileSync(out, 'utf8')).toBe(first);
    const shown = await strongroom(['key', 'show', '--key-file', out]);
    expect(shown.stdout.toString()).toBe(first);
  });

  test('a key file that others can read is warned about', async () => {
    const open = place.write('open-key', key.recoveryKey());
    chmodSync(open, 0o644);
    const ran = await strongroom(['key', 'show', '--key-file', open]);
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain('chmod 600');
  });

  test('a mistyped recovery key names the place', async () => {
    const ran = await strongroom(['key', 'show', '--key-fd', '3'], { fd3: `${'0123 '.repeat(3)}01x3` });
    expect(ran.code).toBe(3);
    expect(ran.stderr).toMatch(/^invalid-recovery-key: .*position 18/u);
  });
});
