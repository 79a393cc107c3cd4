import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keyId } from '../fleet/descriptor.ts';
import type { Bytes } from '../wire/bytes.ts';
import { runHsmContract, type HsmBackend } from './contract.ts';
import type { Hsm, PairSuite } from './interface.ts';
import { SoftwareHsm, softwareHsmPaths } from './software.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'strongroom-contract-'))));
afterEach(() => rmSync(folder, { recursive: true }));

function software(suite: PairSuite, change: (hsm: Hsm) => Hsm = (hsm) => hsm): HsmBackend {
  const paths = softwareHsmPaths(folder);
  return {
    create: async (entries) => {
      return change(await SoftwareHsm.create(paths, () => Promise.resolve(entries), suite));
    },
    open: async () => change(await SoftwareHsm.open(paths)),
  };
}

it.each([1, 2] as const)('the software HSM keeps the contract in suite %i', async (suite) => {
  expect((await runHsmContract(software(suite))).length).toBeGreaterThan(10);
});

/** An HSM of which something else is done in one way. */
function faulty(make: (hsm: Hsm) => Partial<Hsm>): (hsm: Hsm) => Hsm {
  return (hsm) => {
    const over = make(hsm);
    return new Proxy(hsm, {
      get(target, name) {
        const value: unknown = name in over ? Reflect.get(over, name) : Reflect.get(target, name, target);
        return typeof value === 'function' && !(name in over) ? (value.bind(target) as unknown) : value;
      },
    });
  };
}

const none = new Uint8Array(0);
const firstId = (keys: readonly Bytes[]): Bytes => keyId(keys[0] ?? none);
let opened = 0;

describe('the contract finds', () => {
  it.each<[what: string, make: (hsm: Hsm) => Partial<Hsm>, check: string]>([
    [
      'one key for two uses',
      (hsm) => ({ hmac: (key, data) => hsm.hmac(key === 'attempt' ? 'oprf' : key, data) }),
      'two are one',
    ],
    [
      'a key that is new after a restart',
      (hsm) => {
        const salt = ++opened;
        return { hmac: async (key, data) => (await hsm.hmac(key, data)).map((byte) => byte ^ salt) };
      },
      'other keys after a restart',
    ],
    [
      'boxes that are not bound to what they belong to',
      (hsm) => ({ seal: (plain) => hsm.seal(plain, none), open: (box) => hsm.open(box, none) }),
      'another AAD: was done',
    ],
    [
      'a signature of another key than the one that was named',
      (hsm) => ({ sign: (_id, data) => hsm.sign(firstId(hsm.publicKeys.receipt), data) }),
      'no receipt key: was done',
    ],
    [
      'a request that opens under a key that was not named',
      (hsm) => ({ decapsulate: (of, _id, enc) => hsm.decapsulate(of, firstId(hsm.publicKeys.kem), enc) }),
      'an unknown key: was done',
    ],
    ['a generator that repeats itself', () => ({ random: async (n) => new Uint8Array(n) }), 'twice the same'],
    ['a pair that stays', () => ({ removeKey: async () => {} }), 'what is left'],
    [
      'an anchor that forgets',
      (hsm) => ({ anchor: { read: () => hsm.anchor.read(), advance: async () => {} } }),
      'remembers what its anchor was moved to',
    ],
    [
      'an anchor that does half of a call',
      (hsm) => ({
        anchor: {
          read: () => hsm.anchor.read(),
          async advance(changes) {
            for (const change of changes) await hsm.anchor.advance([change]);
          },
        },
      }),
      'a refused call has changed something',
    ],
  ])('%s', async (_what, make, message) => {
    await expect(runHsmContract(software(2, faulty(make)))).rejects.toThrow(message);
  });

  it('an HSM that two can have at once', async () => {
    const backend = software(1);
    let held: Hsm | undefined;
    const open = async (): Promise<Hsm> => (held = await backend.open().catch(() => held ?? backend.open()));
    await expect(runHsmContract({ ...backend, open })).rejects.toThrow('a second one: was done');
  });
});
