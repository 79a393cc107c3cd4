/**
 * Fetching the fleet descriptor and believing it (spec/client.md, "Fleet"). Nothing else is sent before that.
 *
 * @module
 */
import { descriptorHash, FleetDescriptor, verifyDescriptor } from '../fleet/index.ts';
import { SignedDescriptor } from '../fleet/descriptor.ts';
import { isStrongroomError, StrongroomError } from '../errors.ts';
import { decode } from '../wire/codec.ts';
import type { Pins } from './pins.ts';
import type { FleetState } from './state.ts';
import type { Transport } from './transport.ts';

function dateOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `second ${seconds}` : date.toISOString();
}

/** Says what the clock has to do with it: a wrong clock is the usual cause. */
function withClock(error: unknown, bytes: Uint8Array, now: number): unknown {
  if (
    !isStrongroomError(error, 'descriptor-expired') &&
    !isStrongroomError(error, 'descriptor-not-yet-valid')
  ) {
    return error;
  }
  const { notBefore, notAfter } = decode(FleetDescriptor, decode(SignedDescriptor, bytes).descriptor);
  const message =
    `the descriptor is valid from ${dateOf(notBefore)} to ${dateOf(notAfter)}, ` +
    `and the clock of this device says ${dateOf(now)}`;
  return new StrongroomError(error.code, message, error.details, { cause: error });
}

/**
 * The fleet's descriptor, verified against the pins and against the newest one seen, and remembered.
 *
 * @param now wall-clock seconds since 1970
 * @throws StrongroomError `unavailable`, `cancelled`, and every code of `verifyDescriptor`
 */
export async function fetchDescriptor(
  transport: Transport,
  pins: Pins,
  state: FleetState,
  now: number,
  signal?: AbortSignal,
): Promise<FleetDescriptor> {
  const bytes = await transport.descriptor(signal);
  let descriptor: FleetDescriptor;
  try {
    descriptor = verifyDescriptor(bytes, {
      signers: pins.signers,
      k: pins.threshold,
      now,
      lastSerial: state.serial,
      lastHash: state.descriptorHash,
      lastLevel: state.level,
      fleetId: pins.fleetId,
    });
  } catch (error) {
    throw withClock(error, bytes, now);
  }
  await state.sawDescriptor(descriptor.serial, descriptorHash(descriptor), descriptor.level);
  return descriptor;
}
