/**
 * Making a vault (spec/storage.md, "Making a vault"): keys, an empty store, its anchor, the fleet's signed descriptor
 * and the configuration, in a new state folder.
 *
 * @module
 */
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { formatPins } from '../client/pins.ts';
import { isEd25519PublicKey } from '../crypto/ed25519.ts';
import { systemRandom } from '../crypto/random.ts';
import { StrongroomError } from '../errors.ts';
import {
  assemble,
  checkDescriptor,
  checkPolicy,
  DEFAULT_POLICY,
  FleetDescriptor,
  keyId,
  pinnedSigners,
} from '../fleet/index.ts';
import { DESCRIPTOR_VERSION, type FleetKey, type KeyLocation, type Policy } from '../fleet/descriptor.ts';
import { createFile } from '../hsm/file.ts';
import type { Hsm, PairSuite } from '../hsm/interface.ts';
import { createHsm, type HsmConfig } from '../hsm/open.ts';
import { generateServerKeyPair, sodiumSuite } from '../opaque/index.ts';
import { OPAQUE_RISTRETTO255 } from '../opaque/profile.ts';
import { newSigner, signWithLedger } from '../signer/index.ts';
import { SqliteStore } from '../store/sqlite.ts';
import { utf8, type Bytes } from '../wire/bytes.ts';
import { encode } from '../wire/codec.ts';
import { CONFIG_FILE, resolveHsm, type VaultConfig } from './config.ts';
import type { OpaqueServerKey } from './core/fleet.ts';
import { newOpaqueKey, wipeOpaqueKeys, wrapOpaqueKeys } from './opaque-keys.ts';
import { createPartition } from './partition.ts';
import { MAX_PREFIX_BITS } from './partitions.ts';
import { CLOCK_SLACK } from './rotate.ts';
import { headKey } from './start.ts';
import { PINS_FILE, UNSIGNED_FILE } from './state-folder.ts';

const YEAR = 365 * 24 * 3600;

/** What an operator decides. */
export interface InitOptions {
  /** State folder; made if it is not there. */
  readonly folder: string;
  readonly host?: string;
  readonly port?: number;
  /** Differences from the default policy. */
  readonly policy?: Partial<Policy>;
  /** Who runs the vault, for people. */
  readonly operator?: string;
  readonly trustDomain?: string;
  /**
   * How many signers to make; 1 unless told. Or the Ed25519 public keys of signers elsewhere: then no descriptor is
   * signed, and `fleet.unsigned` waits for their signatures.
   */
  readonly signers?: number | readonly Bytes[];
  /** How many of them clients shall ask for; all unless told. */
  readonly threshold?: number;
  /** Bits of a leaf index that name its partition, 0 to 4: a vault of so many powers of two. 0 unless told. */
  readonly partitionBits?: number;
  /** Where keys and anchor are to be; in files of the folder unless told. */
  readonly hsm?: HsmConfig;
  /** Suite of the channel and of receipts; unless told 1, and 2 with a device. */
  readonly suite?: PairSuite;
}

/** What the clients of the new fleet pin; also in `pins.json`. */
export interface InitResult {
  /** 16 bytes. */
  readonly fleetId: Bytes;
  /** Ed25519 public keys; the secret halves of those that were made are in `signer-<n>.key` and belong elsewhere. */
  readonly signers: readonly Bytes[];
  readonly threshold: number;
}

const CONFIG: VaultConfig = {
  version: 1,
  listen: { host: '127.0.0.1', port: 8787 },
  store: 'store.db',
  hsm: { kind: 'software', keys: 'hsm.keys', sealingKey: 'hsm.sealing-key', anchor: 'hsm.anchor' },
  opaqueKeys: 'opaque.keys',
  descriptor: 'fleet.descriptor',
  maxConcurrent: 256,
};

function describe(
  fleetId: Bytes,
  hsm: Hsm,
  { id, oprfKeyId, publicKey }: OpaqueServerKey,
  options: InitOptions,
): FleetDescriptor {
  const notBefore = Math.floor(Date.now() / 1000) - CLOCK_SLACK;
  const { opaque: location, oprf: oprfLocation } = hsm.locations;
  const key = (publicKey: Bytes, location: KeyLocation): FleetKey => ({
    id: keyId(publicKey),
    state: 'current',
    location,
    publicKey,
  });
  return {
    version: DESCRIPTOR_VERSION,
    fleetId,
    serial: 1,
    notBefore,
    notAfter: notBefore + YEAR,
    channelSuite: hsm.suite,
    opaqueSuite: OPAQUE_RISTRETTO255,
    level: hsm.level,
    kemKeys: hsm.publicKeys.kem.map((publicKey) => key(publicKey, hsm.locations.kem)),
    receiptKeys: hsm.publicKeys.receipt.map((publicKey) => key(publicKey, hsm.locations.receipt)),
    opaqueKeys: [{ id, oprfKeyId, notAfterNew: notBefore + YEAR, location, oprfLocation, publicKey }],
    policy: { ...DEFAULT_POLICY, ...options.policy },
    operator: options.operator ?? '',
    trustDomain: options.trustDomain ?? '',
  };
}

