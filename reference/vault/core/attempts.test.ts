import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Policy } from '../../fleet/descriptor.ts';
import { utf8 } from '../../wire/bytes.ts';
import { EMPTY_SLOT, emptyRecord, type AccountRecord } from '../record.ts';
import { charge, refund } from './attempts.ts';

const policy = {
  delays: [0],
  lastChanceSeconds: 600,
  ceiling: 1000,
  refill: 'full',
} as unknown as Policy;

const live: AccountRecord = {
  ...emptyRecord(utf8('alice')),
  nextGeneration: 2,
  active: { ...EMPTY_SLOT, state: 'active', generation: 1, budget: 100 },
};

function ke1(n: number): { ke1Hash: Uint8Array<ArrayBuffer>; seed: Uint8Array<ArrayBuffer> } {
  return { ke1Hash: new Uint8Array(32).fill(n), seed: new Uint8Array(32).fill(255 - n) };
}

function prove(record: AccountRecord, index: number, acknowledged: number, now: number): AccountRecord {
  const attempt = record.open.at(index);
  if (attempt === undefined) throw new Error('no such attempt');
  return refund(policy, record, attempt, acknowledged, now);
}

describe('the report of failed attempts', () => {
  it('is repeated until the owner acknowledges the one that was shown', () => {
    const guessed = charge(policy, charge(policy, live, ke1(1), 100), ke1(2), 110);
    const first = prove(charge(policy, guessed, ke1(3), 120), -1, 0, 121);
    expect(first.report).toEqual({ serial: 1, failed: 2, first: 100, last: 120 });
    const again = prove(charge(policy, first, ke1(4), 130), -1, 0, 131);
    expect(again.report).toMatchObject({ serial: 2, failed: 2, first: 100 });
    const seen = prove(charge(policy, again, ke1(5), 140), -1, 2, 141);
    expect(seen.report).toEqual({ serial: 3, failed: 0, first: 0, last: 0 });
  });

  it('keeps what came after the report that is acknowledged', () => {
    const shown = prove(charge(policy, charge(policy, live, ke1(1), 100), ke1(2), 110), -1, 0, 111);
    expect(shown.report).toMatchObject({ serial: 1, failed: 1 });
    const attacked = charge(policy, charge(policy, shown, ke1(3), 200), ke1(4), 210);
    const owner = prove(charge(policy, attacked, ke1(5), 300), -1, 1, 301);
    expect(owner.report).toMatchObject({ serial: 2, failed: 2 });
    expect(owner.report.first).toBeLessThanOrEqual(200);
  });

  it('ignores an acknowledgement of another serial', () => {
    const shown = prove(charge(policy, charge(policy, live, ke1(1), 100), ke1(2), 110), -1, 0, 111);
    const wrong = prove(charge(policy, shown, ke1(3), 200), -1, 7, 201);
    expect(wrong.report.failed).toBe(1);
  });

  it('counts exactly the charges that were neither proved nor seen by the owner', () => {
    const step = fc.record({ guess: fc.boolean(), which: fc.nat(3), acknowledge: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let record = live;
        // The model: one line for each charge, by KE1, with whether a release has shown it.
        let unproved: { id: string; shown: boolean }[] = [];
        steps.forEach(({ guess, which, acknowledge }, i) => {
          if (guess || record.open.length === 0) {
            if (record.active.charged === 99) return;
            record = charge(policy, record, ke1(i + 1), 1000 + i);
            unproved.push({ id: String(i + 1), shown: false });
          } else {
            const index = which % record.open.length;
            const id = String(record.open[index]?.ke1Hash[0]);
            record = prove(record, index, acknowledge ? record.report.serial : 0, 1000 + i);
            const seen = acknowledge && unproved.some(({ shown }) => shown);
            unproved = unproved.filter((line) => line.id !== id && !(seen && line.shown));
            for (const line of unproved) line.shown = true;
          }
          expect(record.report.failed).toBe(unproved.length);
        });
      }),
    );
  });
});

describe('a refund', () => {
  const none: Policy = { ...policy, refill: 'none' };

  it('is given once, whatever the policy becomes between charge and proof', () => {
    const two = charge(policy, charge(policy, live, ke1(1), 100), ke1(2), 100);
    const refilled = prove(two, 1, 0, 101);
    expect(refilled.active.charged).toBe(0);
    const again = charge(none, refilled, ke1(3), 102);
    const [old, own] = again.open;
    if (old === undefined || own === undefined) throw new Error('two are open');
    expect(refund(none, again, old, 0, 103).active.charged).toBe(1);
    expect(refund(none, again, own, 0, 103).active.charged).toBe(0);
  });

  it('ends a last chance even if it is none', () => {
    const small: AccountRecord = { ...live, active: { ...live.active, budget: 2 } };
    const refilled = prove(charge(policy, charge(policy, small, ke1(1), 100), ke1(2), 100), 1, 0, 101);
    const spent = charge(none, charge(none, refilled, ke1(3), 102), ke1(4), 102);
    expect(spent.active).toMatchObject({ state: 'last-chance', charged: 2 });
    const [old] = spent.open;
    if (old === undefined) throw new Error('it is open');
    expect(refund(none, spent, old, 0, 103).active).toMatchObject({
      state: 'active',
      charged: 1,
      deadline: 0,
    });
  });
});
