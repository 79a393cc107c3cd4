/**
 * Putting a signed descriptor in place (spec/fleet.md, "Installing"): `strongroom vault install`.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { StrongroomError } from '../errors.ts';
import { descriptorHash, keyId, verifyDescriptor, type FleetDescriptor } from '../fleet/index.ts';
import { replaceFile } from '../hsm/file.ts';
import type { HsmKeys, PairKind } from '../hsm/interface.ts';
import { openHsmKeys } from '../hsm/open.ts';
import { sodiumSuite } from '../opaque/index.ts';
import { copy, equal, hex, type Bytes } from '../wire/bytes.ts';
import { unwrapOpaqueKeys, wipeOpaqueKeys } from './opaque-keys.ts';
import { coreOf } from './serving.ts';
import { inCeremony } from './state-folder.ts';

/** What was done. */
export interface Installed {
  readonly descriptor: FleetDescriptor;
  /** Ids of the pairs that no descriptor names any more, and that are destroyed. */
  readonly destroyed: readonly Bytes[];
}

/** An account is lost with the pair that it is registered under. */
function checkPairsStay(before: FleetDescriptor | undefined, after: FleetDescriptor): void {
  const gone = before?.opaqueKeys.find(({ id }) => !after.opaqueKeys.some((pair) => equal(pair.id, id)));
  if (gone === undefined) return;
  throw new StrongroomError(
    'invalid-config',
    `accounts may be registered under OPAQUE pair ${hex(gone.id)}`,
    {
      subject: 'descriptor',
    },
  );
}

/** Destroys the pairs that none of these descriptors names. */
async function destroyOthers(
  hsm: HsmKeys,
  kind: PairKind,
  named: readonly FleetDescriptor[],
): Promise<readonly Bytes[]> {
  const keys = named.flatMap(({ kemKeys, receiptKeys }) => (kind === 'kem' ? kemKeys : receiptKeys));
  const others = hsm.publicKeys[kind].map(keyId).filter((id) => !keys.some((key) => equal(key.id, id)));
  for (const id of others) await hsm.removeKey(kind, id);
  return others;
}

/**
 * Puts a descriptor in place of the present one, and destroys the channel and receipt keys that neither it nor a next
 * one that waits for its signatures names. May be done again after a crash. A vault that runs has to be told (SIGHUP).
 *
 * @param signed as the clients will get it
 * @param now wall-clock seconds since 1970
 * @throws StrongroomError every code of `verifyDescriptor`, by the pins of the folder and the present serial;
 * `invalid-config` if it is not of the keys of this vault or leaves an OPAQUE pair out; those of the HSM
 */
export function installDescriptor(
  folder: string,
  signed: Bytes,
  now: number = Math.floor(Date.now() / 1000),
): Promise<Installed> {
  return inCeremony(folder, async ({ config, pins, installed, pending }) => {
    const descriptor = verifyDescriptor(signed, {
      signers: pins.signers,
      k: pins.threshold,
      now,
      lastSerial: installed?.serial ?? 0,
      lastHash: installed && descriptorHash(installed),
      lastLevel: installed?.level,
      fleetId: pins.fleetId,
    });
    checkPairsStay(installed, descriptor);
    const hsm = await openHsmKeys(config.hsm);
    try {
      const suite = await sodiumSuite();
      const pairs = await unwrapOpaqueKeys(hsm, suite, copy(await readFile(config.opaqueKeys)));
      try {
        coreOf(descriptor, hsm, suite, pairs);
      } finally {
        wipeOpaqueKeys(pairs);
      }
      await replaceFile(config.descriptor, signed);
      const named = [descriptor, ...(pending === undefined ? [] : [pending])];
      const kem = await destroyOthers(hsm, 'kem', named);
      const receipt = await destroyOthers(hsm, 'receipt', named);
      return { descriptor, destroyed: [...kem, ...receipt] };
    } finally {
      await hsm.close();
    }
  });
}
