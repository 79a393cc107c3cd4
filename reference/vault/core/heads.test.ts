import { beforeEach, describe, expect, it } from 'vitest';
import { KeptHead, PutHead } from '../../exchange/heads.ts';
import { Delete } from '../../exchange/request.ts';
import type { Statement } from '../../exchange/answer.ts';
import { sodiumSuite } from '../../opaque/index.ts';
import { hex, type Bytes } from '../../wire/bytes.ts';
import { decode, encode } from '../../wire/codec.ts';
import { testHead, type TestAccount } from '../testing/account.ts';
import { CoreVault } from '../testing/core-vault.ts';
import { sha256 } from './evaluate.ts';

const suite = await sodiumSuite();
const NONE = new Uint8Array(32);
const head = testHead;

let v: CoreVault;
let alice: TestAccount;
beforeEach(async () => {
  v = new CoreVault(suite, { graceSeconds: 100 });
  alice = v.account();
  await alice.register('secret', 3);
});

const put = (next: Bytes, previous?: Bytes, owner = alice): Promise<Statement> => {
  const previousHash = previous === undefined ? NONE : sha256(previous);
  return owner.signed('put-head', encode(PutHead, { previousHash, head: next }));
};
const kept = async (owner = alice): Promise<Bytes> =>
  decode(KeptHead, (await owner.signed('get-head')).body).head;

describe('a head', () => {
  // proves HED-1
  it('is compared and replaced, and put again it changes nothing', async () => {
    expect(await kept()).toEqual(head(0));
    expect(await put(head(1))).toMatchObject({ outcome: 'ok', body: head(1) });
    const { commits } = v.driver;
    expect(await put(head(1))).toMatchObject({ outcome: 'ok', body: head(1) });
    expect(await put(head(2))).toMatchObject({ outcome: 'conflict', body: new Uint8Array(0) });
    expect(await put(head(2), head(9))).toMatchObject({ outcome: 'conflict' });
    expect(v.driver.commits).toBe(commits);
    expect(await put(head(2), head(1))).toMatchObject({ outcome: 'ok' });
    expect(await kept()).toEqual(head(2));
    // What a relay has kept of an earlier one does not bring it back.
    expect(await put(head(1))).toMatchObject({ outcome: 'conflict' });
  });

  it.each([
    ['generation 0', head(1).fill(0, 16, 24)],
    ['key epoch 0', head(1).fill(0, 64, 68)],
  ])('of %s is malformed', async (_name, bad) => {
    expect(await put(bad)).toMatchObject({ outcome: 'malformed' });
    expect(await kept()).toEqual(head(0));
  });

  // proves HED-2
  it('is shown and taken with the signature of the owner alone', async () => {
    await put(head(1));
    const secret = hex(head(1));
    const { proof } = await alice.start('secret');
    const next = encode(PutHead, { previousHash: sha256(head(1)), head: head(2) });
    for (const unproved of [{ kind: 'none' } as const, proof, alice.owner('status', new Uint8Array(0))]) {
      for (const [command, body] of [
        ['get-head', new Uint8Array(0)],
        ['put-head', next],
      ] as const) {
        const answer = await alice.call(command, body, unproved);
        expect(answer).toMatchObject({ outcome: 'not-authorised', body: new Uint8Array(0) });
      }
      expect(hex((await alice.call('status')).body)).not.toContain(secret);
    }
    expect(v.record().open).toHaveLength(1);
    expect(await kept()).toEqual(head(1));
    const thief = v.account();
    expect(await thief.signed('get-head')).toMatchObject({ outcome: 'not-authorised' });
  });

  it('of an account without a registration is not there', async () => {
    const bob = v.account('bob');
    expect(await bob.signed('get-head')).toMatchObject({ outcome: 'not-registered' });
    expect(await put(head(1), undefined, bob)).toMatchObject({ outcome: 'not-registered' });
    await bob.prepare('secret');
    expect(await put(head(1), undefined, bob)).toMatchObject({ outcome: 'not-registered' });
  });

  // proves HED-3
  it('outlives the key, and its replacement with proof', async () => {
    await put(head(1));
    await alice.register('new', 3, (await alice.start('secret')).proof);
    expect(await kept()).toEqual(head(1));
    for (let i = 0; i < 3; i++) await alice.recover('wrong');
    expect(v.record().active.state).toBe('destroyed');
    expect(await put(head(2), head(1))).toMatchObject({ outcome: 'ok', phase: 'destroyed' });
    await alice.register('again', 3);
    expect(await kept()).toEqual(head(2));
    await alice.signed('delete', encode(Delete, { stateVersion: v.record().stateVersion }));
    expect(await kept()).toEqual(head(2));
  });

  // proves HED-4
  it('is not inherited by an owner key that has proved nothing', async () => {
    await put(head(1));
    const other = v.account();
    expect(await other.register('other', 3)).toMatchObject({ outcome: 'scheduled' });
    expect(await kept()).toEqual(head(1));
    v.driver.now += 100;
    expect(await kept(other)).toEqual(head(0));
    expect(await alice.signed('get-head')).toMatchObject({ outcome: 'not-authorised' });
    await put(head(2), undefined, other);
    for (let i = 0; i < 3; i++) await other.recover('wrong');
    await alice.register('mine', 3);
    expect(await kept()).toEqual(head(0));
  });

  it('stays where the same owner waits for its own replacement', async () => {
    await put(head(1));
    await alice.register('new', 3);
    v.driver.now += 100;
    expect(await kept()).toEqual(head(1));
    expect(v.record().active.generation).toBe(2);
  });
});
