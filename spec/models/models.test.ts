import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const folder = fileURLToPath(new URL('.', import.meta.url));

/** What spin must refute: a fault, or that something never happens, each with the assertion that breaks first. */
const models: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  counter: {
    CHECK_THEN_WRITE: 'charges>=2',
    STALE_RETRY: 'charges>=2',
    RELEASE_BEFORE_COMMIT: 'answers<=',
    RELEASE_BEFORE_ANCHOR: 'answers<=',
    ACCEPT_OLDER: 'pending',
    WRONG_GIVES_BACK: 'answers<=',
    CHARGE_REPEATS: 'pending',
    LAST_GUESS_PUNISHED: 'overdue',
    LAST_CHANCE_FOR_EVER: 'answers<=',
    SWEEP_BLINDLY: 'charges>=2',
    REACH_LAST_ANSWER: 'answers<2',
    REACH_DESTROYED: '0',
    REACH_ROLLBACK: 'halted',
  },
  registration: {
    EVAL_TWO: 'evaluated',
    START_REPLACES_LIVE: 'live_record',
    FINISH_OVERWRITES: 'uploaded',
    NO_SECRET: 'uploaded',
    OK_WITHOUT_LIVE: 'live_record',
    ERASE_EARLY: 'holds',
    REREGISTER: 'registered<=1',
    UPLOAD_LATE: 'uploaded',
    REACH_RECEIPT: '0',
    REACH_RELAY_FIRST: '0',
  },
  reset: {
    REFILL_ON_REGISTER: 'guesses<=',
    STALE_ATTEMPT: 'password==',
    GRACE_IGNORED: 'now-shown_at',
    RESCHEDULE: 'now-shown_at',
    SCHEDULED_SURVIVES: 'ended',
    WRONG_ORDER: 'phase==',
    STALE_DELETE: 'generation==',
    STALE_CANCEL: 'change==',
    REACH_TAKES_EFFECT: '0',
    REACH_CANCEL: '0',
  },
  replicas: {
    NO_COMPARE: 'counted',
    NO_REPAIR: 'counted',
    RELEASE_EARLY: 'counted',
    'N=3 Q=2 F=1': 'counted',
    'N=5 Q=3 F=1': 'counted',
    REACH_LAST: 'n<2',
  },
};

/** Other numbers for which a model holds. */
const holdsWith: Readonly<Record<string, readonly string[]>> = { replicas: ['N=3 Q=2 F=0'] };

/** Searches every state of a model; what the search says, and whether it has left a trail. */
async function search(model: string, flags: string): Promise<{ report: string; trail: boolean }> {
  const cwd = mkdtempSync(join(tmpdir(), 'strongroom-model-'));
  try {
    const defines = flags.split(' ').flatMap((flag) => (flag === '' ? [] : [`-D${flag}`]));
    await run('spin', ['-a', ...defines, join(folder, `${model}.pml`)], { cwd });
    const level = flags === '' ? '-O2' : '-O0';
    await run('gcc', ['-w', level, '-DSAFETY', '-o', 'pan', 'pan.c'], { cwd });
    const { stdout } = await run('./pan', ['-m200000'], { cwd });
    return { report: stdout, trail: existsSync(join(cwd, `${model}.pml.trail`)) };
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

const missing = await Promise.all([run('spin', ['-V']), run('gcc', ['--version'])]).then(
  () => '',
  () => ': spin and gcc are not installed',
);

// A search takes seconds of work, on a busy machine more.
describe.skipIf(missing !== '').concurrent(`spin${missing}`, { timeout: 300_000 }, () => {
  for (const [model, faults] of Object.entries(models)) {
    for (const flags of ['', ...(holdsWith[model] ?? [])]) {
      it(`finds no fault in ${model} ${flags}`, async () => {
        const { report } = await search(model, flags);
        expect(report).toContain('errors: 0');
        expect(report).not.toMatch(/max search depth|Search not completed|assertion violated \(/u);
      });
    }
    for (const [flags, assertion] of Object.entries(faults)) {
      it(`refutes ${model} with ${flags}`, async () => {
        const { report, trail } = await search(model, flags);
        expect(report).toContain('errors: 1');
        expect(/assertion violated (.*)/u.exec(report)?.[1]).toContain(assertion);
        expect(trail).toBe(true);
      });
    }
  }
});

it('every fault that a model can have is tried, and told in the README', () => {
  const readme = readFileSync(join(folder, 'README.md'), 'utf8');
  for (const [model, faults] of Object.entries(models)) {
    const text = readFileSync(join(folder, `${model}.pml`), 'utf8');
    const flags = [...text.matchAll(/#(?:ifn?def|elif defined\()\s*([A-Z_]{2,})/gu)].map(
      ([, flag = '']) => flag,
    );
    expect(new Set(Object.keys(faults).filter((flag) => !flag.includes('=')))).toEqual(new Set(flags));
    for (const flag of flags.filter((flag) => !flag.startsWith('REACH_')))
      expect(readme).toContain(`\`${flag}\``);
  }
});
