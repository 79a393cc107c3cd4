/**
 * Under which descriptor a vault may serve: one of its own keys that claims no more than its HSM does
 * (spec/fleet.md, "Protection levels"; spec/hsm.md).
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import { FleetDescriptor, keyId } from '../fleet/index.ts';
import { LOCATIONS, SignedDescriptor, type KeyLocation } from '../fleet/descriptor.ts';
import type { HsmKeys, PairKind } from '../hsm/interface.ts';
import type { Suite } from '../opaque/index.ts';
import { equal, type Bytes } from '../wire/bytes.ts';
import { decode } from '../wire/codec.ts';
import type { Fleet, OpaqueServerKey } from './core/fleet.ts';

/**
 * What a vault says of itself. Its clients verify the signatures; the vault only compares the keys.
 *
 * @throws StrongroomError `invalid-config`
 */
export function readServed(signed: Bytes): FleetDescriptor {
  try {
    return decode(FleetDescriptor, decode(SignedDescriptor, signed).descriptor);
  } catch (cause) {
    const subject = 'descriptor';
    throw new StrongroomError('invalid-config', 'the descriptor does not decode', { subject }, { cause });
  }
}

/** True if the descriptor claims no more than the HSM does. */
function isOf({ level, kemKeys, receiptKeys, opaqueKeys }: FleetDescriptor, hsm: HsmKeys): boolean {
  const atMost = (own: KeyLocation) => (claimed: KeyLocation) =>
    LOCATIONS.indexOf(claimed) <= LOCATIONS.indexOf(own);
  const { kem, receipt, opaque, oprf } = hsm.locations;
  return (
    level === hsm.level &&
    kemKeys.map(({ location }) => location).every(atMost(kem)) &&
    receiptKeys.map(({ location }) => location).every(atMost(receipt)) &&
    opaqueKeys.map(({ location }) => location).every(atMost(opaque)) &&
    opaqueKeys.map(({ oprfLocation }) => oprfLocation).every(atMost(oprf))
  );
}

/**
 * What the core needs of a fleet. Pairs that the descriptor does not name yet are left out: they were made for one that
 * is not signed yet.
 *
 * @param pairs OPAQUE pairs of the vault, oldest first
 * @throws StrongroomError `invalid-config` if the descriptor is not of these keys
 */
export function coreOf(
  fleet: FleetDescriptor,
  hsm: HsmKeys,
  suite: Suite,
  pairs: readonly OpaqueServerKey[],
): Fleet {
  const held = (kind: PairKind, id: Bytes): boolean =>
    hsm.publicKeys[kind].some((publicKey) => equal(keyId(publicKey), id));
  const receiptKeyId = fleet.receiptKeys.find(({ state }) => state === 'current')?.id;
  const opaqueKeys = pairs.filter((pair) =>
    fleet.opaqueKeys.some(({ id, oprfKeyId }) => equal(id, pair.id) && equal(oprfKeyId, pair.oprfKeyId)),
  );
  const known =
    fleet.channelSuite === hsm.suite &&
    fleet.kemKeys.every(({ id }) => held('kem', id)) &&
    opaqueKeys.length === fleet.opaqueKeys.length;
  if (receiptKeyId === undefined || !held('receipt', receiptKeyId) || !known || !isOf(fleet, hsm)) {
    const subject = 'descriptor';
    throw new StrongroomError('invalid-config', 'the descriptor is not of the keys of this vault', {
      subject,
    });
  }
  const { fleetId, policy, opaqueSuite } = fleet;
  const { level } = hsm;
  return { fleetId, level, policy, suite, opaqueSuite, opaqueKeys, newOpaqueKey: undefined, receiptKeyId };
}
