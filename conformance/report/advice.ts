/**
 * What to do about a result that is not a pass.
 *
 * @module
 */
import type { CaseResult, FailureClass } from '../schema/report.ts';

const ADVICE: Readonly<Record<FailureClass, string>> = {
  'accepted-invalid':
    'Find the check that is missing: `explain` shows the input, and the edit that spoils it.',
  'rejected-valid':
    'Follow the intermediate values of the vector to the first that differs; `explain` shows where.',
  'wrong-error':
    'See spec/errors.md for the code, and for which check comes first. With --loose-errors other codes pass for now.',
  'over-release':
    'Give out nothing before its authentication has succeeded: a chunk is held back until its tag is right.',
  'wrong-output':
    'Compare the two sides at the first byte that differs; vectors have intermediate values for this.',
  'not-fresh': 'Take every random value from the system when it is needed; keep, count and cache none.',
  crash:
    'Run it alone with the command below. Catch what the implementation throws: `reject` for its refusals, `error` for the rest.',
  timeout:
    'Answer every request, and flush standard output after each line. If the work takes longer, give --timeout.',
  'unsupported-but-claimed':
    'Build it, or take the feature out of `features` in hello: what is not claimed is not asked for.',
  state:
    'Follow the steps of the case: `explain` says which, and the requirement what must be kept between them.',
};

/** One sentence or two for whoever has to mend it; undefined if there is nothing to mend. */
export function advice({ status, class: failure }: CaseResult): string | undefined {
  if (status === 'error')
    return 'Write one answer a line to standard output, with the id of its request, and nothing else; logs belong on standard error.';
  return status === 'fail' && failure !== undefined ? ADVICE[failure] : undefined;
}
