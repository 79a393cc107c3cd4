import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHEAP, CHEAP_BOUNDS, refusal } from '../client/fixture.ts';
import {
  accountStatus,
  connect,
  httpTransport,
  memoryKeeper,
  parsePins,
  recover,
  register,
  type Keeper,
  type Session,
} from '../client/index.ts';
import { assemble, channelKey, FleetDescriptor, type FleetPins, type OpaqueKey } from '../fleet/index.ts';
import { SignedDescriptor } from '../fleet/descriptor.ts';
import { BackupKey } from '../keys/backup-key.ts';
import { newSigner, signWithLedger } from '../signer/index.ts';
import { concat, copy, equal, hex, type Bytes } from '../wire/bytes.ts';
import { decode, encode } from '../wire/codec.ts';
import { initVault } from './init.ts';
import { installDescriptor } from './install.ts';
import { rotate, type RotateOptions } from './rotate.ts';
import { HttpFleet } from './testing/http-account.ts';
import { serveVault, type VaultEvent, type VaultServer } from './server.ts';

const PASSWORD = 'correct horse';
const now = (): number => Math.floor(Date.now() / 1000);

/** A fleet of one vault, whose three signers have their keys elsewhere; two have to sign. */
class Fleet {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'strongroom-ceremony-'));
  readonly state: string = join(this.folder, 'vault');
  readonly events: VaultEvent[] = [];
  server: VaultServer | undefined;

  static async make(suite: 1 | 2): Promise<Fleet> {
    const fleet = new Fleet();
    const signers = await Promise.all([0, 1, 2].map((n) => newSigner(fleet.signer(n))));
    const policy = { stretch: CHEAP, delays: [] };
    await initVault({ folder: fleet.state, port: 0, signers, threshold: 2, suite, policy });
    return fleet;
  }

  signer(n: number): string {
    return join(this.folder, `${n}.key`);
  }

  get pins(): FleetPins {
    return parsePins(readFileSync(join(this.state, 'pins.json'), 'utf8'));
  }

  get unsigned(): Bytes {
    return copy(readFileSync(join(this.state, 'fleet.unsigned')));
  }

  get served(): Bytes {
    return copy(readFileSync(join(this.state, 'fleet.descriptor')));
  }

  /** The next descriptor, with the signatures of these. */
  async signedBy(...who: readonly number[]): Promise<Bytes> {
    const signatures = await Promise.all(who.map((n) => signWithLedger(this.signer(n), this.unsigned)));
    return assemble(this.unsigned, signatures, this.pins, now());
  }

  get policy(): FleetDescriptor['policy'] {
    return decode(FleetDescriptor, this.unsigned).policy;
  }

  async rotate(what: RotateOptions['what'], more: Partial<RotateOptions> = {}): Promise<FleetDescriptor> {
    return rotate({ folder: this.state, what, ...more });
  }

  /** Signs and installs what is next, and tells the vault. */
  async next(...who: readonly number[]): Promise<FleetDescriptor> {
    const { descriptor } = await installDescriptor(this.state, await this.signedBy(...who));
    await this.server?.reload();
    return descriptor;
  }

  async serve(): Promise<void> {
    this.server = await serveVault({ folder: this.state, log: (event) => this.events.push(event) });
  }

  connect(account: string, keeper: Keeper = memoryKeeper()): Promise<Session> {
    const transport = httpTransport(this.server?.url ?? '');
    return connect({ transport, pins: this.pins, account, keeper, retryDelays: [] });
  }

  /** The code of the problem document that a request under this descriptor is answered with. */
  async problem(descriptor: FleetDescriptor): Promise<string> {
    const way = HttpFleet.of(descriptor);
    const { exchange } = await way.seal(way.account('alice').request('status', new Uint8Array(0)));
    const headers = { 'content-type': 'application/octet-stream' };
    const response = await fetch(`${this.server?.url}/v1/exchange`, {
      method: 'POST',
      headers,
      body: exchange,
    });
    return ((await response.json()) as { code: string }).code;
  }

  async remove(): Promise<void> {
    await this.server?.close();
    rmSync(this.folder, { recursive: true });
  }
}

