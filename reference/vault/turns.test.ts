import { describe, expect, it } from 'vitest';
import { utf8, type Bytes } from '../wire/bytes.ts';
import { perform, type Handlers, type Step } from './core/effects.ts';
import { MAX_TURNS, Turns } from './turns.ts';

const alice = utf8('alice');
const bob = utf8('bob');

/** Loads, waits for its gate, and looks at the time. */
function* request(leaf: Bytes): Step<number> {
  yield* perform({ kind: 'load', leaf });
  yield* perform({ kind: 'hmac', key: 'index', data: leaf });
  return yield* perform({ kind: 'now' });
}

/** Handlers that note every load, and stop at the hmac until they are told. */
function stage(): { handlers: Handlers; loads: Bytes[]; gates: ((error?: Error) => void)[] } {
  const loads: Bytes[] = [];
  const gates: ((error?: Error) => void)[] = [];
  const never = (): never => {
    throw new Error('not asked for');
  };
  const handlers: Handlers = {
    load: ({ leaf }) => {
      loads.push(leaf);
      return { record: undefined, token: undefined };
    },
    hmac: () =>
      new Promise((resolve, reject) => {
        gates.push((error) => (error === undefined ? resolve(alice) : reject(error)));
      }),
    now: () => 7,
    commit: never,
    sign: never,
    random: never,
  };
  return { handlers, loads, gates };
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('turns', () => {
  // proves XCH-24
  it('are taken one after the other by the requests of one account, and not by others', async () => {
    const { handlers, loads, gates } = stage();
    const turns = new Turns();
    const all = Promise.allSettled(
      [alice, alice, bob, alice].map((leaf) => turns.run(request(leaf), handlers)),
    );
    await settled();
    expect(loads).toEqual([alice, bob]);
    gates[0]?.();
    await settled();
    expect(loads).toEqual([alice, bob, alice]);
    gates[2]?.(new Error('it failed'));
    await settled();
    expect(loads).toEqual([alice, bob, alice, alice]);
    gates[1]?.();
    gates[3]?.();
    expect((await all).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
  });

  // proves XCH-25
  it('are refused beyond a bound, without a load, until one has ended', async () => {
    const { handlers, loads, gates } = stage();
    const turns = new Turns();
    const run = (leaf: Bytes): Promise<number> => turns.run(request(leaf), handlers);
    const line = Array.from({ length: MAX_TURNS }, () => run(alice));
    await expect(run(alice)).rejects.toMatchObject({ code: 'overloaded' });
    void run(bob);
    await settled();
    expect(loads).toEqual([alice, bob]);
    gates[0]?.();
    expect(await line[0]).toBe(7);
    line.push(run(alice));
    await expect(run(alice)).rejects.toMatchObject({ code: 'overloaded' });
    for (let i = 2; i <= MAX_TURNS + 1; i++) {
      await settled();
      gates[i]?.();
    }
    expect(await Promise.all(line)).toHaveLength(MAX_TURNS + 1);
  });
});
