/**
 * One search at a core with a fault, in a process of its own: `node explorer-fault-fixture.ts <fault> <search as JSON>`.
 * Prints what the search says, and nothing if it finds nothing.
 *
 * @module
 */
import { seed } from './faults-fixture.ts';
import type { Base, Bounds } from './explorer-world-fixture.ts';

interface Search {
  readonly base: Base;
  readonly names: readonly string[];
  readonly bounds: Bounds;
}

const [fault = '', search = ''] = process.argv.slice(2);
seed(fault);
const { World } = await import('./explorer-world-fixture.ts');
const { base, names, bounds } = JSON.parse(search) as Search;
try {
  const world = await World.make(base);
  await world.explore(names, bounds);
} catch (error) {
  process.stdout.write(String(error));
}