function signerFile(folder: string, index: number): string {
  return join(folder, `signer-${index + 1}.key`);
}

/** Signers on this machine: for a vault that is tried out, or whose keys are carried elsewhere at once. */
function makeSigners(folder: string, count: number): Promise<Bytes[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => newSigner(signerFile(folder, i))));
}

/** @throws StrongroomError `invalid-key`, `invalid-config` */
function checkSigners(signers: readonly Bytes[], threshold: number): void {
  if (!signers.every(isEd25519PublicKey))
    throw new StrongroomError('invalid-key', 'not a public key of a signer');
  pinnedSigners(signers, threshold);
}

/**
 * Makes a vault. `vault.json` is written last: a folder without it holds no vault.
 *
 * @throws StrongroomError `state-exists`, `invalid-config`, `bad-descriptor`
 */
export async function initVault(options: InitOptions): Promise<InitResult> {
  const { folder, signers: given = 1, host, port, partitionBits = 0, hsm: own = CONFIG.hsm } = options;
  const count = typeof given === 'number' ? given : given.length;
  const { threshold = count } = options;
  if (!(count >= 1 && count <= 64 && threshold >= 1 && threshold <= count)) {
    throw new StrongroomError('invalid-config', `${threshold} of ${count} signers`, { subject: 'threshold' });
  }
  if (typeof given !== 'number') checkSigners(given, threshold);
  if (!Number.isInteger(partitionBits) || partitionBits < 0 || partitionBits > MAX_PREFIX_BITS) {
    const subject = 'partitionBits';
    throw new StrongroomError('invalid-config', `${partitionBits} bits for partitions`, { subject });
  }
  // Before anything is made: a folder that holds half a vault could not be used again.
  checkPolicy({ ...DEFAULT_POLICY, ...options.policy }, own.kind === 'software' ? 'software' : 'custody');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const at = (name: string): string => join(folder, name);
  await access(at(CONFIG.store)).then(
    () => {
      throw new StrongroomError('state-exists', `${folder} holds a store`, { subject: CONFIG.store });
    },
    () => undefined,
  );
  const hsm = await createHsm(
    resolveHsm(folder, own),
    async (hmac) => {
      // Made first, so that the database and its log are nobody else's to read.
      await createFile(at(CONFIG.store), new Uint8Array(0));
      const store = await SqliteStore.open(at(CONFIG.store));
      const now = Math.floor(Date.now() / 1000);
      const made = await Promise.all(
        Array.from({ length: 2 ** partitionBits }, (_, number) => createPartition(hmac, number, now)),
      );
      const heads = made.map(({ head, entry }) => ({ key: headKey(entry.partition), value: head.bytes }));
      const fresh = await store.commit({
        conditions: heads.map(({ key }) => ({ key, value: undefined })),
        writes: heads,
      });
      await store.close();
      if (!fresh)
        throw new StrongroomError('state-exists', `${folder} holds a store`, { subject: CONFIG.store });
      return made.map(({ entry }) => entry);
    },
    options.suite,
  );
  try {
    const pair = generateServerKeyPair(await sodiumSuite());
    const opaqueKey = await newOpaqueKey((...args) => hsm.hmac(...args), pair);
    await createFile(at(CONFIG.opaqueKeys), await wrapOpaqueKeys(hsm, [opaqueKey]));
    wipeOpaqueKeys([opaqueKey]);

    const fleetId = systemRandom('fleet_id', 16);
    const descriptor = describe(fleetId, hsm, opaqueKey, options);
    checkDescriptor(descriptor);
    const unsigned = encode(FleetDescriptor, descriptor);
    await createFile(at(UNSIGNED_FILE), unsigned);
    const signers = typeof given === 'number' ? await makeSigners(folder, given) : given;
    const pins = { fleetId, signers, threshold };
    await createFile(at(PINS_FILE), utf8(formatPins(pins)));
    if (typeof given === 'number') {
      const keys = signers.map((_, i) => signWithLedger(signerFile(folder, i), unsigned));
      const signed = assemble(unsigned, await Promise.all(keys), pins, Math.floor(Date.now() / 1000));
      await createFile(at(CONFIG.descriptor), signed);
    }
    const listen = { host: host ?? CONFIG.listen.host, port: port ?? CONFIG.listen.port };
    const config = { ...CONFIG, hsm: own, listen };
    await createFile(at(CONFIG_FILE), utf8(`${JSON.stringify(config, undefined, 2)}\n`));
    return pins;
  } finally {
    await hsm.close();
  }
}
