/**
 * `explain`: what is behind the name of a case or of a requirement.
 *
 * @module
 */
import { allCases } from '../cases/index.ts';
import { EXIT } from '../runner/verdict.ts';
import type { Expectation } from '../schema/vector.ts';
import { readSpec } from '../spec-text.ts';
import { loadVectors } from '../vectors.ts';
import { parseOptions, UsageError, type Command } from './command.ts';

function expected(expect: Expectation): string {
  if (expect.outcome === 'ok') return 'ok';
  if (expect.outcome === 'reject') return `reject with ${expect.errors.join(' or ')}`;
  return expect.runs.map(({ count, code }) => `${count} times ${code}`).join(', ');
}

/** What is known of `id`. @throws UsageError if there is no such case and no such requirement */
function explanation(id: string): string {
  const set = loadVectors();
  const cases = allCases(set);
  const { requirements } = readSpec();
  const sentence = (name: string): string => requirements.find((one) => one.id === name)?.sentence ?? '';
  const testing = cases.filter((one) => one.requirements.includes(id));
  if (testing.length > 0)
    return `${id}  ${sentence(id)}\n\n${testing.map((one) => `  ${one.id}  ${one.title}`).join('\n')}\n`;
  const found = cases.find((one) => one.id === id);
  if (found === undefined) throw new UsageError(`there is no case and no tested requirement ${id}; see list`);
  const vector = set.vectors.get(id)?.vector;
  return [
    `${found.id}  (${found.role}, ${found.level})`,
    found.title,
    '',
    `why       ${found.why}`,
    ...found.requirements.map((name) => `tests     ${name}  ${sentence(name)}`),
    ...(vector === undefined
      ? []
      : [
          `asks      ${vector.op}`,
          `expects   ${expected(vector.expect)}`,
          ...(vector.from === undefined
            ? []
            : [`made from ${vector.from.vector}, by ${JSON.stringify(vector.from.edit).slice(0, 400)}`]),
        ]),
    `run       strongroom-conformance run --adapter … --case ${found.id}`,
    '',
  ].join('\n');
}

/** Prints what a case or a requirement is about. */
export const explain: Command = {
  summary: 'what a case does and why, or which cases test a requirement',
  help: `Usage: strongroom-conformance explain ID

Examples
  strongroom-conformance explain chunks.swapped
  strongroom-conformance explain CHK-5
`,
  run(args, io) {
    const [id, ...more] = parseOptions(args, {}).positionals;
    if (id === undefined || more.length > 0)
      throw new UsageError('explain takes the id of one case or requirement');
    io.stdout.write(explanation(id));
    return EXIT.asAsked;
  },
};
