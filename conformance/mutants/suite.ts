/**
 * Mistakes in the suite itself: a scorer, a verdict, a runner or a trace that is wrong in one place. Each names the
 * self-test that must fail.
 *
 * @module
 */
import type { Edit } from './mutant.ts';

/** One mutant of the suite. */
export interface SuiteMutant extends Edit {
  readonly id: string;
  readonly mistake: string;
  /** More edits, where the mistake is prevented in several places. */
  readonly also?: readonly Edit[];
  /** Requirement that the mutant breaks, if there is one of it; the file of the test says that it proves it. */
  readonly requirement?: string;
  /** The self-test: its file, and a part of its full name. */
  readonly test: { readonly file: string; readonly name: string };
}

const SCORE = 'conformance/runner/score.ts';
const SCORE_TEST = 'conformance/runner/score.test.ts';
const RUNNER_TEST = 'conformance/runner/runner.test.ts';
const VERDICT = 'conformance/runner/verdict.ts';
const EXPECTED = 'conformance/runner/expected.ts';
const CONNECTION = 'conformance/runner/connection.ts';
const SUITE_TEST = 'conformance/conformance.test.ts';
const SWEEP = 'conformance/runner/sweep.ts';
const SWEEP_TEST = 'conformance/runner/sweep.test.ts';
const TRACE = 'tools/trace-rules.ts';
const TRACE_TEST = 'tools/trace.test.ts';
const JUDGE = 'conformance/mutants/run.ts';
const JUDGE_TEST = 'conformance/mutants/mutants.test.ts';

