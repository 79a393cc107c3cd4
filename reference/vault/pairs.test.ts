import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openAnswer } from '../channel/index.ts';
import { Answer, type Statement } from '../exchange/answer.ts';
import { FleetDescriptor, keyId, SignedDescriptor, type FleetKey } from '../fleet/descriptor.ts';
import type { HsmKeys } from '../hsm/interface.ts';
import { openHsmKeys } from '../hsm/open.ts';
import type { Bytes } from '../wire/bytes.ts';
import { decode, encode } from '../wire/codec.ts';
import { readConfig } from './config.ts';
import { initVault } from './init.ts';
import { serveVault } from './server.ts';
import { HttpFleet } from './testing/http-account.ts';

let folder: string;
let hsm: HsmKeys;
let fleet: FleetDescriptor;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'strongroom-pairs-'));
  await initVault({ folder });
  hsm = await openHsmKeys((await readConfig(folder)).hsm);
  fleet = decode(FleetDescriptor, signed().descriptor);
});
afterEach(async () => {
  await hsm.close();
  rmSync(folder, { recursive: true });
});

const path = (): string => join(folder, 'fleet.descriptor');
const signed = (): SignedDescriptor => decode(SignedDescriptor, new Uint8Array(readFileSync(path())));
const key = (publicKey: Bytes, state: FleetKey['state'] = 'current'): FleetKey => {
  return { id: keyId(publicKey), state, location: 'memory', publicKey };
};

/** Puts a descriptor in place; its signatures are of no concern here. */
function describeAs(change: Partial<FleetDescriptor>): FleetDescriptor {
  const changed = { ...fleet, ...change };
  writeFileSync(
    path(),
    encode(SignedDescriptor, { ...signed(), descriptor: encode(FleetDescriptor, changed) }),
  );
  return changed;
}

/** The receipt key that signs an answer of the served vault, asked under the channel key `to`. */
async function signerOf(url: string, descriptor: FleetDescriptor, to: FleetKey): Promise<Bytes> {
  const account = HttpFleet.of({ ...descriptor, kemKeys: [{ ...to, state: 'current' }] });
  const plaintext = account.account('alice').request('status', new Uint8Array(0));
  const { exchange, sealed } = await account.seal(plaintext);
  const headers = { 'content-type': 'application/octet-stream' };
  const response = await fetch(`${url}/v1/exchange`, { method: 'POST', headers, body: exchange });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const statement: Statement = HttpFleet.of(descriptor).read(sealed, bytes);
  expect(statement.outcome).toBe('ok');
  return decode(Answer, openAnswer(sealed.context, bytes)).receiptKeyId;
}

// proves HSM-2, HSM-3
it('a vault opens requests under all of its channel keys, and signs with the first current receipt key', async () => {
  const [oldKem, oldReceipt] = [hsm.publicKeys.kem, hsm.publicKeys.receipt].flat();
  if (oldKem === undefined || oldReceipt === undefined) throw new Error('no key');
  const [newKem, newReceipt] = [await hsm.addKey('kem'), await hsm.addKey('receipt')];
  for (const [receiptKeys, signer] of [
    [[key(oldReceipt), key(newReceipt)], oldReceipt],
    [[key(oldReceipt, 'retiring'), key(newReceipt)], newReceipt],
  ] as const) {
    const descriptor = describeAs({ receiptKeys: [...receiptKeys] });
    const server = await serveVault({ folder, port: 0, log: () => {} });
    for (const to of [oldKem, newKem]) {
      expect(await signerOf(server.url, descriptor, key(to))).toEqual(keyId(signer));
    }
    await server.close();
  }
});

// proves HSM-1
it.each<[string, (foreign: FleetKey) => Partial<FleetDescriptor>]>([
  ['another suite', () => ({ channelSuite: 2 })],
  ['a channel key that it does not hold', (foreign) => ({ kemKeys: [...fleet.kemKeys, foreign] })],
  [
    'a retiring channel key that it does not hold',
    (foreign) => ({ kemKeys: [{ ...foreign, state: 'retiring' }, ...fleet.kemKeys] }),
  ],
  [
    'a first receipt key that it does not hold',
    (foreign) => ({ receiptKeys: [foreign, ...fleet.receiptKeys] }),
  ],
])('a vault does not start with %s in its descriptor', async (_what, change) => {
  describeAs(change(key(new Uint8Array(32).fill(9))));
  const started = serveVault({ folder, port: 0, log: () => {} });
  await expect(started).rejects.toMatchObject({ code: 'invalid-config', details: { subject: 'descriptor' } });
});
