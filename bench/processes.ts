/**
 * Whole processes, timed by the shell that starts them: wall time, processor time, and the peak of resident memory
 * where GNU time is there to tell it.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Row } from './harness.ts';

/** What one run took. */
interface Cost {
  /** Seconds. */
  readonly wall: number;
  /** Seconds of user and system time of the process and its children. */
  readonly cpu: number;
  /** Mebibytes; 0 if not known. */
  readonly peak: number;
}

/** One command to time. */
export interface Job {
  readonly name: string;
  readonly command: readonly string[];
  /** Runs before each round, untimed. */
  readonly before?: readonly string[];
  /** What the command writes; removed before each round. */
  readonly output: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The command line program as it is published: compiled, without types to strip. */
export const STRONGROOM: readonly string[] = [
  process.execPath,
  fileURLToPath(new URL('../dist/reference/cli/main.js', import.meta.url)),
];

/** True if a program can be started. */
export function has(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

const GNU_TIME = '/usr/bin/time';

/** Runs a command and returns its cost. @throws Error with what it said if it fails */
export function run({ command, input, env = {}, name }: Job): Cost {
  const stdio = { input, encoding: 'utf8', maxBuffer: 2 ** 26, env: { ...process.env, ...env } } as const;
  // Between the timer and this process stands a small shell: a child's peak begins with the memory of its parent.
  const timed = existsSync(GNU_TIME)
    ? spawnSync('sh', ['-c', `exec ${GNU_TIME} -f '\n%e %U %S %M' "$@"`, 'sh', ...command], stdio)
    : spawnSync('bash', ['-c', `TIMEFORMAT=$'\\n%R %U %S 0'; time "$@"`, 'bash', ...command], stdio);
  if (timed.status !== 0) throw new Error(`${name}: ${timed.stderr}${timed.error?.message ?? ''}`);
  const last = timed.stderr.trimEnd().split('\n').at(-1) ?? '';
  const [wall = 0, user = 0, system = 0, peak = 0] = last.split(' ').map(Number);
  return { wall, cpu: user + system, peak: peak / 1024 };
}

/** The values of one measure, and their median. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
}

/**
 * Runs the jobs in turn, `rounds` times. Each gives a row of `measure`, with how many times the first job's (or
 * `against`'s) value it takes.
 */
export function compare(
  section: string,
  jobs: readonly Job[],
  rounds: number,
  measure: 'wall' | 'cpu',
  against: string = jobs[0]?.name ?? '',
): Row[] {
  const costs = new Map<string, Cost[]>(jobs.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const job of jobs) {
      rmSync(job.output, { recursive: true, force: true });
      mkdirSync(dirname(job.output), { recursive: true });
      if (job.before !== undefined) run({ ...job, name: `before ${job.name}`, command: job.before });
      costs.get(job.name)?.push(run(job));
    }
  }
  const of = (name: string, pick: keyof Cost): number =>
    median((costs.get(name) ?? []).map((each) => each[pick]));
  return jobs.flatMap(({ name }): Row[] => {
    const value = of(name, measure);
    const all = (costs.get(name) ?? []).map((each) => each[measure] * 1000);
    const time = { medianMs: value * 1000, spreadMs: (Math.max(...all) - Math.min(...all)) / 2 };
    const row: Row = { section, name, value, unit: measure === 'cpu' ? 's cpu' : 's', time };
    const peak = of(name, 'peak');
    const memory: Row = { section, name: `  peak memory of ${name}`, value: peak, unit: 'MiB' };
    const withRatio =
      name === against ? row : { ...row, ratio: { to: against, value: value / of(against, measure) } };
    return name.startsWith('strongroom') && peak > 0 ? [withRatio, memory] : [withRatio];
  });
}