const scorer: readonly SuiteMutant[] = [
  {
    id: 'score-any-code',
    mistake: 'takes any code for the right one',
    file: SCORE,
    find: 'if (expect.errors.includes(outcome.error)) {',
    replace: 'if (outcome.error !== undefined) {',
    test: { file: SCORE_TEST, name: 'reject with another code' },
  },
  {
    id: 'score-release-after-code',
    mistake: 'looks for over-release only if the code is wrong',
    file: SCORE,
    find: '    released !== undefined &&\n    !allowed',
    replace: '    released !== undefined &&\n    !expect.errors.includes(outcome.error) &&\n    !allowed',
    requirement: 'CFM-12',
    test: { file: SCORE_TEST, name: 'gave out what it must not' },
  },
  {
    id: 'score-release-loose',
    mistake: 'lets over-release pass with loose codes',
    file: SCORE,
    find: '    released !== undefined &&\n    !allowed',
    replace: '    released !== undefined &&\n    !loose &&\n    !allowed',
    requirement: 'CFM-12',
    test: { file: SCORE_TEST, name: 'gave out what it must not' },
  },
  {
    id: 'score-release-by-length',
    mistake: 'compares what was given out by its length',
    file: SCORE,
    find: '!allowed.some((one) => one.sha256 === released.sha256)',
    replace: '!allowed.some((one) => one.length >= released.length)',
    requirement: 'CFM-12',
    test: { file: SCORE_TEST, name: 'gave out what it must not' },
  },
  {
    id: 'score-crash-refuses',
    mistake: 'takes a crash for a refusal',
    file: SCORE,
    find: "    case 'timeout':\n      return failed(outcome.outcome, outcome.detail);",
    replace:
      "    case 'timeout':\n      return expect.outcome === 'reject' ? { status: 'pass' } : failed(outcome.outcome, outcome.detail);",
    requirement: 'CFM-11',
    test: { file: SCORE_TEST, name: 'ended' },
  },
  {
    id: 'score-unsupported-refuses',
    mistake: 'takes `unsupported` for a refusal',
    file: SCORE,
    find: "    case 'unsupported':\n      return failed(",
    replace:
      "    case 'unsupported':\n      return expect.outcome === 'reject' ? { status: 'pass' } : failed(",
    requirement: 'CFM-11',
    test: { file: SCORE_TEST, name: 'unsupported' },
  },
  {
    id: 'score-error-refuses',
    mistake: 'takes an exception for a refusal',
    file: SCORE,
    find: "    case 'error':\n      return failed(",
    replace: "    case 'error':\n      return expect.outcome === 'reject' ? { status: 'pass' } : failed(",
    requirement: 'CFM-11',
    test: { file: SCORE_TEST, name: 'error' },
  },
  {
    id: 'score-protocol-fails',
    mistake: 'counts a broken line as a failure of the implementation',
    file: SCORE,
    find: "return { status: 'error', detail: outcome.detail };",
    replace: "return failed('crash', outcome.detail);",
    test: { file: SCORE_TEST, name: 'a line that is no answer' },
  },
  {
    id: 'score-accepts',
    mistake: 'passes an implementation that accepts what it must refuse',
    file: SCORE,
    find: ": failed('accepted-invalid', 'accepted what must be refused', {",
    replace:
      ": expect.errors.length > 1 ? { status: 'pass' } : failed('accepted-invalid', 'accepted what must be refused', {",
    test: { file: SCORE_TEST, name: 'ok, and all agrees' },
  },
  {
    id: 'score-nothing-released',
    mistake: 'asks for no content if none came out',
    file: SCORE,
    find: 'expect.released !== undefined && released?.sha256',
    replace: 'expect.released !== undefined && released !== undefined && released.sha256',
    test: { file: SCORE_TEST, name: 'gave out something else, less, or nothing' },
  },
  {
    id: 'score-result-unread',
    mistake: 'does not compare results',
    file: SCORE,
    find: '    if (!agrees(expected, actual)) {',
    replace: '    if (actual === undefined) {',
    test: { file: SCORE_TEST, name: 'ok, and something differs' },
  },
  {
    id: 'score-result-absent',
    mistake: 'compares only the fields that were answered',
    file: SCORE,
    find: '  if (actual === undefined) return false;',
    replace: '  if (actual === undefined) return true;',
    test: { file: RUNNER_TEST, name: 'an output must be there' },
  },
  {
    id: 'score-more-fields',
    mistake: 'overlooks fields that must not be there',
    file: SCORE,
    find: 'new Set([...Object.keys(expected), ...Object.keys(actual)])',
    replace: 'new Set(Object.keys(expected))',
    test: { file: RUNNER_TEST, name: 'an output must be there' },
  },
  {
    id: 'score-shorter-list',
    mistake: 'compares lists as far as the expected one goes',
    file: SCORE,
    find: 'if (!Array.isArray(actual) || actual.length !== expected.length) return false;\n    return expected.every(',
    replace: 'if (!Array.isArray(actual)) return false;\n    return expected.slice(0, actual.length).every(',
    test: { file: RUNNER_TEST, name: 'an output must be there' },
  },
  {
    id: 'score-digest-length',
    mistake: 'compares bytes by their number',
    file: SCORE,
    find: "canonical({ ...digest(Buffer.from(actual, 'hex')) }) === canonical({ ...expected })",
    replace: "Buffer.from(actual, 'hex').length === expected.length",
    test: { file: SCORE_TEST, name: 'bytes of the right length and other content' },
  },
  {
    id: 'score-position-unread',
    mistake: 'does not compare positions',
    file: SCORE,
    find: 'return position === undefined || position === outcome.position',
    replace: 'return position === undefined || position !== -1',
    test: { file: SCORE_TEST, name: 'a position that is asked for' },
  },
  {
    id: 'tree-more-files',
    mistake: 'overlooks what else lies in the target after a success',
    file: SCORE,
    find: "if (expect.outcome === 'reject' && found === undefined) continue;",
    replace: "if (expect.outcome === 'reject' ? found === undefined : wanted === undefined) continue;",
    test: { file: RUNNER_TEST, name: 'must hold all of a tree' },
  },
  {
    id: 'tree-refused-unread',
    mistake: 'does not look into the target after a refusal',
    file: SCORE,
    find: 'if (tree === undefined || outcome.outcome !== expect.outcome) return undefined;',
    replace: "if (tree === undefined || outcome.outcome !== 'ok') return undefined;",
    test: { file: RUNNER_TEST, name: 'must hold all of a tree' },
  },
  {
    id: 'tree-follows-links',
    mistake: 'follows links in the target',
    file: 'conformance/runner/folder.ts',
    find: "if (stat.isSymbolicLink()) return { kind: 'symlink', target: readlinkSync(path) };",
    replace: "if (stat.isSymbolicLink()) return { kind: 'directory', mode, modified };",
    test: { file: RUNNER_TEST, name: 'links are not followed' },
  },
  {
    id: 'sweep-code-unread',
    mistake: 'passes any refusal of an edit of a sweep',
    file: SWEEP,
    find: 'if (code === wanted.code) return undefined;',
    replace: "if ((code === 'none') === (wanted.code === 'none')) return undefined;",
    test: { file: SWEEP_TEST, name: 'another code' },
  },
  {
    id: 'sweep-release-unread',
    mistake: 'does not look at what came out in a sweep',
    file: SWEEP,
    find: 'if (!wanted.released.includes(released))',
    replace: 'if (wanted.released.length === 0)',
    test: { file: SWEEP_TEST, name: 'more than was authentic' },
  },
  {
    id: 'sweep-count-unread',
    mistake: 'takes an answer about fewer edits than it asked for',
    file: SWEEP,
    find: 'found.reduce((sum, run) => sum + run.count, 0) !== size',
    replace: 'found.reduce((sum, run) => sum + run.count, 0) > size',
    test: { file: SWEEP_TEST, name: 'does not take an answer about fewer edits' },
  },
];

