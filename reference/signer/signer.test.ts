import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { refusal } from '../client/fixture.ts';
import { ed25519PublicKey, ed25519Verify } from '../crypto/ed25519.ts';
import { nodeEngine } from '../crypto/node.ts';
import { DEFAULT_POLICY, FleetDescriptor, keyId } from '../fleet/index.ts';
import { nobleSuite } from '../opaque/suite.ts';
import { concat, hex, utf8, type Bytes } from '../wire/bytes.ts';
import { encode } from '../wire/codec.ts';
import { ledgerFile, newSigner, publicKeyFile, signWithLedger } from './index.ts';

let folder: string;
let key: string;
let publicKey: Bytes;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'strongroom-signer-'));
  key = join(folder, 'alice.key');
  publicKey = await newSigner(key);
});
afterEach(() => rmSync(folder, { recursive: true }));

const own = new Uint8Array(32).fill(9);
const element = nobleSuite.dh.deriveKeyPair(own).publicKey;
const fleetKey = (bytes: Bytes): FleetDescriptor['kemKeys'][number] => ({
  id: keyId(bytes),
  state: 'current',
  location: 'memory',
  publicKey: bytes,
});

function descriptor(change: Partial<FleetDescriptor> = {}): Bytes {
  return encode(FleetDescriptor, {
    version: 1,
    fleetId: new Uint8Array(16).fill(1),
    serial: 5,
    notBefore: 1,
    notAfter: 2,
    channelSuite: 1,
    opaqueSuite: 1,
    level: 'software',
    kemKeys: [fleetKey(own)],
    receiptKeys: [fleetKey(ed25519PublicKey(own))],
    opaqueKeys: [
      {
        id: keyId(element),
        oprfKeyId: new Uint8Array(8),
        notAfterNew: 2,
        location: 'memory',
        oprfLocation: 'memory',
        publicKey: element,
      },
    ],
    policy: DEFAULT_POLICY,
    operator: '',
    trustDomain: '',
    ...change,
  });
}

const refused = async (bytes: Bytes): Promise<string> => (await refusal(signWithLedger(key, bytes))).code;
const ledger = (): string => readFileSync(ledgerFile(key), 'utf8');

it('is a key that nobody else reads, a public key and an empty ledger', async () => {
  const secret = readFileSync(key);
  expect([secret.length, statSync(key).mode & 0o777]).toEqual([32, 0o600]);
  expect(hex(ed25519PublicKey(secret))).toBe(hex(publicKey));
  expect(readFileSync(publicKeyFile(key), 'utf8')).toBe(`${hex(publicKey)}\n`);
  expect(ledger()).toBe('');
  expect((await refusal(newSigner(key))).code).toBe('state-exists');
  expect(hex(readFileSync(key))).toBe(hex(secret));
});

it('signs a descriptor as clients verify it', async () => {
  const bytes = descriptor();
  const signature = await signWithLedger(key, bytes);
  expect(signature).toHaveLength(72);
  expect(hex(signature.subarray(0, 8))).toBe(hex(keyId(publicKey)));
  const message = concat(utf8('strongroom/v1/fleet-descriptor\0'), bytes);
  expect(ed25519Verify(publicKey, message, signature.subarray(8))).toBe(true);
});

// proves FLT-3, FLT-16
it('signs one descriptor of a serial, and none below', async () => {
  const first = await signWithLedger(key, descriptor());
  expect(hex(await signWithLedger(key, descriptor()))).toBe(hex(first));
  expect(await refused(descriptor({ operator: 'other' }))).toBe('already-signed');
  expect(await refused(descriptor({ serial: 4 }))).toBe('already-signed');
  await signWithLedger(key, descriptor({ serial: 7 }));
  expect(await refused(descriptor({ serial: 6 }))).toBe('already-signed');
  await signWithLedger(key, descriptor()); // the very one that it has signed before
  const other = { fleetId: new Uint8Array(16).fill(2), serial: 1 };
  await signWithLedger(key, descriptor(other));
  expect(ledger().split('\n')).toHaveLength(4);
});

// proves FLT-16
it('signs one of two that come at the same moment', async () => {
  const both = ['one', 'two'].map((operator) => signWithLedger(key, descriptor({ operator })));
  const outcomes = await Promise.allSettled(both);
  const codes = outcomes.map((one) =>
    one.status === 'fulfilled' ? 'signed' : (one.reason as { code: string }).code,
  );
  expect(codes.toSorted()).toEqual(['already-signed', 'signed']);
  expect(ledger().split('\n')).toHaveLength(2);
});

// proves FLT-2
it('signs nothing that breaks a rule, and enters nothing of it', async () => {
  expect(await refused(descriptor({ serial: 0 }))).toBe('bad-descriptor');
  expect(await refused(descriptor({ level: 'custody' }))).toBe('bad-descriptor');
  expect(await refused(descriptor({ policy: { ...DEFAULT_POLICY, maxBudget: 101 } }))).toBe('bad-descriptor');
  expect(await refused(descriptor({ channelSuite: 3 }))).toBe('unsupported-suite');
  expect(await refused(descriptor({ version: 2 }))).toBe('unsupported-version');
  expect(await refused(concat(descriptor(), new Uint8Array(1)))).toBe('bad-descriptor');
  expect(ledger()).toBe('');
});

// proves FLT-22
it('gives no signature that it could not enter', async () => {
  mkdirSync(join(`${ledgerFile(key)}.new`, 'in the way'), { recursive: true });
  await expect(signWithLedger(key, descriptor())).rejects.toThrow();
  rmSync(`${ledgerFile(key)}.new`, { recursive: true });
  await signWithLedger(key, descriptor());
  expect(ledger()).toContain(` 5 ${hex(nodeEngine.hash('sha256', descriptor()))}\n`);
});

// proves FLT-23
it('signs nothing without its ledger, or with one that is damaged', async () => {
  await signWithLedger(key, descriptor());
  const whole = ledger();
  for (const damaged of [whole.slice(0, -1), `${whole}x\n`, whole.replace(' 5 ', ' 05 '), '\n']) {
    writeFileSync(ledgerFile(key), damaged);
    expect(await refused(descriptor({ serial: 6 }))).toBe('state-damaged');
  }
  rmSync(ledgerFile(key));
  expect(await refused(descriptor({ serial: 6 }))).toBe('state-damaged');
});

it('is a secret file of 32 bytes', async () => {
  chmodSync(key, 0o644);
  expect(await refused(descriptor())).toBe('keys-exposed');
  chmodSync(key, 0o600);
  writeFileSync(key, new Uint8Array(31));
  expect(await refused(descriptor())).toBe('invalid-key');
  rmSync(key);
  expect(await refused(descriptor())).toBe('keys-missing');
});
