/**
 * Fleets and HSMs put together for tests.
 *
 * @module
 */
import { keyId } from '../../fleet/descriptor.ts';
import type { Anchor, Hsm } from '../../hsm/interface.ts';
import type { Fleet } from '../core/fleet.ts';

/** The same fleet, with answers that this HSM signs. */
export function signedBy(hsm: Hsm, fleet: Fleet): Fleet {
  const [receipt] = hsm.publicKeys.receipt;
  if (receipt === undefined) throw new Error('no receipt key');
  return { ...fleet, receiptKeyId: keyId(receipt) };
}

/** The same keys, and another anchor. */
export function withAnchor(hsm: Hsm, anchor: Partial<Anchor>): Hsm {
  return {
    level: hsm.level,
    suite: hsm.suite,
    locations: hsm.locations,
    get failure() {
      return hsm.failure;
    },
    get publicKeys() {
      return hsm.publicKeys;
    },
    hmac: (...args) => hsm.hmac(...args),
    seal: (...args) => hsm.seal(...args),
    open: (...args) => hsm.open(...args),
    decapsulate: (...args) => hsm.decapsulate(...args),
    sign: (...args) => hsm.sign(...args),
    addKey: (...args) => hsm.addKey(...args),
    removeKey: (...args) => hsm.removeKey(...args),
    refresh: () => hsm.refresh(),
    random: (...args) => hsm.random(...args),
    close: () => hsm.close(),
    anchor: { read: () => hsm.anchor.read(), advance: (moves) => hsm.anchor.advance(moves), ...anchor },
  };
}
