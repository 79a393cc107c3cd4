import { describe, expect, it } from 'vitest';
import { Answer } from '../../exchange/answer.ts';
import type { Bytes } from '../../wire/bytes.ts';
import { decode } from '../../wire/codec.ts';
import { TestAccount, type Begun } from '../testing/account.ts';
import { everyOrder, World } from '../testing/orders.ts';
import type { Step } from './effects.ts';
import { sweep, type Handled } from './handle.ts';

describe('every interleaving of', () => {
  it('two guesses: each is charged, and no more is answered than is charged', async () => {
    const world = new World();
    await world.alice.register('secret', 5);
    const bodies = ['one', 'two'].map((guess) =>
      world.alice.request('recover-start', world.alice.begin(guess).body),
    );
    const count = everyOrder(
      world,
      () => bodies.map((body) => world.handle(body)),
      (answers) => {
        expect(answers.map(({ outcome }) => outcome)).toEqual(['ok', 'ok']);
        expect(new Set(answers.map(({ remaining }) => remaining))).toEqual(new Set([4, 3]));
        expect(world.charged).toBe(2);
      },
    );
    expect(count).toBeGreaterThanOrEqual(6);
  });

  it('three guesses for the last one of the budget: one is answered', async () => {
    const world = new World();
    await world.alice.register('secret', 3);
    await world.alice.recover('wrong');
    await world.alice.recover('wrong');
    const bodies = ['a', 'b', 'c'].map((guess) =>
      world.alice.request('recover-start', world.alice.begin(guess).body),
    );
    const count = everyOrder(
      world,
      () => bodies.map((body) => world.handle(body)),
      (answers) => {
        expect(answers.map(({ outcome }) => outcome).sort()).toEqual(['ok', 'try-later', 'try-later']);
        expect(world.charged).toBe(3);
      },
    );
    expect(count).toBeGreaterThan(50);
  });

  it('the same guess sent twice: one charge, one KE2', async () => {
    const world = new World();
    await world.alice.register('secret', 5);
    const body = world.alice.request('recover-start', world.alice.begin('secret').body);
    everyOrder(
      world,
      () => [world.handle(body), world.handle(body)],
      ([first, second]) => {
        expect(first?.body).toEqual(second?.body);
        expect(world.charged).toBe(1);
      },
    );
  });

  it('a right KE3 sent twice beside a guess: one refund', async () => {
    const world = new World();
    await world.alice.register('secret', 5);
    const begun = await world.alice.start('secret');
    const finish = await finishBytes(world, begun);
    const guess = world.alice.request('recover-start', world.alice.begin('guess').body);
    everyOrder(
      world,
      () => [world.handle(finish), world.handle(finish), world.handle(guess)],
      (answers) => {
        expect(answers.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok']);
        expect(answers[0]?.body).toEqual(answers[1]?.body);
        expect(world.charged).toBeLessThanOrEqual(1);
        expect(world.driver.record(world.leaf())?.buckets[0]).toBe(1);
      },
    );
  });

  it('a right and a wrong KE3 in the last chance: the key is there or gone, never both', async () => {
    const world = new World();
    await world.alice.register('secret', 2);
    const good = await finishBytes(world, await world.alice.start('secret'));
    const bad = await finishBytes(world, await world.alice.start('wrong'));
    const seen = new Set<string>();
    everyOrder(
      world,
      () => [world.handle(good), world.handle(bad)],
      ([first, second]) => {
        seen.add(`${first?.outcome} ${second?.outcome}`);
        expect(world.driver.record(world.leaf())?.active.state).toBe('active');
      },
    );
    expect(seen).toEqual(new Set(['ok wrong-password']));
  });

  it('the right KE3 and the sweeper at the deadline: whoever is first decides', async () => {
    const world = new World();
    await world.alice.register('secret', 1);
    const finish = await finishBytes(world, await world.alice.start('secret'));
    world.driver.now += 600;
    const sweeping = function* (): Step<Handled> {
      yield* sweep(world.driver.fleet, world.leaf());
      return yield* world.handle(world.alice.request('status', new Uint8Array(0)));
    };
    everyOrder(
      world,
      () => [world.handle(finish), sweeping()],
      ([first, second]) => {
        expect([first?.outcome, second?.phase]).toEqual(['destroyed', 'destroyed']);
      },
    );
  });

  // proves XCH-23
  it('a guess and a proof, then the report acknowledged: no charge is dated before what the owner saw', async () => {
    const world = new World();
    await world.alice.register('secret', 5);
    const first = await finishBytes(world, await world.alice.start('secret'));
    const second = await finishBytes(world, await world.alice.start('secret'), 1);
    const guess = world.alice.request('recover-start', world.alice.begin('guess').body);
    everyOrder(
      world,
      () => [world.handle(guess), world.handle(first)],
      (answers) => {
        const { report } = decode(Answer, world.driver.run(world.handle(second)).answer).statement;
        expect(answers.map(({ outcome }) => outcome)).toEqual(['ok', 'ok']);
        expect(report.first).toBeLessThanOrEqual(report.last);
      },
    );
  });

  it('a confirmation with proof and a guess at the old password: no charge is lost', async () => {
    const world = new World();
    await world.alice.register('old', 5);
    const { proof } = await world.alice.start('old');
    const { finish, confirm } = await world.alice.prepare('new', 5);
    await world.alice.call('register-finish', finish);
    const confirming = world.alice.request('register-confirm', confirm, proof);
    const guess = world.alice.request('recover-start', world.alice.begin('guess').body);
    everyOrder(
      world,
      () => [world.handle(confirming), world.handle(guess)],
      (answers) => {
        expect(answers.map(({ outcome }) => outcome)).toEqual(['ok', 'ok']);
        expect(world.driver.record(world.leaf())?.buckets[0]).toBe(1);
      },
    );
  });
});

async function finishBytes(world: World, begun: Begun, acknowledged = 0): Promise<Bytes> {
  let bytes: Bytes | undefined;
  const catcher = new TestAccount(
    (plaintext) => {
      bytes = plaintext;
      return world.send(world.alice.request('status', new Uint8Array(0)));
    },
    world.driver.fleet.fleetId,
    'alice',
  );
  await catcher.finish(begun, acknowledged);
  if (bytes === undefined) throw new Error('nothing was sent');
  return bytes;
}

describe('a crash before every effect', () => {
  /** Runs a request until it would do its n-th effect; true if it was answered before. */
  function crashAt(world: World, plaintext: Bytes, n: number): boolean {
    let effects = 0;
    const step = world.handle(plaintext);
    const { turn } = world.driver.advance({ step, turn: step.next() }, () => ++effects >= n);
    return turn.done === true;
  }

  it.each([
    ['the guess has been charged once, whether its answer came or not', 'wrong'],
    ['the right password comes through on the next try', 'secret'],
  ])('%s', async (_name, password) => {
    for (let n = 1, answered = false; !answered; n++) {
      const world = new World();
      await world.alice.register('secret', 5);
      const attempt = world.alice.begin(password);
      answered = crashAt(world, world.alice.request('recover-start', attempt.body), n);
      expect(world.charged).toBeLessThanOrEqual(1);
      if (answered) expect(world.charged).toBe(1);
      const begun = await attempt.complete(await world.alice.call('recover-start', attempt.body));
      expect(begun.answer).toMatchObject({ outcome: 'ok', remaining: 4 });
      const finish = await finishBytes(world, begun);
      for (let m = 1, done = false; !done; m++) done = crashAt(world, finish, m);
      const last = await world.alice.finish(begun);
      expect(last).toMatchObject(
        password === 'secret' ? { outcome: 'ok', remaining: 5 } : { outcome: 'wrong-password', remaining: 4 },
      );
    }
  });

  it('a registration that is retried after each crash ends live, with one generation', async () => {
    const world = new World();
    const { finish, confirm } = await world.alice.prepare('secret', 5);
    for (const [command, body] of [
      ['register-finish', finish],
      ['register-confirm', confirm],
    ] as const) {
      const bytes = world.alice.request(command, body);
      for (let n = 1; !crashAt(world, bytes, n); n++);
      expect(await world.alice.call(command, body)).toMatchObject({ outcome: 'ok' });
    }
    expect(await world.alice.recover('secret')).toMatchObject({ outcome: 'ok', generation: 1 });
  });
});
