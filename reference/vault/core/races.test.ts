import { beforeEach, describe, expect, it } from 'vitest';
import type { Outcome, Statement } from '../../exchange/answer.ts';
import { KeptHead, PutHead } from '../../exchange/heads.ts';
import { Cancel, Delete, RecoverFinish } from '../../exchange/request.ts';
import type { Bytes } from '../../wire/bytes.ts';
import { decode, encode } from '../../wire/codec.ts';
import { testHead, type Begun } from '../testing/account.ts';
import { everyOrder, World } from '../testing/orders.ts';
import type { Step } from './effects.ts';
import { sweep, type Handled } from './handle.ts';

const GRACE = 1000;

let world: World;
beforeEach(async () => {
  world = new World({ graceSeconds: GRACE });
  await world.alice.register('old', 5);
});

const empty = new Uint8Array(0);
const version = (): number => world.record().stateVersion;
const effectiveAt = (): number => world.record().scheduled.effectiveAt;

function guess(): Bytes {
  return world.alice.request('recover-start', world.alice.begin('guess').body);
}

/** A `delete` or `cancel` of what is there, signed by the owner or with a proof. */
function ofPresent(command: 'delete' | 'cancel', proof?: Begun['proof'] | 'none'): Bytes {
  const body =
    command === 'delete'
      ? encode(Delete, { stateVersion: version() })
      : encode(Cancel, { effectiveAt: effectiveAt() });
  if (proof === 'none') return world.alice.request(command, body);
  return world.alice.request(command, body, proof ?? world.alice.owner(command, body));
}

function recovery({ proof }: Pick<Begun, 'proof'>): Bytes {
  if (proof === undefined) throw new Error('the attempt has no KE2');
  const { kind: _, ...ke3 } = proof;
  return world.alice.request('recover-finish', encode(RecoverFinish, { ...ke3, acknowledged: 0 }));
}

/** A registration up to its `finish`, and its unproved or proved `confirm`. */
async function replacement(proof?: Begun['proof']): Promise<Bytes> {
  const { finish, confirm } = await world.alice.prepare('new', 5);
  await world.alice.call('register-finish', finish);
  return world.alice.request('register-confirm', confirm, proof);
}

/** The outcomes of two requests in every order, each once, and what must hold after each. */
function outcomesOf(
  requests: readonly [Bytes, Bytes],
  check: (answers: readonly Statement[]) => void = (): void => {},
): Set<string> {
  const seen = new Set<string>();
  everyOrder(
    world,
    () => requests.map((request) => world.handle(request)),
    (answers) => {
      seen.add(answers.map(({ outcome }) => outcome).join(' '));
      check(answers);
    },
  );
  return seen;
}

const either = (...pairs: readonly (readonly [Outcome, Outcome])[]): Set<string> =>
  new Set(pairs.map((pair) => pair.join(' ')));

