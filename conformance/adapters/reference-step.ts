/**
 * The core of the reference vault, one request at a time, as an operation of the adapter protocol.
 *
 * @module
 */
import { createPrivateKey, sign } from 'node:crypto';
import { ed25519PublicKey } from '../../reference/crypto/ed25519.ts';
import { nodeEngine } from '../../reference/crypto/node.ts';
import { DEFAULT_POLICY, keyId } from '../../reference/fleet/index.ts';
import { HMAC_KEYS } from '../../reference/hsm/interface.ts';
import { OPAQUE_RISTRETTO255, sodiumSuite, type Suite } from '../../reference/opaque/index.ts';
import { run } from '../../reference/vault/core/effects.ts';
import type { Fleet, OpaqueServerKey } from '../../reference/vault/core/fleet.ts';
import { handle } from '../../reference/vault/core/handle.ts';
import { AccountRecord } from '../../reference/vault/record.ts';
import { concat, fromHex, hex } from '../../reference/wire/bytes.ts';
import { decode, encode } from '../../reference/wire/codec.ts';
import type { Operation, Params } from './serve.ts';

const ED25519_PKCS8 = fromHex('302e020100300506032b657004220420'); // RFC 8410, section 7

function fleetOf(world: Params, suite: Suite): Fleet {
  const policy = world.object('policy');
  const stretch = policy.object('stretch');
  const opaqueKeys = world.list('pairs').map((pair) => {
    const secretKey = pair.bytes('secretKey');
    const publicKey = suite.group.multiplyBase(secretKey);
    const key: OpaqueServerKey = {
      id: keyId(publicKey),
      oprfKeyId: pair.bytes('oprfKeyId'),
      secretKey,
      publicKey,
    };
    return { key, open: pair.flag('open') };
  });
  return {
    fleetId: world.bytes('fleetId'),
    level: world.flag('erases') ? 'custody' : 'software',
    policy: {
      ...DEFAULT_POLICY,
      defaultBudget: policy.number('defaultBudget'),
      maxBudget: policy.number('maxBudget'),
      refill: policy.text('refill') === 'full' ? 'full' : 'none',
      delays: policy.numbers('delays'),
      lastChanceSeconds: policy.number('lastChanceSeconds'),
      graceSeconds: policy.number('graceSeconds'),
      ceiling: policy.number('ceiling'),
      stretch: {
        algorithm: stretch.number('algorithm'),
        iterations: stretch.number('iterations'),
        memoryKib: stretch.number('memoryKib'),
        parallelism: stretch.number('parallelism'),
      },
    },
    suite,
    opaqueSuite: OPAQUE_RISTRETTO255,
    opaqueKeys: opaqueKeys.map(({ key }) => key),
    newOpaqueKey: opaqueKeys.find(({ open }) => open)?.key,
    receiptKeyId: keyId(ed25519PublicKey(world.bytes('receiptKey'))),
  };
}

/** Operations of the core. */
export const stepOperations: Readonly<Record<string, Operation>> = {
  'vault.step': async (params) => {
    const world = params.object('fleet');
    const inject = params.object('inject');
    const keys = {
      index: new Uint8Array(32),
      head: new Uint8Array(32),
      oprf: world.bytes('oprfKey'),
      attempt: world.bytes('attemptKey'),
    };
    const receiptKey = createPrivateKey({
      key: Buffer.from(concat(ED25519_PKCS8, world.bytes('receiptKey'))),
      format: 'der',
      type: 'pkcs8',
    });
    let record = params.has('record') ? decode(AccountRecord, params.bytes('record')) : undefined;
    const { answer } = await run(
      handle(fleetOf(world, await sodiumSuite()), {
        caller: params.has('caller')
          ? { kind: 'account', account: params.bytes('caller') }
          : { kind: 'anyone' },
        requestHash: params.bytes('requestHash'),
        plaintext: params.bytes('request'),
      }),
      {
        load: () => ({ record, token: undefined }),
        commit: (effect) => {
          ({ record } = effect);
          return true;
        },
        hmac: ({ key, data }) => nodeEngine.hmac(HMAC_KEYS[key], keys[key], data),
        sign: ({ message }) => new Uint8Array(sign(null, message, receiptKey)),
        now: () => params.number('now'),
        random: ({ name }) => inject.bytes(name),
      },
    );
    return { answer: hex(answer), record: record ? hex(encode(AccountRecord, record)) : null };
  },
};
