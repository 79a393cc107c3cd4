/**
 * Applies one mutant while modules are loaded: `node --import conformance/mutants/loader.ts`, with the id of the
 * mutant in STRONGROOM_MUTANT. No file is copied or changed.
 *
 * @module
 */
import { registerHooks } from 'node:module';
import { mutants } from './catalogue.ts';
import { apply, editsOf } from './mutant.ts';

const id = process.env['STRONGROOM_MUTANT'];
const mutant = mutants.find((one) => one.id === id);
if (mutant === undefined) throw new Error(`there is no mutant ${id}`);
const edits = Map.groupBy(editsOf(mutant), ({ file }) => new URL(`../../${file}`, import.meta.url).href);

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const here = edits.get(url);
    const { source } = loaded;
    if (here === undefined || source === undefined || source === null) return loaded;
    const text = typeof source === 'string' ? source : new TextDecoder().decode(source);
    return { ...loaded, source: here.reduce((changed, edit) => apply(edit, changed), text) };
  },
});
