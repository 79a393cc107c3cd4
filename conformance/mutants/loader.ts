/**
 * Applies one mutant while modules are loaded: `node --import conformance/mutants/loader.ts`, with the id of the
 * mutant in STRONGROOM_MUTANT. No file is copied or changed.
 *
 * @module
 */
import { registerHooks } from 'node:module';
import { mutants } from './catalogue.ts';
import { mutate } from './mutant.ts';

const id = process.env['STRONGROOM_MUTANT'];
const mutant = mutants.find((one) => one.id === id);
if (mutant === undefined) throw new Error(`there is no mutant ${id}`);
const target = new URL(`../../${mutant.file}`, import.meta.url).href;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (url !== target) return loaded;
    const { source } = loaded;
    if (source === undefined || source === null) throw new Error(`${url} has no source`);
    return {
      ...loaded,
      source: mutate(mutant, typeof source === 'string' ? source : new TextDecoder().decode(source)),
    };
  },
});
