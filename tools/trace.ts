/**
 * `npm run trace`: from the sentences of the specification to the cases that test them, and to the broken
 * implementations that those cases caught.
 *
 *   --write   write spec/requirements.json anew, after a change of the text was meant, and docs/not-proven.md
 *   --list    print what covers each requirement
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { allCases } from '../conformance/cases/index.ts';
import { mutants } from '../conformance/mutants/catalogue.ts';
import { suiteMutants } from '../conformance/mutants/suite.ts';
import { reportSchema, type Report } from '../conformance/schema/report.ts';
import { readSpec } from '../conformance/spec-text.ts';
import { loadVectors, packageRoot } from '../conformance/vectors.ts';
import { renderPage } from './trace-page.ts';
import { coverage, faults, register, type Coverage, type Facts } from './trace-rules.ts';

const root = packageRoot();
const registerPath = join(root, 'spec', 'requirements.json');
const exclusionsPath = join(root, 'spec', 'exclusions.json');
const pagePath = join(root, 'docs', 'not-proven.md');
const reportPath = join(root, '.strongroom', 'conformance', 'report.json');
const killsPath = join(root, '.strongroom', 'mutants.json');

/** What a file holds; `otherwise` if there is none, or one of an older form. */
function readJson<T>(path: string, schema: z.ZodType<T>, otherwise: T): T {
  if (!existsSync(path)) return otherwise;
  return schema.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data ?? otherwise;
}

function runTool(...args: string[]): void {
  process.stdout.write(`running: node ${args.join(' ')}\n`);
  spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** The last report over these vectors and cases; the suite is run if there is none. */
function lastReport(digest: string, cases: ReadonlyMap<string, unknown>): Report {
  const read = (): Report | undefined => readJson<Report | undefined>(reportPath, reportSchema, undefined);
  const fits = (one: Report | undefined): one is Report =>
    one?.vectors === digest &&
    one.results.length === cases.size &&
    !one.results.some((result) => result.detail === 'not selected' || !cases.has(result.id));
  const before = read();
  if (fits(before)) return before;
  runTool('conformance/cli.ts', 'run', '--adapter', 'node conformance/adapters/reference.ts');
  const after = read();
  if (!fits(after)) throw new Error('the conformance run left no report');
  return after;
}

const killsSchema = z.array(
  z.object({
    id: z.string(),
    requirement: z.string(),
    status: z.string(),
    killedBy: z.string().optional(),
    class: z.string().optional(),
    reason: z.string().optional(),
  }),
);

/** Kills of the last run of all mutants; they are run if the catalogue has others. */
function lastKills(): Pick<Facts, 'kills' | 'selfTested' | 'alive'> {
  const ids = [...mutants, ...suiteMutants].map(({ id }) => id).sort();
  const read = (): z.infer<typeof killsSchema> => readJson(killsPath, killsSchema, []);
  const before = read();
  const fits = before.map(({ id }) => id).join() === ids.join();
  if (!fits) runTool('conformance/mutants/main.ts');
  const results = fits ? before : read();
  const killed = results.filter(({ status }) => status === 'killed');
  const [self, cases] = [
    killed.filter((one) => one.class === 'self-test'),
    killed.filter((one) => one.class !== 'self-test'),
  ];
  return {
    kills: cases.map(({ requirement, killedBy = '' }) => ({ requirement, killedBy })),
    selfTested: self.map(({ requirement }) => requirement),
    alive: results
      .filter(({ status }) => status === 'survived' || status === 'elsewhere')
      .map(({ id, reason = '' }) => ({ id, reason })),
  };
}

/** `// proves ID, ID` beside the unit tests that would fail without the rule. */
function mentioned(): [string, string][] {
  const files = ['reference', 'conformance', 'tools'].flatMap((part) =>
    readdirSync(join(root, part), { recursive: true, encoding: 'utf8' }).map((name) => join(part, name)),
  );
  return files
    .filter((name) => name.endsWith('.test.ts'))
    .flatMap((name) =>
      [
        ...readFileSync(join(root, name), 'utf8').matchAll(/\/\/ proves ((?:[A-Z]{3}-[0-9]+(?:, )?)+)/gu),
      ].flatMap((match) => (match[1] ?? '').split(', ').map((id): [string, string] => [name, id.trim()])),
    );
}

function main(args: readonly string[]): number {
  const { requirements, faults: textFaults, retired } = readSpec();
  if (args.includes('--write')) {
    const lines = requirements.map(register).sort((a, b) => (a.id < b.id ? -1 : 1));
    writeFileSync(registerPath, `${JSON.stringify(lines, undefined, 1)}\n`);
  }
  const set = loadVectors();
  const cases = allCases(set).filter(({ level }) => level === 'core');
  const citations = new Map(cases.map(({ id, requirements }) => [id, requirements]));
  const report = lastReport(set.digest, citations);
  const facts: Facts = {
    requirements,
    retired,
    registered: readJson(
      registerPath,
      z.array(z.object({ id: z.string(), level: z.string(), file: z.string(), sha256: z.string() })),
      [],
    ),
    citations,
    passed: new Set(report.results.filter(({ status }) => status === 'pass').map(({ id }) => id)),
    ...lastKills(),
    mentions: [
      ...mentioned(),
      ...mutants.map(({ id, requirement }): [string, string] => [`mutant ${id}`, requirement]),
    ],
    exclusions: readJson(exclusionsPath, z.array(z.object({ id: z.string(), reason: z.string() })), []),
  };
  const covered = coverage(facts);
  const page = renderPage(facts, covered);
  if (args.includes('--write')) writeFileSync(pagePath, page);
  const written = existsSync(pagePath) ? readFileSync(pagePath, 'utf8') : '';
  const errors = [
    ...textFaults.map(({ file, line, message }) => `spec/${file}:${line}: ${message}`),
    ...faults(facts),
    ...[...covered]
      .filter(([, how]) => how === 'nothing')
      .map(([id]) => {
        const { file, line, sentence } = requirements.find((one) => one.id === id) ?? {
          file: '',
          line: 0,
          sentence: '',
        };
        return `spec/${file}:${line}: nothing covers ${id}: ${sentence}`;
      }),
    ...(written === page ? [] : ['docs/not-proven.md is out of date; run npm run trace -- --write']),
  ];
  if (args.includes('--list')) for (const [id, how] of covered) process.stdout.write(`${id}\t${how}\n`);
  for (const error of errors) process.stdout.write(`${error}\n`);
  const count = (how: Coverage): number => [...covered.values()].filter((one) => one === how).length;
  process.stdout.write(
    `TRACE must=${covered.size} proven=${count('proven')} executed=${count('executed')} declared=${count('declared')} excluded=${count('excluded')}\n`,
  );
  return errors.length === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