const judges: readonly SuiteMutant[] = [
  {
    id: 'verdict-filtered',
    mistake: 'calls a role conformant of which cases were filtered out',
    file: VERDICT,
    find: "if (count(results, 'not-run', 'not-applicable') > 0) return 'incomplete';",
    replace: "if (count(results, 'not-applicable') > 0) return 'incomplete';",
    requirement: 'CFM-13',
    test: { file: RUNNER_TEST, name: 'a case that did not run makes the role incomplete' },
  },
  {
    id: 'verdict-unclaimed',
    mistake: 'calls a role conformant that lacks a feature it needs',
    file: VERDICT,
    find: "if (count(results, 'not-run', 'not-applicable') > 0) return 'incomplete';",
    replace: "if (count(results, 'not-run') > 0) return 'incomplete';",
    requirement: 'CFM-13',
    test: { file: RUNNER_TEST, name: 'a case that did not run makes the role incomplete' },
  },
  {
    id: 'verdict-error',
    mistake: 'counts a case that ended in an error as nothing',
    file: VERDICT,
    find: "if (count(results, 'fail', 'error') > 0) return 'non-conformant';",
    replace: "if (count(results, 'fail') > 0) return 'non-conformant';",
    test: { file: RUNNER_TEST, name: 'a case that did not run makes the role incomplete' },
  },
  {
    id: 'verdict-loose',
    mistake: 'calls a role conformant of which other codes were let pass',
    file: VERDICT,
    find: "  if (loose) return 'provisional';\n",
    replace: '',
    test: { file: RUNNER_TEST, name: 'a case that did not run makes the role incomplete' },
  },
  {
    id: 'verdict-exceptions',
    mistake: 'does not tell expected failures from passes',
    file: VERDICT,
    find: "count(results, 'xfail', 'xpass') > 0",
    replace: "count(results, 'xpass') > 0",
    test: { file: RUNNER_TEST, name: 'a case that did not run makes the role incomplete' },
  },
  {
    id: 'expected-any-class',
    mistake: 'excuses a failure of another class',
    file: EXPECTED,
    find: "status === 'fail' && result.class === line.class",
    replace: "result.status === 'fail'",
    test: { file: RUNNER_TEST, name: 'goes stale in every direction' },
  },
  {
    id: 'expected-for-ever',
    mistake: 'excuses failures after the day on which the excuse ends',
    file: EXPECTED,
    find: 'if (line.expires < today)',
    replace: "if (line.expires < '1')",
    test: { file: RUNNER_TEST, name: 'goes stale in every direction' },
  },
  {
    id: 'expected-no-case',
    mistake: 'says nothing of a line that is about no case',
    file: EXPECTED,
    find: 'if (ids.length === 0) stale.push(',
    replace: "if (line.case === '') stale.push(",
    test: { file: RUNNER_TEST, name: 'goes stale in every direction' },
  },
  {
    id: 'expected-passes',
    mistake: 'says nothing of a line whose case passes',
    file: EXPECTED,
    find: '      stale.push(`${id}: passes now`);\n',
    replace: '',
    test: { file: RUNNER_TEST, name: 'goes stale in every direction' },
  },
  {
    id: 'expected-not-run',
    mistake: 'says nothing of a line whose case did not run',
    file: EXPECTED,
    find: '} else stale.push(`${id}: ended as ${status}`);',
    replace: '}',
    test: { file: RUNNER_TEST, name: 'goes stale in every direction' },
  },
  {
    id: 'exit-stale',
    mistake: 'ends with 0 although expectations are stale',
    file: VERDICT,
    find: '  if (stale.length > 0) return EXIT.staleExpectations;\n',
    replace: '',
    test: { file: SUITE_TEST, name: '5 for a stale expectation' },
  },
  {
    id: 'exit-claim',
    mistake: 'is content with a claimed role that is incomplete',
    file: VERDICT,
    find: "one.verdict.startsWith('conformant')",
    replace: "one.verdict !== 'non-conformant'",
    test: { file: SUITE_TEST, name: '5 for a stale expectation' },
  },
  {
    id: 'exit-protocol',
    mistake: 'ends with 0 although the adapter broke the protocol',
    file: VERDICT,
    find: "  if (results.some((result) => result.status === 'error')) return EXIT.notStarted;\n",
    replace: '',
    test: { file: SUITE_TEST, name: 'an adapter that does garbage gives 3' },
  },
];

