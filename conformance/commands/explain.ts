/**
 * `explain`: what is behind the name of a case or of a requirement.
 *
 * @module
 */
import { allCases } from '../cases/index.ts';
import type { Mutant } from '../mutants/mutant.ts';
import { explainVector } from '../report/explanation.ts';
import type { Case } from '../runner/case.ts';
import { EXIT } from '../runner/verdict.ts';
import { readSpec } from '../spec-text.ts';
import { loadVectors, unpack, type VectorSet } from '../vectors.ts';
import { parseOptions, UsageError, type Command } from './command.ts';

/** Everything that can be asked about. */
interface Known {
  readonly set: VectorSet;
  readonly cases: readonly Case[];
  readonly mutants: readonly Mutant[];
  readonly sentences: ReadonlyMap<string, string>;
}

function mistakes(mutants: readonly Mutant[]): string[] {
  return mutants.map(({ id, mistake }) => `finds     ${mistake} (mutant ${id})`);
}

function explainRequirement(id: string, { cases, mutants, sentences }: Known): string[] {
  return [
    `${id}  ${sentences.get(id)}`,
    '',
    ...cases
      .filter(({ requirements }) => requirements.includes(id))
      .map((one) => `tested by ${one.id}  ${one.title}`),
    ...mistakes(mutants.filter(({ requirement }) => requirement === id)),
  ];
}

function explainCase(one: Case, { set, mutants, sentences }: Known): string[] {
  const vector = set.vectors.get(one.id)?.vector;
  const twin = set.vectors.get(vector?.from?.vector ?? '')?.vector;
  return [
    `${one.id}  (${one.role}, ${one.level}, feature ${one.feature})`,
    one.title,
    '',
    `why       ${one.why}`,
    ...one.requirements.map((name) => `tests     ${name}  ${sentences.get(name)}`),
    ...(vector === undefined ? [] : explainVector(vector, twin)),
    ...mistakes(mutants.filter(({ cases }) => cases.includes(one.id))),
    `run       strongroom-conformance run --adapter … --case ${one.id}`,
  ];
}

/** @throws UsageError if there is no such case and no such requirement */
function explanation(id: string, known: Known): string[] {
  if (known.sentences.has(id)) return explainRequirement(id, known);
  const found = known.cases.find((one) => one.id === id);
  if (found !== undefined) return explainCase(found, known);
  const near = known.cases.filter((one) => one.id.includes(id.split('.').at(-1) ?? id)).slice(0, 5);
  const hint = near.length === 0 ? 'see list' : `there is ${near.map((one) => one.id).join(', ')}`;
  throw new UsageError(`there is no case and no requirement ${id}; ${hint}`);
}

/** The line by which a runner asks for a vector. @throws UsageError if the case is not one request without folders */
function request(id: string, set: VectorSet): string {
  const vector = set.vectors.get(id)?.vector;
  if (vector === undefined || 'storage' in vector.input || 'target' in vector.input)
    throw new UsageError(`${id} is not a single request without folders; see copy for the vectors of sets`);
  const sink = 'released' in vector.expect ? { sink: 'sink' } : {};
  const { op, input } = vector;
  return JSON.stringify({
    id: '1',
    op,
    params: {
      ...Object.fromEntries(Object.entries(input).map(([name, value]) => [name, unpack(value)])),
      ...sink,
    },
  });
}

/** Prints what a case or a requirement is about. */
export const explain: Command = {
  summary: 'what a case does and why, or which cases test a requirement',
  help: `Usage: strongroom-conformance explain ID [--request]

Prints what a case asks and expects, the bytes in which a spoilt input differs from the one that it was made from, the
sentences that it tests, and the mistakes that it finds; of a requirement, its sentence and its cases.

Options
  --request   only the request, as a line for an adapter's standard input; what it gives out goes to ./sink

Examples
  strongroom-conformance explain chunks.swapped
  strongroom-conformance explain CHK-5
  strongroom-conformance explain header.blob --request | ./my-adapter
`,
  async run(args, io) {
    const { positionals, values } = parseOptions(args, { request: { type: 'boolean', default: false } });
    const [id, ...more] = positionals;
    if (id === undefined || more.length > 0)
      throw new UsageError('explain takes the id of one case or requirement');
    const set = loadVectors();
    // Thousands of lines that no other command reads.
    const { mutants } = await import('../mutants/catalogue.ts');
    const sentences = new Map(readSpec().requirements.map(({ id: name, sentence }) => [name, sentence]));
    const known = { set, cases: allCases(set), mutants, sentences };
    io.stdout.write(values.request ? `${request(id, set)}\n` : `${explanation(id, known).join('\n')}\n`);
    return EXIT.asAsked;
  },
};
