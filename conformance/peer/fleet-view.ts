/**
 * The suite's own reading of a fleet descriptor (spec/fleet.md), as far as its clients need it.
 *
 * @module
 */
import { decodeStretch } from './bodies.ts';
import type { ChannelSuite } from './kem.ts';
import type { Stretch } from './opaque.ts';
import { zeros, type Bytes } from './primitives.ts';
import { Reader } from './reader.ts';

/** What the suite's clients need of a descriptor. */
export interface FleetView {
  readonly fleetId: Bytes;
  readonly suite: ChannelSuite;
  readonly kemKey: Bytes;
  readonly receiptKeys: readonly { readonly id: Bytes; readonly publicKey: Bytes }[];
  readonly serverPublicKey: Bytes;
  readonly level: number;
  readonly delays: readonly number[];
  readonly lastChanceSeconds: number;
  readonly graceSeconds: number;
  readonly stretch: Stretch;
}

/** The descriptor of a vault, as it is served. Its signatures are not looked at: who tests a vault trusts it. */
export function decodeDescriptor(bytes: Uint8Array): FleetView {
  const outer = new Reader(bytes);
  outer.take(8);
  const reader = new Reader(outer.prefixed(2));
  reader.take(1);
  const fleetId = reader.take(16);
  reader.take(8 + 8 + 8);
  const suite = reader.uint(1) === 2 ? 2 : 1;
  reader.take(1);
  const level = reader.uint(1);
  const keys = (): { id: Bytes; state: number; publicKey: Bytes }[] => {
    const list = new Reader(reader.prefixed(2));
    const out = [];
    while (list.left > 0) {
      const [id, state] = [list.take(8), list.uint(1)];
      list.take(1);
      out.push({ id, state, publicKey: list.prefixed(2) });
    }
    return out;
  };
  const kemKey = keys().find(({ state }) => state === 1)?.publicKey ?? zeros(32);
  const receiptKeys = keys();
  const opaque = new Reader(reader.prefixed(2));
  opaque.take(8 + 8 + 8 + 2);
  const serverPublicKey = opaque.prefixed(1);
  reader.take(3);
  const delays = new Reader(reader.prefixed(2));
  const waits: number[] = [];
  while (delays.left > 0) waits.push(delays.uint(4));
  const [lastChanceSeconds, graceSeconds] = [reader.uint(4), reader.uint(4)];
  reader.take(5);
  reader.prefixed(2);
  return {
    fleetId,
    suite,
    kemKey,
    receiptKeys,
    serverPublicKey,
    level,
    delays: waits,
    lastChanceSeconds,
    graceSeconds,
    stretch: decodeStretch(reader),
  };
}
