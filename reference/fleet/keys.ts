/**
 * Choosing among the keys of a verified descriptor (spec/fleet.md, "Using").
 *
 * @module
 */
import type { ChannelKey } from '../channel/client.ts';
import { StrongroomError } from '../errors.ts';
import { equal, hex, type Bytes } from '../wire/bytes.ts';
import type { FleetDescriptor, FleetKey, OpaqueKey } from './descriptor.ts';

/** The key to seal requests to: the first current one. */
export function channelKey(descriptor: FleetDescriptor): ChannelKey {
  const { channelSuite: suite, fleetId, kemKeys } = descriptor;
  const key = kemKeys.find(({ state }) => state === 'current');
  if (key === undefined) throw new StrongroomError('bad-descriptor', 'no current channel key');
  return { suite, fleetId, id: key.id, publicKey: key.publicKey };
}

/** The receipt key of this id, current or retiring. */
export function receiptKey(descriptor: FleetDescriptor, id: Uint8Array): FleetKey | undefined {
  return descriptor.receiptKeys.find((key) => equal(key.id, id));
}

/** The OPAQUE keys that an answer names. @throws StrongroomError `server-authentication-failed` if the fleet has none such */
export function opaqueKey(descriptor: FleetDescriptor, oprfKeyId: Bytes, opaqueKeyId: Bytes): OpaqueKey {
  const key = descriptor.opaqueKeys.find(({ id }) => equal(id, opaqueKeyId));
  if (key === undefined || !equal(key.oprfKeyId, oprfKeyId)) {
    throw new StrongroomError('server-authentication-failed', `no OPAQUE key ${hex(opaqueKeyId)}`);
  }
  return key;
}

/**
 * The OPAQUE keys that the answer to a registration names.
 *
 * @param now wall-clock seconds since 1970
 * @throws StrongroomError `server-authentication-failed` if the fleet has none such, or no longer for registrations
 */
export function registrationKey(
  descriptor: FleetDescriptor,
  oprfKeyId: Bytes,
  opaqueKeyId: Bytes,
  now: number,
): OpaqueKey {
  const key = opaqueKey(descriptor, oprfKeyId, opaqueKeyId);
  if (now > key.notAfterNew) {
    throw new StrongroomError('server-authentication-failed', `OPAQUE key ${hex(opaqueKeyId)} is retiring`);
  }
  return key;
}
