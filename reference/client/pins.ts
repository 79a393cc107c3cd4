/**
 * What a client must know of a fleet before it asks anything (spec/client.md, "Pins"): whose word counts.
 *
 * @module
 */
import { z } from 'zod';
import { pinnedSigners } from '../fleet/index.ts';
import { fromHex, hex, type Bytes } from '../wire/bytes.ts';
import { parseState } from './state.ts';

/** The fleet, its signers, and how many of them must agree. */
export interface Pins {
  /** 16 bytes. */
  readonly fleetId: Bytes;
  /** Ed25519 public keys, 32 bytes each. */
  readonly signers: readonly Bytes[];
  /** 1 to the number of signers. */
  readonly threshold: number;
}

const hexOf = (length: number): z.ZodType<string> =>
  z.string().regex(new RegExp(`^[0-9a-f]{${2 * length}}$`, 'u'));

const PinsFile = z.strictObject({
  version: z.literal(1),
  fleetId: hexOf(16),
  threshold: z.int(),
  signers: z.array(hexOf(32)).max(64),
});

/** Pins as the JSON text that an operator publishes. */
export function formatPins(pins: Pins): string {
  const { fleetId, threshold, signers } = pins;
  const file = { version: 1, fleetId: hex(fleetId), threshold, signers: signers.map(hex) };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

/**
 * Pins from their JSON text.
 *
 * @throws StrongroomError `state-damaged` if it is no such text, `invalid-config` if a signer is there twice or the
 * threshold is no number of them
 */
export function parsePins(text: string): Pins {
  const file = parseState(PinsFile, 'the pins', text);
  const pins = {
    fleetId: fromHex(file.fleetId),
    threshold: file.threshold,
    signers: file.signers.map(fromHex),
  };
  pinnedSigners(pins.signers, pins.threshold);
  return pins;
}
