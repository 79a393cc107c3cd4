import { DhkemP256HkdfSha256 } from '@hpke/core';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sealRequestWith } from '../channel/client.ts';
import { openRequest } from '../channel/index.ts';
import { ed25519Verify } from '../crypto/ed25519.ts';
import { nodeEngine } from '../crypto/node.ts';
import { p256Verify } from '../crypto/p256.ts';
import { systemRandom } from '../crypto/random.ts';
import { keyId } from '../fleet/descriptor.ts';
import { label } from '../keys/labels.ts';
import { concat, hex, utf8 } from '../wire/bytes.ts';
import type { AnchorEntry } from './interface.ts';
import { openBox, sealBox } from './key-file.ts';
import { SoftwareAnchor } from './software-anchor.ts';
import { SoftwareHsm, SoftwareKeys, softwareHsmPaths } from './software.ts';

let root: string;
let folders = 0;
beforeAll(() => void (root = mkdtempSync(join(tmpdir(), 'strongroom-hsm-'))));
afterAll(() => rmSync(root, { recursive: true }));

const bytes = (value: number, length = 32): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(value);
const entry = (n: number, partition = 0): AnchorEntry => ({
  partition,
  n,
  headHash: bytes(n),
  current: { epoch: 1, since: 7, key: bytes(9) },
  next: undefined,
});

/** Flips one bit of a file. */
function flip(path: string, at: number): void {
  const content = readFileSync(path);
  content.writeUInt8(content.readUInt8(at) ^ 1, at);
  writeFileSync(path, content);
}

