import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { ENVIRONMENT } from '../fixture.ts';
import { BackupKey, seal } from '../container/index.ts';
import { MAIN, strongroom, workplace } from './fixture.ts';

const place = workplace();
afterAll(() => place.remove());

const key = BackupKey.generate();
const digits = key.recoveryKey();
const keyFile = place.write('key', digits);
const object = place.write('object', seal(new TextEncoder().encode('content'), { key, type: 'blob' }));

// util-linux; other systems have another program of that name.
const probe = spawnSync('script', ['--version'], { encoding: 'utf8' });
const hasScript = probe.status === 0 && probe.stdout.includes('util-linux');

describe.concurrent('while an output is written', () => {
  test.each([
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGQUIT', 131],
    ['SIGTERM', 143],
  ] as const)('%s ends it with %i and leaves nothing behind', async (name, code) => {
    const output = `stopped-by-${name}`;
    const parts = (): string[] => readdirSync(place.folder).filter((each) => each.includes(output));
    const ran = await strongroom(['seal', '--key-file', keyFile, '--output', place.path(output)], {
      keepStdinOpen: true,
      onStart: async (child) => {
        while (parts().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
        child.kill(name);
        if (name === 'SIGHUP') child.kill(name); // the system and the shell both send it
      },
    });
    expect(ran.code).toBe(code);
    expect(ran.stderr).toMatch(/^cancelled: /u);
    expect(parts()).toEqual([]);
  });
});

/**
 * Runs a script on a terminal of its own. `$ASKED` is the process that asks there; each time that it does, the next
 * of `answers` is typed, or sent to it as a signal.
 */
async function onTerminal(name: string, script: string, answers: readonly string[]): Promise<string> {
  const pidFile = place.path(`${name}.pid`);
  const ask = `${process.execPath} ${MAIN} open --input ${object} --output ${place.path(name)}`;
  const command = `${ask} & ASKED=$!; echo $ASKED > ${pidFile}; ${script}`;
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: ENVIRONMENT,
    timeout: 4000, // its end hangs the terminal up
  });
  let shown = '';
  let asked = 0;
  child.stdout.on('data', (part: Buffer) => {
    shown += part.toString();
    if (shown.split('(64 digits): ').length - 1 <= asked) return;
    const answer = answers[asked++] ?? '';
    if (answer.startsWith('SIG')) process.kill(Number(readFileSync(pidFile, 'utf8')), answer);
    else child.stdin.write(answer);
  });
  await new Promise((resolve) => child.once('close', resolve));
  return shown;
}

// proves CLI-43
describe.runIf(hasScript).concurrent('while a secret is asked for', () => {
  test.each([
    ['SIGHUP', 129],
    ['SIGQUIT', 131],
    ['SIGTERM', 143],
  ])('%s ends it with %i, and the terminal is as it was', async (name, code) => {
    const shown = await onTerminal(name, 'wait $ASKED; echo "code $?"; stty -a', [name]);
    expect(shown).toContain(`code ${code}`);
    expect(shown).toMatch(/ icanon .* echo /su);
  });

  test('SIGTSTP stops it with the terminal as it was; it goes on without echo', async () => {
    const isStopped = 'grep -q "^State:.T" /proc/$ASKED/status';
    const stopped = `for i in $(seq 100); do ${isStopped} && break; sleep 0.02; done; stty -a; echo STOPPED`;
    const script = `${stopped}; kill -CONT $ASKED; wait $ASKED; echo "code $?"; stty -a`;
    const shown = await onTerminal('SIGTSTP', script, ['SIGTSTP', `${digits}\r`]);
    const [before = '', after = ''] = shown.split('STOPPED');
    expect(before).toMatch(/ icanon .* echo /su);
    expect(after).toContain('code 0');
    expect(after).toMatch(/ icanon .* echo /su);
    expect(shown).not.toContain(digits.slice(0, 9));
    expect(readFileSync(place.path('SIGTSTP'), 'utf8')).toBe('content');
  });
});