// proves ATT-26
describe('in every order', () => {
  it('a cancellation beside the moment at which the change takes effect: cancelled, or told that it has happened', async () => {
    await world.send(await replacement());
    const request = ofPresent('cancel');
    const due = effectiveAt();
    const seen = new Set<string>();
    const before = world.driver.records;
    for (let early = 0; early < 8; early++) {
      world.driver.records = before;
      world.driver.now = due - early;
      const sweeping = function* (): Step<Handled> {
        yield* sweep(world.fleet, world.leaf());
        return yield* world.handle(world.alice.request('status', empty));
      };
      everyOrder(
        world,
        () => [world.handle(request), sweeping()],
        ([cancelled]) => {
          const { active, scheduled } = world.record();
          expect(scheduled.state).toBe('empty');
          expect(active.generation).toBe(cancelled?.generation);
          seen.add(`${cancelled?.outcome} ${cancelled?.generation}`);
        },
      );
    }
    expect(seen).toEqual(new Set(['ok 1', 'ok 2']));
  });

  it('a deletion beside a recovery: whoever is first, and no key leaves after it is deleted', async () => {
    const finish = recovery(await world.alice.start('old'));
    const seen = outcomesOf([ofPresent('delete'), finish], ([, proof]) => {
      expect(world.record().active.state === 'deleted').toBe(proof?.outcome === 'not-registered');
    });
    expect(seen).toEqual(either(['ok', 'not-registered'], ['conflict', 'ok']));
  });

  it('a deletion beside a guess: refused by the charge, or the guess finds nothing', () => {
    const seen = outcomesOf([ofPresent('delete'), guess()], ([removed]) => {
      expect(world.record().buckets[0]).toBe(removed?.outcome === 'ok' ? 0 : 1);
    });
    expect(seen).toEqual(either(['ok', 'not-registered'], ['conflict', 'ok']));
  });

  it('two unproved changes: one is scheduled, and no answer states another', async () => {
    const confirm = await replacement();
    const seen = outcomesOf([ofPresent('delete', 'none'), confirm], (answers) => {
      const { effectiveAt } = world.record().scheduled;
      const stated = answers.filter(({ outcome }) => outcome === 'scheduled');
      expect(new Set(stated.map((one) => one.scheduledChange)).size).toBe(1);
      expect(new Set(stated.map((one) => one.effectiveAt))).toEqual(new Set([effectiveAt]));
    });
    expect(seen).toEqual(either(['scheduled', 'scheduled'], ['conflict', 'scheduled']));
  });

  it('a change beside a guess: no charge is lost, and KE2 is of the generation that was charged', async () => {
    const change = await world.alice.change('old', 'new');
    const finish = world.alice.request('change-finish', change.finish);
    const seen = outcomesOf([finish, guess()], ([, guessed]) => {
      const { active, buckets, open } = world.record();
      expect(active.generation).toBe(2);
      expect(buckets[0]).toBe(1);
      expect(open).toHaveLength(guessed?.generation === 2 ? 1 : 0);
    });
    expect(seen).toEqual(either(['ok', 'ok']));
  });

  it('a change sent twice: one generation, one refund', async () => {
    await world.alice.start('wrong');
    const change = await world.alice.change('old', 'new');
    const finish = world.alice.request('change-finish', change.finish);
    const before = version();
    const seen = outcomesOf([finish, finish], () => {
      expect(version()).toBe(before + 1);
      expect(world.record().buckets[0]).toBe(1);
    });
    expect(seen).toEqual(either(['ok', 'ok']));
  });

  it('a change beside a recovery with the same KE3: one of them proves', async () => {
    await world.alice.start('wrong');
    const change = await world.alice.change('old', 'new');
    const finish = world.alice.request('change-finish', change.finish);
    const seen = outcomesOf([finish, recovery(change)], ([changed]) => {
      const { active, buckets } = world.record();
      expect(active.generation).toBe(changed?.outcome === 'ok' ? 2 : 1);
      expect(buckets[0]).toBe(1);
    });
    expect(seen).toEqual(either(['ok', 'conflict'], ['conflict', 'ok']));
  });

  it('two heads after the same one: one is kept, the other refused', () => {
    const put = (n: number): Bytes => {
      const body = encode(PutHead, { previousHash: new Uint8Array(32), head: testHead(n) });
      return world.alice.request('put-head', body, world.alice.owner('put-head', body));
    };
    const seen = outcomesOf([put(1), put(2)], (answers) => {
      const [kept] = answers.filter(({ outcome }) => outcome === 'ok');
      if (kept === undefined) throw new Error('none was kept');
      expect(world.record().head).toEqual(decode(KeptHead, kept.body).head);
    });
    expect(seen).toEqual(either(['ok', 'conflict'], ['conflict', 'ok']));
  });

  it('a proved replacement beside a cancellation: live, and nothing is scheduled', async () => {
    await world.send(await replacement());
    const [one, other] = [await world.alice.start('old'), await world.alice.start('old')];
    const confirm = await replacement(one.proof);
    const seen = outcomesOf([confirm, ofPresent('cancel', other.proof)], () => {
      expect(world.record().active.generation).toBe(3);
      expect(world.record().scheduled.state).toBe('empty');
    });
    expect(seen).toEqual(either(['ok', 'ok']));
  });

  it('a last chance that is over beside a change that is due: destroyed, and nothing follows', async () => {
    await world.send(await replacement());
    for (let i = 0; i < 4; i++) await world.alice.recover('wrong');
    const finish = recovery(await world.alice.start('old'));
    world.driver.now += GRACE;
    const seen = outcomesOf([finish, world.alice.request('status', empty)], (answers) => {
      expect(new Set(answers.map(({ phase }) => phase))).toEqual(new Set(['destroyed']));
      expect(world.record().scheduled.state).toBe('empty');
    });
    expect(seen).toEqual(either(['destroyed', 'ok']));
  });
});

describe('a crash before every effect', () => {
  it.each(['change-finish', 'delete', 'cancel', 'put-head'] as const)(
    'of %s: sent again, it is done, once',
    async (command) => {
      const change = await world.alice.change('old', 'new');
      await world.alice.call('delete', encode(Delete, { stateVersion: version() }));
      const head = encode(PutHead, { previousHash: new Uint8Array(32), head: testHead(1) });
      const request = {
        'change-finish': () => world.alice.request(command, change.finish),
        'put-head': () => world.alice.request(command, head, world.alice.owner(command, head)),
        delete: () => ofPresent('delete'),
        cancel: () => ofPresent('cancel'),
      }[command]();
      const before = version();
      for (let n = 1, answered = false; !answered; n++) {
        let effects = 0;
        const step = world.handle(request);
        const { turn } = world.driver.advance({ step, turn: step.next() }, () => ++effects >= n);
        answered = turn.done === true;
        expect(version()).toBeLessThanOrEqual(before + 1);
      }
      expect(await world.send(request)).toMatchObject({ outcome: 'ok', stateVersion: before + 1 });
    },
  );
});