describe('the software anchor', () => {
  const key = bytes(1);
  let path: string;
  let anchor: SoftwareAnchor;
  beforeEach(async () => {
    path = join(root, `anchor-${folders++}`);
    await SoftwareAnchor.create(path, key, [entry(0), entry(0, 1)]);
    anchor = await SoftwareAnchor.open(path, key);
    return () => anchor.close();
  });
  const reopened = async (): Promise<number[]> => {
    await anchor.close();
    const again = await SoftwareAnchor.open(path, key);
    const entries = await again.read();
    await again.close();
    return entries.map(({ n }) => n);
  };

  // proves STO-15
  it('moves one head at a time, and each partition alone', async () => {
    await anchor.advance([{ from: entry(0), to: entry(1) }]);
    await anchor.advance([{ from: entry(1), to: entry(2) }]);
    expect(await reopened()).toEqual([2, 0]);
  });

  // proves STO-15
  it.each([
    ['back', entry(2), entry(1)],
    ['two on', entry(2), entry(4)],
    ['to another head of the same number', entry(2), { ...entry(2), headHash: bytes(7) }],
    ['from what it was before', entry(1), entry(2)],
    ['from another key', { ...entry(2), current: { epoch: 1, since: 7, key: bytes(8) } }, entry(3)],
    ['to another partition', entry(2), entry(3, 1)],
  ])('does not move %s', async (_name, from, to) => {
    await anchor.advance([{ from: entry(0), to: entry(1) }]);
    await anchor.advance([{ from: entry(1), to: entry(2) }]);
    await expect(anchor.advance([{ from, to }])).rejects.toMatchObject({ code: 'anchor-conflict' });
    expect(await reopened()).toEqual([2, 0]);
  });

  // proves STO-15
  it('refuses one of two concurrent changes of one partition, and does the other', async () => {
    const both = [
      anchor.advance([{ from: entry(0), to: entry(1) }]),
      anchor.advance([{ from: entry(0), to: { ...entry(1), headHash: bytes(5) } }]),
      anchor.advance([
        { from: entry(0, 1), to: entry(1, 1) },
        { from: entry(0), to: entry(1) },
      ]),
      anchor.advance([{ from: entry(1), to: entry(2) }]),
    ];
    const [first, second, third, fourth] = (await Promise.allSettled(both)).map(({ status }) => status);
    expect([first, second, third, fourth]).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(await reopened()).toEqual([2, 0]);
  });

  it('makes the changes that wait for it durable together', async () => {
    const slots = (): string[] => [0, 4096].map((at) => readFileSync(path).toString('hex', at, at + 12));
    const before = slots();
    await Promise.all([
      anchor.advance([{ from: entry(0), to: entry(1) }]),
      anchor.advance([{ from: entry(0, 1), to: entry(1, 1) }]),
      anchor.advance([{ from: entry(1), to: entry(2) }]),
    ]);
    expect(slots().filter((nonce, i) => nonce !== before[i])).toHaveLength(1);
    expect(await reopened()).toEqual([2, 1]);
  });

  const next = { epoch: 2, since: 8, key: bytes(4) };

  it('changes keys without moving', async () => {
    await anchor.advance([{ from: entry(0), to: { ...entry(0), next } }]);
    await anchor.advance([{ from: { ...entry(0), next }, to: { ...entry(0), current: next } }]);
    expect((await anchor.read())[0]).toEqual({ ...entry(0), current: next });
  });

  /** Data keys of the first partition that whoever has the anchor's key finds in the file. */
  const keysIn = (bytes: Uint8Array): number[] =>
    [0, 4096].flatMap((at) => {
      const nonce = bytes.subarray(at, at + 12);
      const sealed = bytes.subarray(at + 12, at + 4096);
      const plain = nodeEngine.aead(key).open(nonce, sealed, label('hsm-anchor')) ?? new Uint8Array(0);
      return [4, 9].filter((value) => hex(plain).includes(hex(new Uint8Array(32).fill(value))));
    });

  // proves STO-30
  it('holds no copy of a key that was taken away', async () => {
    await anchor.close();
    await SoftwareAnchor.create(`${path}.one`, key, [entry(0)]);
    path = `${path}.one`;
    anchor = await SoftwareAnchor.open(path, key);
    await anchor.advance([{ from: entry(0), to: { ...entry(0), next } }]);
    expect(keysIn(readFileSync(path))).toEqual([4, 9, 9]);
    const before = readFileSync(path);
    await anchor.advance([{ from: { ...entry(0), next }, to: { ...entry(0), current: next } }]);
    expect(keysIn(readFileSync(path))).toEqual([4, 4]);
    await anchor.close();
    // A crash between the two writes: what it left is put right before anything else.
    const after = readFileSync(path);
    const third = concat(before.subarray(0, 4096), after.subarray(4096)); // serials 2 and 3
    expect(keysIn(third)).toEqual([4, 9, 4]);
    writeFileSync(path, third);
    anchor = await SoftwareAnchor.open(path, key);
    expect(keysIn(readFileSync(path))).toEqual([4, 4]);
  });

  it('survives a torn write of the slot that was not confirmed', async () => {
    await anchor.advance([{ from: entry(0), to: entry(1) }]); // serial 2, even slot
    flip(path, 4096 + 100); // serial 1: the one that the next write replaces
    expect(await reopened()).toEqual([1, 0]);
  });

  // proves STO-27
  it('belongs to one holder at a time, by whatever name', async () => {
    symlinkSync(path, `${path}.link`);
    for (const name of [path, `${path}.link`])
      await expect(SoftwareAnchor.open(name, key)).rejects.toMatchObject({ code: 'anchor-locked' });
    await anchor.advance([{ from: entry(0), to: entry(1) }]);
    expect(await reopened()).toEqual([1, 0]);
  });

  // proves STO-28
  it('is not moved over the work of another writer', async () => {
    const before = readFileSync(path);
    await anchor.advance([{ from: entry(0), to: entry(1) }]);
    writeFileSync(path, before);
    const step = anchor.advance([{ from: entry(1), to: entry(2) }]);
    await expect(step).rejects.toMatchObject({ code: 'anchor-conflict' });
    expect(readFileSync(path)).toEqual(before);
  });

  it('refuses slots that are not in their places', async () => {
    await anchor.close();
    const whole = readFileSync(path);
    const [even, odd] = [whole.subarray(0, 4096), whole.subarray(4096)];
    for (const slots of [
      [odd, even],
      [even, even],
      [new Uint8Array(4096), even],
      [odd, new Uint8Array(4096)],
    ]) {
      writeFileSync(path, concat(...slots));
      await expect(SoftwareAnchor.open(path, key)).rejects.toMatchObject({ code: 'anchor-damaged' });
    }
    writeFileSync(path, concat(even, new Uint8Array(4096)));
    expect(await reopened()).toEqual([0, 0]);
  });

  // proves STO-2
  it('refuses damage, a wrong key, a missing file, an open file and a file of two times', async () => {
    const damaged = { code: 'anchor-damaged' };
    const old = readFileSync(path);
    await anchor.advance([{ from: entry(0), to: entry(1) }]);
    await anchor.advance([{ from: entry(1), to: entry(2) }]);
    await anchor.advance([{ from: entry(2), to: entry(3) }]);
    await anchor.close();
    await expect(SoftwareAnchor.open(path, bytes(2))).rejects.toMatchObject(damaged);
    const now = readFileSync(path);
    writeFileSync(path, concat(now.subarray(0, 4096), old.subarray(4096)));
    await expect(SoftwareAnchor.open(path, key)).rejects.toMatchObject(damaged);
    writeFileSync(path, now.subarray(0, 4096));
    await expect(SoftwareAnchor.open(path, key)).rejects.toMatchObject(damaged);
    writeFileSync(path, now);
    flip(path, 50);
    flip(path, 4096 + 50);
    await expect(SoftwareAnchor.open(path, key)).rejects.toMatchObject(damaged);
    chmodSync(path, 0o644);
    await expect(SoftwareAnchor.open(path, key)).rejects.toMatchObject({ code: 'keys-exposed' });
    unlinkSync(path);
    await expect(SoftwareAnchor.open(path, key)).rejects.toMatchObject({ code: 'anchor-missing' });
  });
});