let fleet: Fleet;
afterEach(() => fleet.remove());

const registered = async (session: Session): Promise<BackupKey> => {
  const key = BackupKey.generate();
  await register(session, { key, password: PASSWORD, stretchBounds: CHEAP_BOUNDS });
  return key;
};
const recovered = async (session: Session): Promise<string> => {
  const { key } = await recover(session, { password: PASSWORD, stretchBounds: CHEAP_BOUNDS });
  return key.recoveryKey();
};

describe.each([1, 2] as const)('a fleet of suite %i with signers elsewhere', (suite) => {
  beforeEach(async () => {
    fleet = await Fleet.make(suite);
  });

  // proves FLT-17
  it('has no key of a signer, and serves once two of three have signed', async () => {
    const files = readdirSync(fleet.state);
    expect(files.filter((name) => name.includes('signer'))).toEqual([]);
    const secrets = [0, 1, 2].map((n) => readFileSync(fleet.signer(n)));
    for (const name of files) {
      const content = readFileSync(join(fleet.state, name));
      for (const secret of secrets) expect(content.includes(secret), name).toBe(false);
    }
    await expect(fleet.serve()).rejects.toMatchObject({ code: 'invalid-config' });
    expect((await refusal(fleet.signedBy(1))).code).toBe('descriptor-not-trusted');
    await fleet.next(0, 2);
    await fleet.serve();
    const key = await registered(await fleet.connect('alice'));
    expect(await recovered(await fleet.connect('alice'))).toBe(key.recoveryKey());
    expect((await fleet.connect('alice')).descriptor.channelSuite).toBe(suite);
  });

  // proves FLT-18, FLT-20, FLT-28
  it('rolls its channel key over: old sessions go on, new ones use the new key, the retired one opens nothing', async () => {
    await fleet.next(0, 1);
    await fleet.serve();
    const keeper = memoryKeeper();
    const old = await fleet.connect('alice', keeper);
    const key = await registered(old);
    const oldKey = channelKey(old.descriptor);

    await fleet.rotate('kem');
    // Made, and not installed: nothing has changed, and a vault that starts now serves as before.
    expect(hex(channelKey((await fleet.connect('bob')).descriptor).id)).toBe(hex(oldKey.id));
    await fleet.server?.close();
    await fleet.serve();
    const session = await fleet.connect('alice', keeper);
    await fleet.next(1, 2);
    expect(fleet.events.at(-1)).toEqual({ event: 'reloaded', serial: 2 });

    const young = await fleet.connect('bob');
    const newKey = channelKey(young.descriptor);
    expect(hex(newKey.id)).not.toBe(hex(oldKey.id));
    await registered(young);
    expect(hex(channelKey(session.descriptor).id)).toBe(hex(oldKey.id));
    expect(await recovered(session)).toBe(key.recoveryKey());

    await fleet.rotate('kem', { retire: oldKey.id });
    const { kemKeys } = await fleet.next(0, 2);
    expect(kemKeys.map(({ id }) => hex(id))).toEqual([hex(newKey.id)]);
    expect(await fleet.problem(session.descriptor)).toBe('unknown-channel-key');
    expect((await refusal(accountStatus(session))).code).toBe('unavailable');
    expect(await recovered(await fleet.connect('alice', keeper))).toBe(key.recoveryKey());
    // And it does not come back.
    await fleet.server?.close();
    await fleet.serve();
    const stale = await fleet.connect('alice', keeper);
    expect(await accountStatus(stale)).toMatchObject({ generation: 1 });
  });

  // proves FLT-19
  it('rolls its receipt key over: nobody gets an answer under a key that its descriptor does not name', async () => {
    const first = await fleet.next(0, 1);
    await fleet.serve();
    const sessions = [await fleet.connect('alice')];
    await registered(sessions[0] ?? (await fleet.connect('alice')));
    const [old] = first.receiptKeys;
    if (old === undefined) throw new Error('no receipt key');
    await fleet.rotate('receipt');
    expect((await fleet.next(0, 1)).receiptKeys.map(({ state }) => state)).toEqual(['current', 'current']);
    sessions.push(await fleet.connect('alice'));
    for (const session of sessions) expect(await accountStatus(session)).toMatchObject({ generation: 1 });
    await fleet.rotate('receipt', { retire: old.id });
    expect((await fleet.next(0, 1)).receiptKeys.map(({ state }) => state)).toEqual(['retiring', 'current']);
    sessions.push(await fleet.connect('alice'));
    const [before, ...since] = sessions;
    for (const session of since) expect(await accountStatus(session)).toMatchObject({ generation: 1 });
    // This one has missed a whole step; it must connect anew.
    expect(before && (await refusal(accountStatus(before))).code).toBe('bad-answer');
    await fleet.rotate('receipt', { retire: old.id });
    expect((await fleet.next(0, 1)).receiptKeys).toHaveLength(1);
    expect(await accountStatus(await fleet.connect('alice'))).toMatchObject({ generation: 1 });
    await fleet.server?.close();
    await fleet.serve();
    expect(await accountStatus(await fleet.connect('alice'))).toMatchObject({ generation: 1 });
  });
});

