// Runs one self-test with one mutant of the suite's own sources in it; its id is in STRONGROOM_SUITE_MUTANT.
import { fileURLToPath } from 'node:url';
import type { ViteUserConfig } from 'vitest/config';
import { apply, editsOf } from './mutant.ts';
import { suiteMutants } from './suite.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const mutant = suiteMutants.find(({ id }) => id === process.env['STRONGROOM_SUITE_MUTANT']);
if (mutant === undefined) throw new Error('there is no such mutant of the suite');

const config: ViteUserConfig = {
  root,
  // What other mutants made of the sources is not read back.
  test: { include: [mutant.test.file], testTimeout: 180_000, fsModuleCache: false },
  plugins: [
    {
      name: 'mutant',
      enforce: 'pre',
      transform: (source, id) =>
        editsOf(mutant)
          .filter(({ file }) => id === `${root}${file}`)
          .reduce((changed, edit) => apply(edit, changed), source),
    },
  ],
};

export default config;
