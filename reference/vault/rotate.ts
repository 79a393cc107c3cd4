/**
 * The next descriptor of a fleet, with the next keys (spec/fleet.md, "Roll-over"): `strongroom vault rotate`.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StrongroomError } from '../errors.ts';
import { checkDescriptor, FleetDescriptor, keyId, type FleetKey, type OpaqueKey } from '../fleet/index.ts';
import type { Policy } from '../fleet/descriptor.ts';
import { replaceFile } from '../hsm/file.ts';
import type { HsmKeys } from '../hsm/interface.ts';
import { openHsmKeys } from '../hsm/open.ts';
import { generateServerKeyPair, sodiumSuite } from '../opaque/index.ts';
import { copy, equal, hex, type Bytes } from '../wire/bytes.ts';
import { encode } from '../wire/codec.ts';
import { newOpaqueKey, unwrapOpaqueKeys, wipeOpaqueKeys, wrapOpaqueKeys } from './opaque-keys.ts';
import { inCeremony, UNSIGNED_FILE } from './state-folder.ts';

/** What gets a new key; `validity` gets none, and lasts longer. */
export type Rotation = 'kem' | 'receipt' | 'opaque' | 'validity';

/** What the next descriptor has otherwise. */
export interface RotateOptions {
  readonly folder: string;
  readonly what: Rotation;
  /** Instead of a new key: the id of one that goes one step on, 8 bytes. */
  readonly retire?: Bytes | undefined;
  /** Differences from the present policy. */
  readonly policy?: Partial<Policy>;
  /** Days for which the next descriptor is valid; 365 unless told. */
  readonly days?: number | undefined;
  /** Wall-clock seconds since 1970. */
  readonly now?: number;
}

/** How long before it was made a descriptor is valid: clocks of clients may be slow. */
export const CLOCK_SLACK = 300;
const DAY = 24 * 3600;

function unknown(what: Rotation, id: Bytes): StrongroomError {
  return new StrongroomError('keys-missing', `the descriptor has no ${what} key ${hex(id)}`);
}

/** One key one step on: from `current` to `retiring`, from there out. */
function retireKey(what: Rotation, keys: readonly FleetKey[], id: Bytes): readonly FleetKey[] {
  const key = keys.find((each) => equal(each.id, id));
  if (key === undefined) throw unknown(what, id);
  const left =
    key.state === 'retiring'
      ? keys.filter((each) => each !== key)
      : keys.map((each) => (each === key ? { ...each, state: 'retiring' as const } : each));
  if (left.some(({ state }) => state === 'current')) return left;
  throw new StrongroomError('conflict', `${hex(id)} is the only current ${what} key; make another one first`);
}

/** One pair closed to new registrations from now on; it stays for those that were made under it. */
function closePair(pairs: readonly OpaqueKey[], id: Bytes, now: number): readonly OpaqueKey[] {
  if (!pairs.some((each) => equal(each.id, id))) throw unknown('opaque', id);
  const closed = pairs.map((each) =>
    equal(each.id, id) ? { ...each, notAfterNew: Math.min(each.notAfterNew, now) } : each,
  );
  if (closed.some(({ notAfterNew }) => notAfterNew > now)) return closed;
  throw new StrongroomError('conflict', `no other pair than ${hex(id)} is open; make another one first`);
}

/** Makes a pair and adds it to those in the file: newest last. */
async function addPair(hsm: HsmKeys, path: string, notAfterNew: number): Promise<OpaqueKey> {
  const suite = await sodiumSuite();
  const pairs = await unwrapOpaqueKeys(hsm, suite, copy(await readFile(path)));
  const pair = await newOpaqueKey((...args) => hsm.hmac(...args), generateServerKeyPair(suite));
  await replaceFile(path, await wrapOpaqueKeys(hsm, [...pairs, pair]));
  wipeOpaqueKeys([...pairs, pair]);
  const { opaque: location, oprf: oprfLocation } = hsm.locations;
  const { id, oprfKeyId, publicKey } = pair;
  return { id, oprfKeyId, notAfterNew, location, oprfLocation, publicKey };
}

async function addKey(hsm: HsmKeys, kind: 'kem' | 'receipt'): Promise<FleetKey> {
  const publicKey = await hsm.addKey(kind);
  return { id: keyId(publicKey), state: 'current', location: hsm.locations[kind], publicKey };
}

/**
 * Writes the next `fleet.unsigned`, one serial above everything that was written before. It builds on what is there and
 * not yet signed. Nothing changes for clients before it is signed and installed; the vault may run.
 *
 * @returns the next descriptor
 * @throws StrongroomError `keys-missing` if the key to retire is not there, `conflict` if it is the last of its kind,
 * `bad-descriptor` if the policy breaks a rule, those of `readConfig` and of the HSM
 */
export function rotate(options: RotateOptions): Promise<FleetDescriptor> {
  const { folder, what, retire, policy, days = 365, now = Math.floor(Date.now() / 1000) } = options;
  return inCeremony(folder, async ({ config, installed, pending }) => {
    const base = pending ?? installed;
    if (base === undefined) {
      throw new StrongroomError('invalid-config', 'there is no descriptor to go on from', {
        subject: 'descriptor',
      });
    }
    const notBefore = now - CLOCK_SLACK;
    const notAfter = notBefore + days * DAY;
    const head = { ...base, serial: base.serial + 1, notBefore, notAfter };
    const mended = { ...head, policy: { ...base.policy, ...policy } };
    // Before a key is made: a descriptor that nobody may sign is not worth one.
    checkDescriptor(mended);
    const hsm = await openHsmKeys(config.hsm);
    try {
      const keys = await nextKeys(hsm, config.opaqueKeys, mended, { what, retire, now });
      const next = { ...mended, ...keys };
      checkDescriptor(next);
      await replaceFile(join(folder, UNSIGNED_FILE), encode(FleetDescriptor, next));
      return next;
    } finally {
      await hsm.close();
    }
  });
}

async function nextKeys(
  hsm: HsmKeys,
  opaqueFile: string,
  { kemKeys, receiptKeys, opaqueKeys, notAfter }: FleetDescriptor,
  {
    what,
    retire,
    now,
  }: { readonly what: Rotation; readonly retire: Bytes | undefined; readonly now: number },
): Promise<Partial<FleetDescriptor>> {
  // The newest pair stays open for as long as the descriptor is valid.
  const pairs = opaqueKeys.map((pair, i) =>
    i === opaqueKeys.length - 1 ? { ...pair, notAfterNew: notAfter } : pair,
  );
  if (what === 'validity') return { opaqueKeys: pairs };
  if (what === 'opaque') {
    if (retire !== undefined) return { opaqueKeys: closePair(pairs, retire, now) };
    return { opaqueKeys: [...opaqueKeys, await addPair(hsm, opaqueFile, notAfter)] };
  }
  if (what === 'kem') {
    if (retire !== undefined) return { opaqueKeys: pairs, kemKeys: retireKey(what, kemKeys, retire) };
    // Clients seal to the first current key; requests under the others still open.
    const older = kemKeys.map((key) => ({ ...key, state: 'retiring' as const }));
    return { opaqueKeys: pairs, kemKeys: [await addKey(hsm, what), ...older] };
  }
  if (retire !== undefined) return { opaqueKeys: pairs, receiptKeys: retireKey(what, receiptKeys, retire) };
  // The vault goes on signing with the first current key until clients know the new one.
  return { opaqueKeys: pairs, receiptKeys: [...receiptKeys, await addKey(hsm, what)] };
}
