import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { DEFAULT_POLICY } from '../../fleet/index.ts';
import { World, type Base, type Bounds } from './explorer-world-fixture.ts';
import { FAULTS } from './faults-fixture.ts';

const long = process.env['STRONGROOM_LONG'] !== undefined;
const bases: readonly Base[] = [
  'none',
  'first',
  'active',
  'last-chance',
  'replacing',
  'deleting',
  'changing',
];
const { lastChanceSeconds, graceSeconds } = DEFAULT_POLICY;

/** Milliseconds that a search may take on a machine that has much else to do. */
const PATIENCE = long ? 3 * 3600 * 1000 : 300_000;

const CRASH: Bounds = { crashes: 1, losses: 0, ticks: [] };
const ALL: Bounds = { crashes: 1, losses: 1, ticks: [lastChanceSeconds, graceSeconds] };

/** One of each: what one search has tried the next need not. */
const worlds = new Map<Base, World>();
async function worldOf(base: Base): Promise<World> {
  const world = worlds.get(base) ?? (await World.make(base));
  worlds.set(base, world);
  return world;
}

// proves XCH-11, XCH-12, XCH-13, ATT-26
describe.each(bases)('from the state %s, every schedule of', { timeout: PATIENCE }, (base) => {
  it('each request alone, with a loss of power, a lost answer, and all deadlines', async () => {
    const world = await worldOf(base);
    let states = 0;
    for (const name of world.asks.keys()) states += await world.explore([name], ALL);
    expect(states).toBeGreaterThan(40 * world.asks.size);
  });

  it('each pair of requests, with a loss of power', async () => {
    const world = await worldOf(base);
    const names = [...world.asks.keys()];
    let states = 0;
    for (const [i, one] of names.entries()) {
      for (const other of names.slice(i)) states += await world.explore([one, other], long ? ALL : CRASH);
    }
    expect(states).toBeGreaterThan(10 * names.length * names.length);
  });
});

const triples: readonly [Base, ...string[]][] = [
  ['active', 'start a', 'start b', 'start c'],
  ['active', 'start a', 'start b', 'finish by password'],
  ['active', 'start a', 'start change', 'confirm as owner'],
  ['active', 'confirm as owner', 'finish by password', 'start a'],
  ['active', 'confirm by password', 'finish wrongly', 'start a'],
  ['active', 'delete as owner', 'confirm by password', 'finish by password'],
  ['active', 'confirm', 'delete', 'start a'],
  ['last-chance', 'finish by password', 'finish wrongly', 'start a'],
  ['last-chance', 'finish by password', 'sweep', 'confirm as owner'],
  ['last-chance', 'finish wrongly', 'finish 2 wrongly', 'finish 3 wrongly'],
  ['last-chance', 'finish wrongly', 'delete wrongly', 'confirm by password'],
  ['replacing', 'cancel as owner', 'confirm as owner', 'start a'],
  ['replacing', 'cancel by password', 'finish by password', 'sweep'],
  ['deleting', 'cancel as owner', 'confirm by password', 'sweep'],
  ['deleting', 'cancel as owner', 'cancel by password', 'start a'],
  ['changing', 'change by password', 'start a', 'register-start'],
  ['changing', 'change by password', 'change wrongly', 'start change'],
];

// proves ATT-26
it.each(triples)(
  'from the state %s, every schedule of %s, %s and %s',
  { timeout: PATIENCE },
  async (base, ...names) => {
    const world = await worldOf(base);
    expect(await world.explore(names, long ? ALL : CRASH)).toBeGreaterThan(50);
  },
);

/** A search that finds each fault, and what it says. */
const finds: Readonly<
  Record<string, { base: Base; names: readonly string[]; bounds?: Bounds; says: RegExp }>
> = {
  'check, then write': { base: 'active', names: ['start a', 'start b'], says: /more/u },
  'a commit is reported before it is durable': {
    base: 'active',
    names: ['start a'],
    says: /before its commit/u,
  },
  'a lost race is not decided anew': { base: 'active', names: ['start a', 'start b'], says: /more/u },
  'a new key refills the budget': { base: 'active', names: ['confirm as owner'], says: /more attempts/u },
  'an attempt outlives its generation': {
    base: 'active',
    names: ['confirm as owner'],
    says: /generation of an attempt/u,
  },
  'a repeated guess is charged again': {
    base: 'changing',
    names: ['start a'],
    bounds: ALL,
    says: /two KE2/u,
  },
  'a wrong guess is given back': { base: 'active', names: ['finish wrongly'], says: /more attempts/u },
  'the last wrong guess leaves another': {
    base: 'last-chance',
    names: ['finish wrongly', 'finish 2 wrongly', 'finish 3 wrongly'],
    says: /more/u,
  },
  'a last chance punishes the right guess': {
    base: 'last-chance',
    names: ['finish wrongly'],
    says: /while a right guess/u,
  },
  'a last chance has no end': {
    base: 'last-chance',
    names: ['sweep'],
    bounds: ALL,
    says: /overdue|above budget/u,
  },
  'grace is ignored': { base: 'active', names: ['confirm'], says: /nobody could/u },
  'a second change takes the place of the first': {
    base: 'replacing',
    names: ['delete'],
    bounds: ALL,
    says: /nobody could/u,
  },
  'what is scheduled outlives the key': { base: 'replacing', names: ['delete as owner'], says: /scheduled/u },
  'cancel forgets to cancel': {
    base: 'deleting',
    names: ['cancel as owner'],
    bounds: ALL,
    says: /nobody could/u,
  },
  'delete takes any state version': {
    base: 'active',
    names: ['start a', 'delete as owner'],
    says: /has not seen/u,
  },
};

const script = fileURLToPath(new URL('explorer-fault-fixture.ts', import.meta.url));

describe.concurrent('a fault in the core is found:', () => {
  it.each(Object.keys(FAULTS))('%s', async (fault) => {
    const search = finds[fault];
    if (search === undefined) throw new Error('no search for it');
    const { base, names, bounds = CRASH, says } = search;
    const args = ['--conditions=strongroom-source', script, fault, JSON.stringify({ base, names, bounds })];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout).toMatch(says);
  });
});
