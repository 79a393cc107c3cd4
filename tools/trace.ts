/**
 * `npm run trace`: from the sentences of the specification to the cases that test them, and to the broken
 * implementations that those cases caught.
 *
 *   --write   write spec/requirements.json anew, after a change of the text was meant
 *   --list    print what covers each requirement
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { allCases } from '../conformance/cases/index.ts';
import { mutants } from '../conformance/mutants/catalogue.ts';
import { suiteMutants } from '../conformance/mutants/suite.ts';
import { reportSchema, type Report } from '../conformance/schema/report.ts';
import { readSpec, type Requirement } from '../conformance/spec-text.ts';
import { loadVectors, packageRoot } from '../conformance/vectors.ts';

/** How well a requirement is covered, best first. */
export type Coverage = 'proven' | 'executed' | 'declared' | 'excluded' | 'nothing';

/** One line of spec/requirements.json. */
export interface Registered {
  readonly id: string;
  readonly level: string;
  readonly file: string;
  /** SHA-256 of the sentence. */
  readonly sha256: string;
}

/** Everything that the trace compares. */
export interface Facts {
  readonly requirements: readonly Requirement[];
  readonly registered: readonly Registered[];
  /** Requirements that each case cites. */
  readonly citations: ReadonlyMap<string, readonly string[]>;
  /** Ids of the cases that passed in the last run. */
  readonly passed: ReadonlySet<string>;
  /** Mutants that a case which cites the requirement has killed: requirement and case. */
  readonly kills: readonly { readonly requirement: string; readonly killedBy: string }[];
  /** Requirements of the suite itself of which a self-test has found a mutant. */
  readonly selfTested: readonly string[];
  /** Requirements that tests and mutants name beside the cases: place and id. */
  readonly mentions: readonly (readonly [place: string, id: string])[];
  readonly exclusions: readonly { readonly id: string; readonly reason: string }[];
  /** Ids that the text has given up. */
  readonly retired: readonly string[];
}

/** The line of the register for a requirement. */
export function register({ id, level, file, sentence }: Requirement): Registered {
  return { id, level, file, sha256: createHash('sha256').update(sentence).digest('hex') };
}

/** What is wrong with the register and with the citations. */
export function faults(facts: Facts): string[] {
  const out: string[] = [];
  const known = new Map<string, Requirement>();
  for (const one of facts.requirements) {
    const first = known.get(one.id);
    if (first !== undefined)
      out.push(`${one.file}:${one.line}: ${one.id} is already at ${first.file}:${first.line}`);
    known.set(one.id, one);
  }
  const listed = new Map(facts.registered.map((one) => [one.id, one]));
  for (const { id, file } of facts.registered) {
    if (!known.has(id) && !facts.retired.includes(id))
      out.push(`${file}: ${id} is gone, and not called retired`);
  }
  for (const one of known.values()) {
    const before = listed.get(one.id);
    if (before === undefined)
      out.push(`${one.file}:${one.line}: ${one.id} is new; run npm run trace -- --write`);
    else if (before.sha256 !== register(one).sha256) {
      out.push(
        `${one.file}:${one.line}: ${one.id} has other words than before; review its cases, then --write`,
      );
    }
  }
  for (const id of facts.retired) if (known.has(id)) out.push(`${id} is retired, and used again`);
  for (const [id, cited] of facts.citations) {
    for (const requirement of cited)
      if (!known.has(requirement)) out.push(`case ${id} cites ${requirement}, which does not exist`);
  }
  for (const [place, id] of facts.mentions)
    if (!known.has(id)) out.push(`${place} names ${id}, which does not exist`);
  const cited = new Set([...facts.citations.values()].flat());
  for (const { id, reason } of facts.exclusions) {
    if (!known.has(id)) out.push(`exclusions.json names ${id}, which does not exist`);
    if (cited.has(id)) out.push(`${id} is excluded although a case tests it`);
    if (reason.length < 10) out.push(`${id} is excluded without a reason`);
  }
  return out;
}

/** The coverage of each requirement whose level is MUST or MUST NOT. */
export function coverage(facts: Facts): Map<string, Coverage> {
  const executed = new Set(
    [...facts.citations].filter(([id]) => facts.passed.has(id)).flatMap(([, cited]) => cited),
  );
  const proven = new Set([
    ...facts.kills.filter(({ killedBy }) => facts.passed.has(killedBy)).map(({ requirement }) => requirement),
    ...facts.selfTested,
  ]);
  const declared = new Set([...[...facts.citations.values()].flat(), ...facts.mentions.map(([, id]) => id)]);
  const excluded = new Set(facts.exclusions.map(({ id }) => id));
  const of = (id: string): Coverage => {
    if (proven.has(id)) return 'proven';
    if (executed.has(id)) return 'executed';
    if (declared.has(id)) return 'declared';
    return excluded.has(id) ? 'excluded' : 'nothing';
  };
  const musts = facts.requirements.filter(({ level }) => level.startsWith('MUST'));
  return new Map(musts.map(({ id }) => [id, of(id)]));
}

const root = packageRoot();
const registerPath = join(root, 'spec', 'requirements.json');
const exclusionsPath = join(root, 'spec', 'exclusions.json');
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
  }),
);

/** Kills of the last run of all mutants; they are run if the catalogue has others. */
function lastKills(): Pick<Facts, 'kills' | 'selfTested'> {
  const ids = [...mutants, ...suiteMutants].map(({ id }) => id).sort();
  const read = (): z.infer<typeof killsSchema> => readJson(killsPath, killsSchema, []);
  const before = read();
  const fits = before.map(({ id }) => id).join() === ids.join();
  if (!fits) runTool('conformance/mutants/main.ts');
  const killed = (fits ? before : read()).filter(({ status }) => status === 'killed');
  const [self, cases] = [
    killed.filter((one) => one.class === 'self-test'),
    killed.filter((one) => one.class !== 'self-test'),
  ];
  return {
    kills: cases.map(({ requirement, killedBy = '' }) => ({ requirement, killedBy })),
    selfTested: self.map(({ requirement }) => requirement),
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