const runner: readonly SuiteMutant[] = [
  {
    id: 'order-of-the-files',
    mistake: 'runs cases in the order of the files',
    file: 'conformance/runner/plan.ts',
    find: 'const j = Math.floor(next() * (i + 1));',
    replace: 'const j = i;',
    requirement: 'CFM-6',
    test: { file: RUNNER_TEST, name: 'the order is a permutation' },
  },
  {
    id: 'order-by-chance',
    mistake: 'runs cases in an order that no seed brings back',
    file: 'conformance/runner/plan.ts',
    find: 'let state = seed >>> 0;',
    replace: 'let state = (Math.random() * 2 ** 32) >>> 0;',
    requirement: 'CFM-6',
    test: { file: RUNNER_TEST, name: 'the order is a permutation' },
  },
  {
    id: 'connection-any-id',
    mistake: 'takes an answer to any request',
    file: CONNECTION,
    find: 'if (read.id !== this.#waiting.id)',
    replace: 'if (read.id === undefined)',
    test: { file: SUITE_TEST, name: 'an adapter that does wrong-id gives 3' },
  },
  {
    id: 'connection-twice',
    mistake: 'takes two answers to one request',
    file: CONNECTION,
    find: "      if (read.id === this.#answered) return this.#lost(child, 'protocol', 'two answers to one request');\n",
    replace: '      if (read.id === this.#answered) continue;\n',
    test: { file: SUITE_TEST, name: 'an adapter that does twice gives 3' },
  },
  {
    id: 'connection-late',
    mistake: 'forgets what came while nobody asked',
    file: CONNECTION,
    find: "else if (outcome === 'protocol') this.#fault = detail;",
    replace: '',
    test: { file: SUITE_TEST, name: 'an adapter that does unasked gives 3' },
  },
  {
    id: 'connection-endless',
    mistake: 'reads a line without end',
    file: 'conformance/runner/lines.ts',
    find: 'return this.#length > MAX_LINE;',
    replace: 'return this.#length > 64 * MAX_LINE;',
    test: { file: SUITE_TEST, name: 'an adapter that does flood gives 3' },
  },
  {
    id: 'connection-hangs',
    mistake: 'counts a hang as a crash',
    file: CONNECTION,
    find: "this.#lost(child, 'timeout',",
    replace: "this.#lost(child, 'crash',",
    test: { file: 'conformance/adapters/liar.test.ts', name: 'hangs-to-refuse' },
  },
  {
    id: 'vault-elsewhere',
    mistake: 'tests vaults on any machine',
    file: 'conformance/commands/run.ts',
    find: 'if (LOOPBACK.includes(hostname) || allowed.includes(hostname)) return url;',
    replace: 'return url;',
    requirement: 'CFM-10',
    test: { file: SUITE_TEST, name: '2 for wrong usage' },
  },
  {
    id: 'vector-twice',
    mistake: 'loads two vectors of one id',
    file: 'conformance/vectors.ts',
    find: 'if (vectors.has(vector.id))',
    replace: "if (vector.id === '')",
    test: { file: RUNNER_TEST, name: 'a set of vectors with an id twice' },
  },
  {
    id: 'vector-no-twin',
    mistake: 'loads rejects that are made from nothing',
    file: 'conformance/vectors.ts',
    find: "if (vector.from && twin?.expect.outcome !== 'ok') {",
    replace: "if (twin?.expect.outcome === 'reject') {",
    test: { file: RUNNER_TEST, name: 'a set of vectors with an id twice' },
  },
  {
    id: 'vector-no-requirement',
    mistake: 'loads vectors that name no requirement',
    file: 'conformance/schema/vector.ts',
    find: 'requirements: z.array(z.string().regex(/^[A-Z]{3}-[0-9]+$/u)).min(1),',
    replace: 'requirements: z.array(z.string().regex(/^[A-Z]{3}-[0-9]+$/u)),',
    requirement: 'CFM-4',
    test: { file: RUNNER_TEST, name: 'a set of vectors with an id twice' },
  },
  {
    id: 'fresh-published',
    mistake: 'asks for published values in the place of fresh ones',
    file: 'conformance/cases/fresh/index.ts',
    find: 'STRONGROOM_VALUES: `values of the run with seed ${seed}`',
    replace: "NOTHING: ''",
    also: [
      {
        file: 'conformance/cases/fresh/index.ts',
        find: 'known !== undefined && !isDeepStrictEqual(known.input, input)',
        replace: 'known !== undefined',
      },
    ],
    requirement: 'CFM-15',
    test: {
      file: 'conformance/adapters/liar.test.ts',
      name: 'passes them, and nothing that is made for the run',
    },
  },
  {
    id: 'fresh-nothing-asked',
    mistake: 'passes fresh cases without asking',
    file: 'conformance/cases/fresh/index.ts',
    find: 'if (one.blocked?.(context) !== undefined) continue;',
    replace: "if (one.id !== '') continue;",
    requirement: 'CFM-15',
    test: {
      file: 'conformance/adapters/liar.test.ts',
      name: 'passes them, and nothing that is made for the run',
    },
  },
];

