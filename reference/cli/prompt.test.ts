import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { ENVIRONMENT } from '../fixture.ts';
import { BackupKey, seal } from '../container/index.ts';
import { MAIN, workplace } from './fixture.ts';

const place = workplace();
afterAll(() => place.remove());

const key = BackupKey.generate();
const digits = key.recoveryKey();
const object = place.write('object', seal(new TextEncoder().encode('content'), { key, type: 'blob' }));

// util-linux; other systems have another program of that name.
const probe = spawnSync('script', ['--version'], { encoding: 'utf8' });
const hasScript = probe.status === 0 && probe.stdout.includes('util-linux');

/** Runs a shell command on a terminal of its own, and types each text when the terminal shows what it waits for. */
async function onTerminal(
  command: string,
  typing: readonly { readonly at: string; readonly type: string }[],
): Promise<{ code: number | null; shown: string }> {
  const env = { ...ENVIRONMENT, STRONGROOM: `${process.execPath} ${MAIN}` };
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], { env });
  let shown = '';
  let next = 0;
  let seen = 0;
  child.stdout.on('data', (part: Buffer) => {
    shown += part.toString();
    const step = typing[next];
    const at = step === undefined ? -1 : shown.indexOf(step.at, seen);
    if (step === undefined || at < 0) return;
    seen = at + step.at.length;
    next++;
    child.stdin.write(step.type);
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, shown };
}

const ASKS = 'Recovery key (64 digits): ';
/** Anything of the key, in any grouping, long enough not to be chance. */
const traces = [digits.slice(0, 9), digits.slice(-9), digits.replaceAll(' ', '').slice(20, 30)];

// proves CLI-40
describe.runIf(hasScript).concurrent('a secret that is typed', () => {
  test('is not shown, and can be corrected', async () => {
    const output = place.path('typed');
    const command = `$STRONGROOM open --input ${object} --output ${output}`;
    const type = `nonsense\u0015${digits.slice(0, 5)}\u00fc\u007f\u007f${digits.slice(4)}\r`;
    const { code, shown } = await onTerminal(command, [{ at: ASKS, type }]);
    expect([code, shown.replaceAll('\r', '')]).toEqual([0, `${ASKS}\n`]);
    for (const trace of traces) expect(shown).not.toContain(trace);
    expect(readFileSync(output, 'utf8')).toBe('content');
  });

  test('is asked for at the terminal even if input and output are pipes', async () => {
    const output = place.path('piped');
    const command = `cat ${object} | $STRONGROOM open | cat > ${output}`;
    const { code, shown } = await onTerminal(command, [{ at: ASKS, type: `${digits}\r` }]);
    expect(code).toBe(0);
    for (const trace of traces) expect(shown).not.toContain(trace);
    expect(readFileSync(output, 'utf8')).toBe('content');
  });

  test('is not shown when it is wrong either', async () => {
    const command = `$STRONGROOM key show`;
    const { code, shown } = await onTerminal(command, [{ at: ASKS, type: `${digits.slice(0, -1)}x\r` }]);
    expect(code).toBe(3);
    expect(shown).toContain('invalid-recovery-key: ');
    for (const trace of traces) expect(shown).not.toContain(trace);
  });

  test('Ctrl-C at the prompt ends with 130, and the terminal is as it was', async () => {
    const command = `$STRONGROOM key show; echo "code $?"; stty -a`;
    const { shown } = await onTerminal(command, [{ at: ASKS, type: `${digits.slice(0, 20)}\u0003` }]);
    expect(shown).toContain('code 130');
    expect(shown).toMatch(/ icanon .* echo /su);
    for (const trace of traces) expect(shown).not.toContain(trace);
  });
});