describe('a fleet', () => {
  beforeEach(async () => {
    fleet = await Fleet.make(1);
    await fleet.next(0, 1);
    await fleet.serve();
  });

  // proves FLT-21
  it('gets another OPAQUE pair for new registrations, and keeps the old one for its accounts', async () => {
    const key = await registered(await fleet.connect('alice'));
    await fleet.rotate('opaque');
    const { opaqueKeys } = await fleet.next(0, 1);
    const [old, fresh] = opaqueKeys;
    if (old === undefined || fresh === undefined) throw new Error('two pairs');
    await registered(await fleet.connect('bob'));
    await fleet.rotate('opaque', { retire: old.id });
    await fleet.next(0, 1);
    const session = await fleet.connect('carol');
    // The vault may use the old pair until the second in which it closes.
    const closing = session.descriptor.opaqueKeys.find(({ id }) => equal(id, old.id))?.notAfterNew ?? 0;
    while (now() <= closing) await new Promise((resolve) => setTimeout(resolve, 50));
    await registered(session);
    expect(await recovered(await fleet.connect('alice'))).toBe(key.recoveryKey());
    await recovered(await fleet.connect('carol'));

    // Signed in good faith, and of keys that are not this vault's.
    const strange = { ...fresh, id: fresh.id, oprfKeyId: new Uint8Array(8) };
    const foreign = { ...(await fleet.rotate('validity')), opaqueKeys: [old, strange] };
    writeFileSync(join(fleet.state, 'fleet.unsigned'), encode(FleetDescriptor, foreign));
    expect((await refusal(fleet.next(0, 1))).code).toBe('invalid-config');

    const left: OpaqueKey[] = [fresh];
    const without = { ...(await fleet.rotate('validity')), opaqueKeys: left };
    writeFileSync(join(fleet.state, 'fleet.unsigned'), encode(FleetDescriptor, without));
    const refused = await refusal(fleet.next(0, 1));
    expect([refused.code, refused.details.subject]).toEqual(['invalid-config', 'descriptor']);
    expect(await recovered(await fleet.connect('alice'))).toBe(key.recoveryKey());
  });

  // proves FLT-24, FLT-25
  it('is served under no older, foreign or unsigned descriptor, and goes on as before', async () => {
    const first = fleet.served;
    await fleet.rotate('validity');
    const second = await fleet.signedBy(0, 1);
    await installDescriptor(fleet.state, second);
    const refusals = async (bytes: Bytes): Promise<string> =>
      (await refusal(installDescriptor(fleet.state, bytes))).code;
    expect(await refusals(first)).toBe('descriptor-rollback');
    const { signatures, ...rest } = decode(SignedDescriptor, second);
    const one = encode(SignedDescriptor, { ...rest, signatures: signatures.slice(1) });
    expect(await refusals(one)).toBe('descriptor-not-trusted');
    expect(await refusals(concat(second, Uint8Array.of(0)))).toBe('bad-descriptor');
    const elsewhere = await Fleet.make(1);
    try {
      expect(await refusals(await elsewhere.signedBy(0, 1))).toBe('descriptor-not-trusted');
    } finally {
      await elsewhere.remove();
    }
    expect(hex(fleet.served)).toBe(hex(second));
    await installDescriptor(fleet.state, second); // again, as after a crash
    await fleet.server?.reload();

    // Whoever can write the folder can put anything there: what is not of its keys, or is older, is not served.
    const keyless = { ...decode(FleetDescriptor, rest.descriptor), serial: 9, channelSuite: 2 };
    const forged = encode(SignedDescriptor, {
      ...rest,
      signatures,
      descriptor: encode(FleetDescriptor, keyless),
    });
    for (const bytes of [first, new Uint8Array(10), forged]) {
      writeFileSync(join(fleet.state, 'fleet.descriptor'), bytes);
      await fleet.server?.reload();
      expect(fleet.events.at(-1)).toEqual({ event: 'reload-failed', code: 'invalid-config' });
    }
    rmSync(join(fleet.state, 'fleet.descriptor'));
    await fleet.server?.reload();
    expect(fleet.events.at(-1)).toEqual({ event: 'reload-failed', code: 'invalid-config' });
    expect((await fleet.connect('alice')).descriptor.serial).toBe(2);
  });

  // proves FLT-15
  it('whose vault shows a client what it should not: refused, each with its code', async () => {
    const keeper = memoryKeeper();
    const show = async (change: Partial<FleetDescriptor>, ...who: readonly number[]): Promise<string> => {
      const present = decode(FleetDescriptor, decode(SignedDescriptor, first).descriptor);
      const bytes = encode(FleetDescriptor, { ...present, ...change });
      // Signers who break the rules: no ledger is kept.
      const signatures = await Promise.all(
        who.map(async (n) => {
          rmSync(`${fleet.signer(n)}.ledger`);
          writeFileSync(`${fleet.signer(n)}.ledger`, '');
          return decodeSignature(await signWithLedger(fleet.signer(n), bytes));
        }),
      );
      const { magic } = decode(SignedDescriptor, first);
      const sorted = signatures.toSorted((a, b) => (hex(a.signerId) < hex(b.signerId) ? -1 : 1));
      const signed = encode(SignedDescriptor, { magic, descriptor: bytes, signatures: sorted });
      const transport = {
        ...httpTransport(fleet.server?.url ?? ''),
        descriptor: () => Promise.resolve(signed),
      };
      const opened = connect({ transport, pins: fleet.pins, account: 'alice', keeper, retryDelays: [] });
      return opened.then(
        () => 'accepted',
        (error: { code?: string }) => error.code ?? 'none',
      );
    };
    const decodeSignature = (bytes: Bytes): { signerId: Bytes; signature: Bytes } => ({
      signerId: bytes.slice(0, 8),
      signature: bytes.slice(8),
    });
    const first = fleet.served;
    expect(await show({ serial: 4 }, 0, 1)).toBe('accepted');
    expect(await show({ serial: 4 }, 1, 2)).toBe('accepted');
    expect(await show({ serial: 3 }, 0, 1)).toBe('descriptor-rollback');
    expect(await show({ serial: 4, operator: 'somebody else' }, 0, 1)).toBe('descriptor-rollback');
    expect(await show({ serial: 5, notAfter: now() - 1 }, 0, 1)).toBe('descriptor-expired');
    expect(await show({ serial: 5, notBefore: now() + 100 }, 0, 1)).toBe('descriptor-not-yet-valid');
    expect(await show({ serial: 5, fleetId: new Uint8Array(16) }, 0, 1)).toBe('wrong-fleet');
    expect(await show({ serial: 5 }, 0)).toBe('descriptor-not-trusted');
    await newSigner(fleet.signer(3)); // whom nobody pins
    expect(await show({ serial: 5 }, 0, 3)).toBe('descriptor-not-trusted');
    const policy = {
      ...fleet.policy,
      assertionMode: 'ed25519' as const,
      relayKeys: [fleet.pins.signers[0] ?? first],
    };
    expect(await show({ serial: 5, level: 'custody', policy }, 0, 1)).toBe('accepted');
    expect(await show({ serial: 6, level: 'software', policy }, 0, 1)).toBe('descriptor-rollback');
    expect(await show({ serial: 6, level: 'execution', policy }, 0, 1)).toBe('accepted');
    expect(await show({ serial: 7, level: 'custody', policy }, 0, 1)).toBe('descriptor-rollback');
  });

  // proves FLT-24
  it('destroys no key before the descriptor without it is in place', async () => {
    const [old] = (await fleet.rotate('kem')).kemKeys.slice(1);
    await fleet.next(0, 1);
    await fleet.rotate('kem', { retire: old?.id });
    const signed = await fleet.signedBy(0, 1);
    mkdirSync(join(fleet.state, 'fleet.descriptor.new', 'in the way'), { recursive: true });
    await expect(installDescriptor(fleet.state, signed)).rejects.toThrow();
    await fleet.server?.close();
    await fleet.serve();
    expect((await fleet.connect('alice')).descriptor.kemKeys).toHaveLength(2);
    rmSync(join(fleet.state, 'fleet.descriptor.new'), { recursive: true });
    const { destroyed } = await installDescriptor(fleet.state, signed);
    expect(destroyed.map(hex)).toEqual([hex(old?.id ?? signed)]);
  });

  it('builds on what waits for signatures, and never writes one serial twice', async () => {
    const [one, two] = [await fleet.rotate('kem'), await fleet.rotate('receipt')];
    expect([one.serial, two.serial]).toEqual([2, 3]);
    expect(two.kemKeys).toEqual(one.kemKeys);
    expect(two.receiptKeys).toHaveLength(2);
    // Given up: the keys that were made for it go with the next one that is installed.
    rmSync(join(fleet.state, 'fleet.unsigned'));
    await fleet.rotate('validity', { days: 10, policy: { graceSeconds: 5 } });
    const signed = await fleet.signedBy(0, 1);
    const { descriptor, destroyed } = await installDescriptor(fleet.state, signed);
    expect(destroyed.map(hex).toSorted()).toEqual(
      [one.kemKeys[0], two.receiptKeys[1]].map((key) => hex(key?.id ?? new Uint8Array(0))).toSorted(),
    );
    expect(descriptor.notAfter - descriptor.notBefore).toBe(10 * 86_400);
    expect(descriptor.policy.graceSeconds).toBe(5);
    expect(descriptor.opaqueKeys.map(({ notAfterNew }) => notAfterNew)).toEqual([descriptor.notAfter]);
  });

  it('keeps the keys of a descriptor that waits for its signatures', async () => {
    await fleet.rotate('validity');
    const signed = await fleet.signedBy(0, 1);
    await fleet.rotate('kem');
    expect((await installDescriptor(fleet.state, signed)).destroyed).toEqual([]);
    expect((await fleet.next(0, 1)).kemKeys).toHaveLength(2);
    expect(fleet.events.at(-1)).toEqual({ event: 'reloaded', serial: 3 });
  });

  it.each(['kem', 'receipt', 'opaque'] as const)('keeps its last %s key', async (what) => {
    const { kemKeys, receiptKeys, opaqueKeys } = (await fleet.connect('alice')).descriptor;
    const [key] = { kem: kemKeys, receipt: receiptKeys, opaque: opaqueKeys }[what];
    expect((await refusal(fleet.rotate(what, { retire: key?.id }))).code).toBe('conflict');
    expect((await refusal(fleet.rotate(what, { retire: new Uint8Array(8) }))).code).toBe('keys-missing');
    expect(existsSync(join(fleet.state, 'fleet.unsigned'))).toBe(true);
    expect((await fleet.rotate('validity')).serial).toBe(2);
  });

  it('makes no key for a policy that nobody may sign', async () => {
    const refused = await refusal(fleet.rotate('kem', { policy: { maxBudget: 101 } }));
    expect(refused.code).toBe('bad-descriptor');
    const keys = join(fleet.state, 'hsm.keys');
    const size = readFileSync(keys).length;
    await fleet.rotate('kem');
    expect(readFileSync(keys).length).toBe(size + 32);
  });
});
