/**
 * What every benchmark shares: rows, ratios, the table and the JSON beside it.
 *
 * @module
 */
import { Bench } from 'tinybench';

/** One measured line. */
export interface Row {
  readonly section: string;
  readonly name: string;
  /** What was measured, in `unit`: work per second from the median, or an amount. */
  readonly value: number;
  readonly unit: string;
  /** Median of one operation, and half the width of the middle half of the samples, in milliseconds of wall time. */
  readonly time?: { readonly medianMs: number; readonly spreadMs: number };
  /** Value as a share of the row of the same section that is named here. */
  readonly ratio?: { readonly to: string; readonly value: number };
}

/** One thing to measure. */
export interface Task {
  readonly name: string;
  readonly run: () => unknown;
  /** What one run is worth, in `unit`; default 1 operation. */
  readonly worth?: number;
  readonly unit?: string;
  /** Name of the row to compare with; it must come earlier in the section. */
  readonly against?: string;
}

/** Runs tasks in turn, interleaved over `rounds`, so that a drifting machine touches all alike. */
export async function measure(
  section: string,
  tasks: readonly Task[],
  time: number,
  rounds = 3,
): Promise<Row[]> {
  const samples = new Map<string, number[]>(tasks.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const bench = new Bench({
      time: time / rounds,
      warmupTime: round === 0 ? time / 6 : 20,
      iterations: 2,
      warmupIterations: 1,
      retainSamples: true,
    });
    for (const { name, run } of tasks) bench.add(name, run);
    await bench.run();
    for (const task of bench.tasks) {
      const result = task.result;
      if (!('latency' in result)) throw new Error(`${section}, ${task.name}: ${task.result.state}`);
      samples.get(task.name)?.push(...(result.latency.samples ?? []));
    }
  }
  const rows: Row[] = [];
  for (const { name, worth = 1, unit = 'op', against } of tasks) {
    const sorted = (samples.get(name) ?? []).toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
    const medianMs = at(0.5);
    const value = (1000 / medianMs) * worth;
    const spreadMs = (at(0.75) - at(0.25)) / 2;
    const other = rows.find((row) => row.name === against);
    const ratio = other === undefined ? {} : { ratio: { to: other.name, value: value / other.value } };
    rows.push({ section, name, value, unit: `${unit}/s`, time: { medianMs, spreadMs }, ...ratio });
  }
  return rows;
}

/** The rows as a table for people. */
export function table(rows: readonly Row[]): string {
  const lines: string[] = [];
  let section = '';
  for (const row of rows) {
    if (row.section !== section) {
      section = row.section;
      lines.push('', section, '-'.repeat(section.length));
    }
    const ratio = row.ratio === undefined ? '' : `${row.ratio.value.toFixed(2)} x ${row.ratio.to}`;
    const time =
      row.time === undefined ? '' : `${format(row.time.medianMs)} ms ±${format(row.time.spreadMs)}`;
    lines.push(
      `  ${row.name.padEnd(44)}${format(row.value)} ${row.unit.padEnd(8)}${time.padEnd(26)} ${ratio}`.trimEnd(),
    );
  }
  return lines.join('\n');
}

function format(value: number): string {
  const digits = value >= 1000 ? 0 : value >= 10 ? 1 : 3;
  return value.toFixed(digits).padStart(10);
}
