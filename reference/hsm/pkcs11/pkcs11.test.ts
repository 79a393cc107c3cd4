import { chmodSync, mkdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { keyId } from '../../fleet/descriptor.ts';
import { hex, utf8, type Bytes } from '../../wire/bytes.ts';
import { runHsmContract } from '../contract.ts';
import type { AnchorEntry } from '../interface.ts';
import { Pkcs11Hsm, Pkcs11Keys, type Pkcs11Paths } from './hsm.ts';
import { agents, intrude, MISSING, PIN, SoftToken } from './testing/softhsm.ts';

const bytes = (value: number, length = 32): Bytes => new Uint8Array(length).fill(value);
const entry = (n: number, headHash = bytes(n)): AnchorEntry => ({
  partition: 0,
  n,
  headHash,
  current: { epoch: 1, since: 7, key: bytes(9) },
  next: undefined,
});

/** A token with the keys of a vault, and a module in front of it; each test has a copy. */
let made: SoftToken | undefined;
let token: SoftToken;
let paths: Pkcs11Paths;
let hsm: Pkcs11Hsm;
const create = (): Promise<Pkcs11Hsm> => Pkcs11Hsm.create(paths, () => Promise.resolve([entry(0)]));

it.runIf(process.env['CI'] !== undefined)('everything that these tests need is installed here', () => {
  expect(MISSING).toBe(undefined);
});

/** Why nothing of this is run, in the names of what is skipped. */
const reason = MISSING === undefined ? '' : `: ${MISSING}`;

beforeAll(async () => {
  if (MISSING !== undefined) return;
  made = new SoftToken();
  paths = made.behindFaults();
  await (await create()).close();
});
afterAll(() => made?.remove());

describe.skipIf(MISSING !== undefined)(`an HSM with PKCS#11${reason}`, () => {
  beforeEach(() => {
    token = new SoftToken(made);
    paths = token.behindFaults();
    return () => token.remove();
  });

  it('keeps the contract, and vaults of other prefixes have keys of their own on one token', async () => {
    const other = { ...token.paths, keyPrefix: 'other-' };
    const held = await runHsmContract({
      create: (entries) => Pkcs11Hsm.create(other, () => Promise.resolve(entries)),
      open: () => Pkcs11Hsm.open(other),
    });

    expect(held.length).toBeGreaterThan(10);
    expect(agents()).toEqual([]);
  });

  describe('at the start', () => {
    const refused = async (code: string, over: Partial<Pkcs11Paths> = {}): Promise<void> => {
      await expect(Pkcs11Hsm.open({ ...paths, ...over })).rejects.toMatchObject({ code });
      expect(agents()).toEqual([]);
    };
    const starts = async (over: Partial<Pkcs11Paths> = {}): Promise<void> => {
      await (await Pkcs11Hsm.open({ ...paths, ...over })).close();
    };

    // proves HSM-5
    it('needs a module, a token and its PIN, in a file that is nobody else’s to read', async () => {
      await refused('hsm-unavailable', { module: join(token.folder, 'none.so') });
      await refused('hsm-unavailable', { module: join(token.folder, 'pin') });
      await refused('hsm-token-missing', { tokenLabel: 'vaul' });
      await refused('hsm-token-missing', { tokenLabel: 'vault2' });
      await refused('keys-missing', { keyPrefix: 'other-' });
      await refused('keys-missing', { keyPrefix: 'other-' });
      chmodSync(paths.pinFile, 0o640);
      await refused('keys-exposed');
      chmodSync(paths.pinFile, 0o600);
      writeFileSync(paths.pinFile, `${PIN}1\n`);
      await refused('hsm-pin-incorrect');
      writeFileSync(paths.pinFile, 'x');
      await refused('hsm-pin-incorrect');
      unlinkSync(paths.pinFile);
      await refused('keys-missing');
      writeFileSync(paths.pinFile, PIN, { mode: 0o600 });
      token.addToken('vault');
      await refused('hsm-token-missing');
    });

    // proves HSM-6
    it('does not use up the tries of a PIN', async () => {
      token.fault('C_GetTokenInfo 0 flags 40000');
      await refused('hsm-pin-locked');
      token.fault('C_Login 1 return a4');
      await refused('hsm-pin-locked');
      token.fault('C_Login 1 return a3');
      await refused('hsm-pin-locked');
      token.fault('C_GetTokenInfo 0 flags 20000');
      const login = Pkcs11Hsm.open(paths);
      await expect(login).rejects.toMatchObject({ code: 'hsm-pin-incorrect' });
      await expect(login).rejects.toThrow('one try is left');
      token.fault('none 1 none');
      await starts();
    });

    // proves HSM-7
    it.each([
      ['SHA-256 HMAC', 'C_GetMechanismInfo:251 0 return 70'],
      ['SHA-512 HMAC', 'C_GetMechanismInfo:271 0 return 70'],
      ['AES-GCM', 'C_GetMechanismInfo:1087 0 return 70'],
      ['ECDH', 'C_GetMechanismInfo:1050 0 return 70'],
      ['ECDSA', 'C_GetMechanismInfo:1041 0 return 70'],
      ['an HMAC that is said to be there', 'C_SignInit:271 0 return 70'],
      ['AES-GCM that is said to be there', 'C_EncryptInit:1087 0 return 70'],
      ['ECDH that is said to be there', 'C_DeriveKey:1050 0 return 70'],
      ['signatures that verify', 'C_Sign 0 garble'],
      ['boxes that open', 'C_Decrypt 0 garble'],
      ['HMACs that are the same each time', 'C_Sign 7 garble'],
      ['a generator', 'C_GenerateRandom 0 garble'],
      ['a generator that works', 'C_GenerateRandom 0 return 54'],
    ])('needs %s', async (_what, fault) => {
      token.fault(fault);
      await refused('hsm-mechanism-missing');
      token.fault('none 1 none');
      await starts();
    });

    // proves HSM-8, STO-2, STO-3
    it('needs every key and the anchor, and makes none in their place', async () => {
      const labels = ['index', 'head', 'oprf', 'attempt', 'box', 'kem', 'receipt'];
      for (const name of [...labels, 'anchor']) {
        const other = new SoftToken(made);
        const count = (): number =>
          intrude((library, session) => {
            library.C_FindObjectsInit(session, []);
            return library.C_FindObjects(session, 100).length;
          });
        intrude((library, session, { CKA_LABEL }) => {
          library.C_FindObjectsInit(session, [{ type: CKA_LABEL, value: `strongroom-${name}` }]);
          for (const object of library.C_FindObjects(session, 2)) library.C_DestroyObject(session, object);
        });
        const before = count();
        const code = name === 'anchor' ? 'anchor-missing' : 'keys-missing';
        await expect(Pkcs11Hsm.open(other.paths), name).rejects.toMatchObject({ code });
        expect(count()).toBe(before);
        other.remove();
      }
    });

    // proves HSM-9
    it.each([
      ['whose value can be read', 'C_GetAttributeValue:11 0 return 0'],
      ['that can be made extractable', 'C_SetAttributeValue:162 0 return 0'],
    ])('refuses a key %s', async (_what, fault) => {
      token.fault(fault);
      await refused('keys-exposed');
    });

    // proves HSM-9
    it('refuses a key that was extractable when it was made', async () => {
      intrude((library, session, p11) => {
        const label = { type: p11.CKA_LABEL, value: 'strongroom-index' };
        library.C_FindObjectsInit(session, [label]);
        const [key] = library.C_FindObjects(session, 1);
        library.C_FindObjectsFinal(session);
        if (key !== undefined) library.C_DestroyObject(session, key);
        library.C_GenerateKey(session, { mechanism: p11.CKM_GENERIC_SECRET_KEY_GEN }, [
          { type: p11.CKA_CLASS, value: p11.CKO_SECRET_KEY },
          { type: p11.CKA_KEY_TYPE, value: p11.CKK_GENERIC_SECRET },
          label,
          { type: p11.CKA_VALUE_LEN, value: 32 },
          { type: p11.CKA_TOKEN, value: true },
          { type: p11.CKA_SENSITIVE, value: true },
          { type: p11.CKA_EXTRACTABLE, value: true },
          { type: p11.CKA_SIGN, value: true },
        ]);
      });
      await refused('keys-exposed');
    });

    // proves HSM-9
    it('has made keys that one with the PIN cannot take out', () => {
      intrude((library, session, p11) => {
        library.C_FindObjectsInit(session, [{ type: p11.CKA_PRIVATE, value: true }]);
        const objects = library.C_FindObjects(session, 100);
        library.C_FindObjectsFinal(session);
        const wrapper = library.C_GenerateKey(session, { mechanism: p11.CKM_AES_KEY_GEN }, [
          { type: p11.CKA_VALUE_LEN, value: 32 },
          { type: p11.CKA_WRAP, value: true },
        ]);
        const keys = objects.filter((object) => {
          const [found] = library.C_GetAttributeValue(session, object, [{ type: p11.CKA_CLASS }]);
          return found?.value.readUInt32LE() !== p11.CKO_DATA;
        });
        expect(keys).toHaveLength(7);
        for (const key of keys) {
          expect(() => library.C_GetAttributeValue(session, key, [{ type: p11.CKA_VALUE }])).toThrow(
            'SENSITIVE',
          );
          for (const change of [
            { type: p11.CKA_EXTRACTABLE, value: true },
            { type: p11.CKA_SENSITIVE, value: false },
          ]) {
            expect(() => library.C_SetAttributeValue(session, key, [change])).toThrow();
            expect(() => library.C_CopyObject(session, key, [change])).toThrow();
          }
          for (const mechanism of [p11.CKM_AES_KEY_WRAP, p11.CKM_AES_KEY_WRAP_PAD])
            expect(() => library.C_WrapKey(session, { mechanism }, wrapper, key, Buffer.alloc(4096))).toThrow(
              'UNEXTRACTABLE',
            );
        }
      });
    });

    // proves HSM-15
    it('keeps its PIN from command lines and environments', async () => {
      hsm = await Pkcs11Hsm.open(paths);
      const [agent, ...others] = agents();
      expect(others).toEqual([]);
      expect(agent?.seen).toContain('SOFTHSM2_CONF');
      expect(agent?.seen).not.toContain(PIN);
      await hsm.close();
    });
  });

  describe('while it runs', () => {
    beforeEach(async () => {
      hsm = await Pkcs11Hsm.open(paths);
    });
    afterEach(async () => {
      vi.useRealTimers();
      await hsm.close();
      expect(agents()).toEqual([]);
    });
    /** Nothing works any more, and everything says why. */
    const isDown = async (code: string): Promise<void> => {
      expect(hsm.failure).toMatchObject({ code });
      const [kem = bytes(0)] = hsm.publicKeys.kem;
      for (const call of [
        hsm.hmac('index', utf8('x')),
        hsm.seal(utf8('x'), utf8('y')),
        hsm.random(8),
        hsm.addKey('kem'),
        hsm.refresh(),
        hsm.anchor.advance([{ from: entry(0), to: entry(1) }]),
      ])
        await expect(call).rejects.toMatchObject({ code });
      expect(kem).toHaveLength(65);
    };

    // proves HSM-16
    it('says that a pair is gone which a ceremony beside it has destroyed, and goes on', async () => {
      const ceremony = await Pkcs11Keys.openKeys(paths);
      const [kem, receipt] = [hsm.publicKeys.kem[0] ?? bytes(0), hsm.publicKeys.receipt[0] ?? bytes(0)];
      for (const [kind, key] of Object.entries({ kem, receipt })) {
        if (kind !== 'kem' && kind !== 'receipt') continue;
        await ceremony.addKey(kind);
        await ceremony.removeKey(kind, keyId(key));
      }
      await ceremony.close();
      await expect(hsm.decapsulate(2, keyId(kem), kem)).rejects.toMatchObject({
        code: 'unknown-channel-key',
      });
      await expect(hsm.sign(keyId(receipt), utf8('x'))).rejects.toMatchObject({ code: 'keys-missing' });
      expect(hsm.failure).toBeUndefined();
      await hsm.refresh();
      const [next = bytes(0)] = hsm.publicKeys.kem;
      expect(await hsm.decapsulate(2, keyId(next), next)).toHaveLength(32);
    });

    // proves HSM-10
    it('gives up a session after an error, and does it in another one', async () => {
      const tag = await hsm.hmac('oprf', utf8('x'));
      for (const fault of [
        'C_Sign 1 return b3',
        'C_Sign 1 return 5',
        'C_SignInit 1 return b0',
        'C_Sign 3 return 90',
      ]) {
        token.fault(fault);
        const tags = await Promise.all(Array.from({ length: 20 }, () => hsm.hmac('oprf', utf8('x'))));
        expect(new Set(tags.map(hex))).toEqual(new Set([hex(tag)]));
      }
      expect(hsm.failure).toBe(undefined);
    });

    // proves HSM-11
    it.each([
      ['fails', 'C_Sign 0 return 30', 'hsm-unavailable'],
      ['is removed', 'C_Sign 0 return 32', 'hsm-token-missing'],
      ['has lost its memory', 'C_SignInit 0 return 82', 'hsm-unavailable'],
      ['ends the agent', 'C_Sign 1 kill-before', 'hsm-unavailable'],
    ])('stops for good when the device %s', async (_what, fault, code) => {
      token.fault(fault);
      const calls = [hsm.hmac('oprf', utf8('x')), hsm.hmac('index', utf8('x'))];
      for (const { status } of await Promise.allSettled(calls)) expect(status).toBe('rejected');
      token.fault('none 1 none');
      await isDown(code);
      await hsm.close();
      hsm = await Pkcs11Hsm.open(paths);
      expect(await hsm.hmac('oprf', utf8('x'))).toHaveLength(64);
    });

    // proves HSM-11
    it('stops when its token is taken away, also while nobody asks for anything', async () => {
      vi.useFakeTimers({ toFake: ['setInterval'] });
      await hsm.close();
      hsm = await Pkcs11Hsm.open(paths);
      const tokens = join(token.folder, 'tokens');
      renameSync(tokens, `${tokens}.away`);
      mkdirSync(tokens);
      vi.advanceTimersByTime(5000);
      await vi.waitFor(() => expect(hsm.failure).toBeDefined(), 5000);
      await isDown(hsm.failure?.code ?? '');
      rmSync(tokens, { recursive: true });
      renameSync(`${tokens}.away`, tokens);
    });

    // proves HSM-11
    it('stops when a call does not come back', async () => {
      await hsm.close();
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      hsm = await Pkcs11Hsm.open(paths);
      token.fault('C_Sign 0 sleep 1000000');
      const call = expect(hsm.hmac('index', utf8('x'))).rejects.toMatchObject({ code: 'hsm-unavailable' });
      await vi.advanceTimersByTimeAsync(30_000);
      await call;
      await isDown('hsm-unavailable');
      await vi.advanceTimersByTimeAsync(2000);
    });

    // proves HSM-11
    it('tells a box that is not whole from a device that does not open it', async () => {
      const box = await hsm.seal(utf8('x'), utf8('y'));
      const damaged = { code: 'keys-damaged' };
      await expect(hsm.open(box, utf8('z'))).rejects.toMatchObject(damaged);
      expect(hsm.failure).toBe(undefined);
      token.fault('C_Decrypt 0 return 5');
      await expect(hsm.open(box, utf8('y'))).rejects.toMatchObject({ code: 'hsm-unavailable' });
    });

    // proves HSM-12, STO-27
    it('keeps a second process of this machine out', async () => {
      await expect(Pkcs11Hsm.open(paths)).rejects.toMatchObject({ code: 'hsm-in-use' });
      await hsm.anchor.advance([{ from: entry(0), to: entry(1) }]);
      const beside = await Pkcs11Keys.openKeys(paths);
      const added = await beside.addKey('kem');
      await beside.close();
      await hsm.refresh();
      expect(hsm.publicKeys.kem[0]).toEqual(added);
    });

    // proves HSM-13
    it('stops when a process that it cannot see takes the anchor', async () => {
      await hsm.anchor.advance([{ from: entry(0), to: entry(1) }]);
      const own = process.env['TMPDIR'];
      process.env['TMPDIR'] = token.folder; // as another machine would have it
      const other = await Pkcs11Hsm.open(paths);
      if (own === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = own;
      await expect(hsm.anchor.advance([{ from: entry(1), to: entry(2) }])).rejects.toMatchObject({
        code: 'anchor-conflict',
      });
      await isDown('anchor-conflict');
      expect(await other.anchor.read()).toEqual([entry(1)]);
      await other.anchor.advance([{ from: entry(1), to: entry(2) }]);
      await other.close();
    });
  });
});

describe.skipIf(MISSING !== undefined)('the anchor on a token', () => {
  beforeEach(() => {
    token = new SoftToken(made);
    paths = token.behindFaults();
    return () => token.remove();
  });

  /** Values of the anchor objects. */
  const objects = (): Bytes[] =>
    intrude((library, session, p11) => {
      library.C_FindObjectsInit(session, [{ type: p11.CKA_LABEL, value: 'strongroom-anchor' }]);
      const found = library.C_FindObjects(session, 100);
      library.C_FindObjectsFinal(session);
      return found.map((object) => {
        const [value] = library.C_GetAttributeValue(session, object, [{ type: p11.CKA_VALUE }]);
        return new Uint8Array(value?.value ?? []);
      });
    });
  const addObject = (value: Bytes): void =>
    intrude((library, session, p11) => {
      library.C_CreateObject(session, [
        { type: p11.CKA_CLASS, value: p11.CKO_DATA },
        { type: p11.CKA_TOKEN, value: true },
        { type: p11.CKA_PRIVATE, value: true },
        { type: p11.CKA_LABEL, value: 'strongroom-anchor' },
        { type: p11.CKA_VALUE, value: Buffer.from(value) },
      ]);
    });
  const removeObjects = (): void =>
    intrude((library, session, p11) => {
      library.C_FindObjectsInit(session, [{ type: p11.CKA_LABEL, value: 'strongroom-anchor' }]);
      const found = library.C_FindObjects(session, 100);
      library.C_FindObjectsFinal(session);
      for (const object of found) library.C_DestroyObject(session, object);
    });
  const present = async (): Promise<AnchorEntry> => {
    const open = await Pkcs11Hsm.open(paths);
    const [now] = await open.anchor.read();
    await open.close();
    if (now === undefined) throw new Error('no entry');
    return now;
  };

  // proves STO-16
  it.each(['kill-before', 'kill-after'])(
    'loses nothing that was confirmed wherever the agent ends in an advance (%s)',
    async (action) => {
      let allowed = [entry(0)];
      for (let call = 1; allowed.length > 0; call++) {
        const open = await Pkcs11Hsm.open(paths);
        expect(objects()).toHaveLength(1);
        const [from = entry(0)] = await open.anchor.read();
        expect(allowed).toContainEqual(from);
        const to = entry(from.n + 1);
        token.fault(`* ${call} ${action}`);
        try {
          await open.anchor.advance([{ from, to }]);
          allowed = [];
        } catch (error) {
          expect(error).toMatchObject({ code: 'hsm-unavailable' });
          allowed = [from, to];
        }
        token.fault('none 1 none');
        await open.close();
        if (allowed.length === 0) {
          expect(await present()).toEqual(to);
          expect(call).toBeGreaterThan(8);
        }
      }
    },
  );

  // proves STO-16
  it('loses nothing wherever the agent ends while it takes the anchor', async () => {
    for (const [call, action] of [
      ['C_Login 1', 'kill-before'],
      ['C_Login 1', 'kill-after'],
      ['C_CreateObject 1', 'kill-before'],
      ['C_CreateObject 1', 'kill-after'],
      ['C_DestroyObject 2', 'kill-before'],
      ['C_DestroyObject 2', 'kill-after'],
    ]) {
      token.fault(`${call} ${action}`);
      await expect(Pkcs11Hsm.open(paths), call).rejects.toMatchObject({ code: 'hsm-unavailable' });
      token.fault('none 1 none');
      expect(await present()).toEqual(entry(0));
    }
  });

  // proves HSM-14
  it('is the newest of its objects; two of one serial, one that is not readable, or none: halt', async () => {
    const before = await present();
    const open = await Pkcs11Hsm.open(paths);
    const [older = bytes(0)] = objects();
    await open.anchor.advance([{ from: before, to: entry(before.n + 1) }]);
    await open.close();
    const [newer = bytes(0)] = objects();
    addObject(older);
    addObject(new Uint8Array(0));
    expect((await present()).n).toBe(before.n + 1);
    expect(objects()).toHaveLength(1);

    removeObjects();
    for (const value of [newer, newer.with(20, 1 ^ (newer[20] ?? 0))]) addObject(value);
    await expect(Pkcs11Hsm.open(paths)).rejects.toMatchObject({ code: 'anchor-damaged' });
    expect(objects()).toHaveLength(2);

    removeObjects();
    for (const value of [newer, newer.subarray(1)]) addObject(value);
    await expect(Pkcs11Hsm.open(paths)).rejects.toMatchObject({ code: 'anchor-damaged' });
    removeObjects();
    addObject(newer.with(0, 2));
    await expect(Pkcs11Hsm.open(paths)).rejects.toMatchObject({ code: 'anchor-damaged' });
    removeObjects();
    await expect(Pkcs11Hsm.open(paths)).rejects.toMatchObject({ code: 'anchor-missing' });
    expect(objects()).toEqual([]);
    addObject(newer);
    expect((await present()).n).toBe(before.n + 1);
  });

  // proves HSM-13, STO-28
  it('is not moved when another writer comes between looking and writing', async () => {
    const from = await present();
    const open = await Pkcs11Hsm.open(paths);
    const [held = bytes(0)] = objects();
    const rival = held.with(8, (held[8] ?? 0) + 1); // the next serial, of another owner
    rival[12] = (rival[12] ?? 0) ^ 1;
    token.fault('C_CreateObject 1 sleep 600');
    const step = open.anchor.advance([{ from, to: entry(from.n + 1) }]);
    await new Promise((resolve) => setTimeout(resolve, 250));
    addObject(rival);
    await expect(step).rejects.toMatchObject({ code: 'anchor-conflict' });
    await open.close();
    expect(new Set(objects().map(hex))).toEqual(new Set([held, rival].map(hex)));
    removeObjects();
    addObject(held);
    expect(await present()).toEqual(from);
  });
});