describe('the software HSM', () => {
  let folder: string;
  let hsm: SoftwareHsm;
  beforeEach(async () => {
    folder = mkdtempSync(join(root, 'hsm-'));
    hsm = await SoftwareHsm.create(softwareHsmPaths(folder), () => Promise.resolve([entry(0)]));
    return () => hsm.close();
  });

  it('computes the same after a restart, and files are private', async () => {
    const tag = await hsm.hmac('oprf', utf8('x'));
    const box = await hsm.seal(utf8('secret'), utf8('aad'));
    const { publicKeys } = hsm;
    await hsm.close();
    const again = await SoftwareHsm.open(softwareHsmPaths(folder));
    expect(await again.hmac('oprf', utf8('x'))).toEqual(tag);
    expect(tag).toHaveLength(64);
    expect(await again.hmac('index', utf8('x'))).toHaveLength(32);
    expect(await again.open(box, utf8('aad'))).toEqual(utf8('secret'));
    expect(again.publicKeys).toEqual(publicKeys);
    await again.close();
    for (const path of Object.values(softwareHsmPaths(folder)))
      expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  // proves STO-1
  it('uses a key of its own for every purpose', async () => {
    const tags = await Promise.all(
      (['index', 'head', 'oprf', 'attempt'] as const).map((key) => hsm.hmac(key, utf8('x'))),
    );
    expect(new Set(tags.map((tag) => tag.slice(0, 32).join())).size).toBe(4);
  });

  it('signs receipts and opens the channel with each of its pairs', async () => {
    const [older] = hsm.publicKeys.kem;
    const [olderReceipt] = hsm.publicKeys.receipt;
    const newer = await hsm.addKey('kem');
    const newerReceipt = await hsm.addKey('receipt');
    expect(hsm.publicKeys).toEqual({ kem: [newer, older], receipt: [newerReceipt, olderReceipt] });
    for (const key of hsm.publicKeys.receipt) {
      expect(ed25519Verify(key, utf8('m'), await hsm.sign(keyId(key), utf8('m')))).toBe(true);
    }
    const fleetId = bytes(3, 16);
    const plaintext = systemRandom('request', 2048);
    for (const publicKey of hsm.publicKeys.kem) {
      const to = { suite: 1, fleetId, id: keyId(publicKey), publicKey };
      const sealed = await sealRequestWith(systemRandom, to, plaintext);
      const opened = await openRequest((...args) => hsm.decapsulate(...args), fleetId, sealed.bytes);
      expect(opened.plaintext).toEqual(plaintext);
    }
    const unknown = { code: 'unknown-channel-key' };
    await expect(hsm.decapsulate(1, keyId(newerReceipt), newer)).rejects.toMatchObject(unknown);
    await expect(hsm.decapsulate(2, keyId(newer), newer)).rejects.toMatchObject(unknown);
  });

  it('lets pairs go one by one, but not the last', async () => {
    const [older] = hsm.publicKeys.receipt;
    const newer = await hsm.addKey('receipt');
    if (older === undefined) throw new Error('no key');
    await hsm.removeKey('receipt', keyId(older));
    expect(hsm.publicKeys.receipt).toEqual([newer]);
    const missing = { code: 'keys-missing' };
    await expect(hsm.sign(keyId(older), utf8('m'))).rejects.toMatchObject(missing);
    await expect(hsm.removeKey('receipt', keyId(older))).rejects.toMatchObject(missing);
    await expect(hsm.removeKey('receipt', keyId(newer))).rejects.toMatchObject({ code: 'conflict' });
    await hsm.close();
    hsm = await SoftwareHsm.open(softwareHsmPaths(folder));
    expect(hsm.publicKeys.receipt).toEqual([newer]);
  });

  it('changes pairs beside a vault that has it open, which takes note when it is told', async () => {
    const beside = await SoftwareKeys.openKeys(softwareHsmPaths(folder));
    const [older] = hsm.publicKeys.kem;
    const made = await Promise.all([beside.addKey('kem'), hsm.addKey('kem')]);
    await Promise.all([hsm.refresh(), beside.refresh()]);
    expect(hsm.publicKeys).toEqual(beside.publicKeys);
    expect(new Set(hsm.publicKeys.kem.map(hex))).toEqual(new Set([older ?? bytes(0), ...made].map(hex)));
    await beside.close();
    expect(readdirSync(folder).filter((name) => name.endsWith('.new'))).toEqual([]);
  });

  // proves HSM-4
  it('has whole keys whenever a change of its file is cut off', async () => {
    const { keys } = softwareHsmPaths(folder);
    const before = readFileSync(keys);
    await hsm.addKey('kem');
    const after = readFileSync(keys);
    for (const [file, rest, count] of [
      [before, after.subarray(0, 0), 1],
      [before, after.subarray(0, 100), 1],
      [before, after, 1],
    ] as const) {
      writeFileSync(keys, file);
      writeFileSync(`${keys}.new`, rest);
      await hsm.refresh();
      expect(hsm.publicKeys.kem).toHaveLength(count);
      await hsm.addKey('kem');
      expect(hsm.publicKeys.kem).toHaveLength(count + 1);
    }
  });

  it('does the same in suite 2', async () => {
    const own = mkdtempSync(join(root, 'hsm-2-'));
    const second = await SoftwareHsm.create(softwareHsmPaths(own), () => Promise.resolve([entry(0)]), 2);
    await second.addKey('kem');
    const [key] = second.publicKeys.receipt;
    if (key === undefined) throw new Error('no key');
    expect(p256Verify(key, utf8('m'), await second.sign(keyId(key), utf8('m')))).toBe(true);
    const kem = new DhkemP256HkdfSha256();
    for (const publicKey of second.publicKeys.kem) {
      const recipientPublicKey = await kem.deserializePublicKey(publicKey);
      const { enc, sharedSecret } = await kem.encap({ recipientPublicKey });
      const decapsulated = await second.decapsulate(2, keyId(publicKey), new Uint8Array(enc));
      expect(decapsulated).toEqual(new Uint8Array(sharedSecret));
      for (const illegal of [bytes(4, 65), concat(Uint8Array.of(3), publicKey.subarray(1, 33))]) {
        const refused = second.decapsulate(2, keyId(publicKey), illegal);
        await expect(refused).rejects.toMatchObject({ code: 'malformed' });
      }
    }
    await second.close();
    const again = await SoftwareHsm.open(softwareHsmPaths(own));
    expect(again).toMatchObject({ suite: 2, publicKeys: second.publicKeys });
    await again.close();
  });

  it('does not open a box that was changed or belongs elsewhere', async () => {
    const box = await hsm.seal(utf8('secret'), label('hsm-keys'));
    const damaged = { code: 'keys-damaged' };
    await expect(hsm.open(box, utf8('other'))).rejects.toMatchObject(damaged);
    await expect(hsm.open(box.subarray(0, 20), label('hsm-keys'))).rejects.toMatchObject(damaged);
  });

  // proves STO-2
  it('names what is wrong with its files', async () => {
    const paths = softwareHsmPaths(folder);
    const whole = readFileSync(paths.keys);
    const refused = async (code: string): Promise<void> => {
      await expect(SoftwareHsm.open(paths)).rejects.toMatchObject({ code });
    };
    flip(paths.keys, 40);
    await refused('keys-damaged');
    writeFileSync(paths.keys, whole);
    flip(paths.sealingKey, 3);
    await refused('keys-damaged');
    flip(paths.sealingKey, 3);
    const sealingKey = readFileSync(paths.sealingKey);
    const plain = openBox(sealingKey, new Uint8Array(whole), label('hsm-keys'), '');
    for (const [at, value, code] of [
      [0, 2, 'unsupported-version'],
      [1, 3, 'unsupported-suite'],
      [2 + 256 + 1, 31, 'keys-damaged'],
    ] as const) {
      const other = plain.with(at, value);
      writeFileSync(paths.keys, sealBox(sealingKey, other, label('hsm-keys')));
      await refused(code);
    }
    writeFileSync(paths.keys, whole);
    chmodSync(paths.keys, 0o640);
    await refused('keys-exposed');
    chmodSync(paths.keys, 0o600);
    unlinkSync(paths.anchor);
    await refused('anchor-missing');
    unlinkSync(paths.sealingKey);
    await refused('keys-missing');
  });

  // proves STO-3
  it('is never made anew in place', async () => {
    const again = SoftwareHsm.create(softwareHsmPaths(folder), () => Promise.resolve([entry(0)]));
    await expect(again).rejects.toMatchObject({ code: 'state-exists' });
  });
});