const tracers: readonly SuiteMutant[] = [
  {
    id: 'kill-any-class',
    mistake: 'counts a kill of another class',
    file: JUDGE,
    find: '(one) => one.class === mutant.class && one.requirements.includes(requirement)',
    replace: '(one) => one.requirements.includes(requirement)',
    test: { file: JUDGE_TEST, name: 'needs the named class' },
  },
  {
    id: 'kill-elsewhere',
    mistake: 'counts a kill by a case that does not cite the requirement',
    file: JUDGE,
    find: '(one) => one.class === mutant.class && one.requirements.includes(requirement)',
    replace: '(one) => one.class === mutant.class',
    test: { file: JUDGE_TEST, name: 'by a case that does not cite' },
  },
  {
    id: 'kill-equivalent',
    mistake: 'believes that a mutant is equivalent',
    file: JUDGE,
    find: 'return failures.length > 0\n',
    replace: 'return failures.length > results.length\n',
    test: { file: JUDGE_TEST, name: 'is not claimed for a mutant that is called equivalent' },
  },
  {
    id: 'edit-anywhere',
    mistake: 'applies an edit whose text occurs twice',
    file: 'conformance/mutants/mutant.ts',
    find: 'if (count !== 1)',
    replace: 'if (count < 1)',
    test: { file: JUDGE_TEST, name: 'a text that occurs twice' },
  },
  {
    id: 'trace-other-words',
    mistake: 'does not notice that a sentence has other words',
    file: TRACE,
    find: 'else if (before.sha256 !== register(one).sha256) {',
    replace: "else if (before.sha256 === '') {",
    test: { file: TRACE_TEST, name: 'finds other words' },
  },
  {
    id: 'trace-new',
    mistake: 'does not notice that an id is new',
    file: TRACE,
    find: 'if (before === undefined)\n      out.push(',
    replace: 'if (before === undefined)\n      void (',
    test: { file: TRACE_TEST, name: 'finds an id that is new' },
  },
  {
    id: 'trace-gone',
    mistake: 'does not notice that an id is gone',
    file: TRACE,
    find: 'if (!known.has(id) && !facts.retired.includes(id))',
    replace: "if (id === '')",
    test: { file: TRACE_TEST, name: 'finds an id that is gone' },
  },
  {
    id: 'trace-retired',
    mistake: 'lets a retired id be used again',
    file: TRACE,
    find: 'for (const id of facts.retired) if (known.has(id))',
    replace: "for (const id of facts.retired) if (!known.has(id) && id === '')",
    test: { file: TRACE_TEST, name: 'finds an id that is retired and used again' },
  },
  {
    id: 'trace-twice',
    mistake: 'lets an id stand at two sentences',
    file: TRACE,
    find: '    if (first !== undefined)\n',
    replace: '    if (first !== undefined && first.line < 0)\n',
    test: { file: TRACE_TEST, name: 'finds an id twice' },
  },
  {
    id: 'trace-cites-nothing',
    mistake: 'lets a case cite what does not exist',
    file: TRACE,
    find: 'if (!known.has(requirement)) out.push(`case ${id}',
    replace: "if (requirement === '') out.push(`case ${id}",
    test: { file: TRACE_TEST, name: 'finds a case that cites nothing that exists' },
  },
  {
    id: 'trace-excluded-tested',
    mistake: 'lets a rule be excluded that a case tests',
    file: TRACE,
    find: 'if (cited.has(id)) out.push(',
    replace: 'if (cited.has(id) && reason === id) out.push(',
    test: { file: TRACE_TEST, name: 'finds an exclusion of what is tested' },
  },
  {
    id: 'trace-no-reason',
    mistake: 'lets a rule be excluded without a reason',
    file: TRACE,
    find: 'if (reason.length < 10)',
    replace: 'if (reason.length < 0)',
    test: { file: TRACE_TEST, name: 'finds an exclusion without a reason' },
  },
  {
    id: 'trace-lives',
    mistake: 'says nothing of a mutant that no case kills',
    file: TRACE,
    find: 'for (const { id, reason } of facts.alive) out.push(`mutant ${id} lives: ${reason}`);',
    replace: '',
    test: { file: TRACE_TEST, name: 'finds a mutant that lives' },
  },
  {
    id: 'trace-self-test',
    mistake: 'forgets what self-tests have proven',
    file: TRACE,
    find: '    ...facts.selfTested,\n',
    replace: '',
    test: { file: TRACE_TEST, name: 'counts a requirement as proven only by' },
  },
  {
    id: 'page-forgets',
    mistake: 'leaves rules that are only declared out of the page',
    file: 'tools/trace-page.ts',
    find: "...byFile(of('declared')),",
    replace: "...byFile(of('declared').slice(1)),",
    test: { file: TRACE_TEST, name: 'becomes a page' },
  },
  {
    id: 'trace-not-passed',
    mistake: 'counts cases that do not pass as executed',
    file: TRACE,
    find: '[...facts.citations].filter(([id]) => facts.passed.has(id)).flatMap',
    replace: '[...facts.citations].flatMap',
    test: { file: TRACE_TEST, name: 'counts a requirement as proven only by' },
  },
  {
    id: 'trace-proven-unpassed',
    mistake: 'counts a kill by a case that the reference does not pass',
    file: TRACE,
    find: 'facts.kills.filter(({ killedBy }) => facts.passed.has(killedBy)).map(',
    replace: 'facts.kills.map(',
    test: { file: TRACE_TEST, name: 'counts a requirement as proven only by' },
  },
  {
    id: 'text-two-keywords',
    mistake: 'lets a sentence have two keywords',
    file: 'conformance/spec-text.ts',
    find: 'if (keywords.length !== 1 || level === undefined) {',
    replace: 'if (level === undefined) {',
    test: { file: TRACE_TEST, name: 'has no keyword without an id' },
  },
  {
    id: 'text-no-id',
    mistake: 'lets a keyword stand without an id',
    file: 'conformance/spec-text.ts',
    find: 'if (keywords.length > 0) fault(',
    replace: 'if (keywords.length > 1) fault(',
    test: { file: TRACE_TEST, name: 'has no keyword without an id' },
  },
];

/** Every mutant of the suite. */
export const suiteMutants: readonly SuiteMutant[] = [...scorer, ...judges, ...runner, ...tracers];
