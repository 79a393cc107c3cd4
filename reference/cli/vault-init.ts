/**
 * Making a vault: `strongroom vault init`.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { StrongroomError } from '../errors.ts';
import { DEFAULT_POLICY } from '../fleet/index.ts';
import type { Policy } from '../fleet/descriptor.ts';
import type { HsmConfig } from '../hsm/open.ts';
import { ARGON2ID } from '../opaque/index.ts';
import { initVault } from '../vault/index.ts';
import { hex, type Bytes } from '../wire/bytes.ts';
import { numberOption, type Command, type Invocation } from './command.ts';
import { readPublicKey } from './fleet.ts';

const count = z.int().min(0).max(0xffffffff);

/** What a policy file may change: times in seconds, sizes in KiB. */
const PolicyFile = z
  .strictObject({
    defaultBudget: z.int().min(1).max(100),
    maxBudget: z.int().min(1).max(100),
    refill: z.enum(['none', 'full']),
    delays: z.array(count).max(100),
    lastChanceSeconds: count,
    graceSeconds: count,
    ceiling: count,
    stretch: z.strictObject({ iterations: count, memoryKib: count, parallelism: z.int().min(1).max(0xffff) }),
  })
  .partial();

/** A policy file as differences from the default policy. @throws StrongroomError `invalid-config` */
export async function readPolicy(path: string): Promise<Partial<Policy>> {
  const fault = (subject: string, message: string, cause: unknown): StrongroomError =>
    new StrongroomError('invalid-config', `${path}: ${message}`, { subject }, { cause });
  const text = await readFile(path, 'utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw fault(path, 'not JSON', cause);
  }
  const parsed = PolicyFile.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const subject = issue?.path.join('.') ?? '';
    throw fault(subject, `${subject}: ${issue?.message}`, parsed.error);
  }
  const { stretch, ...rest } = parsed.data;
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return { ...given, ...(stretch === undefined ? {} : { stretch: { algorithm: ARGON2ID, ...stretch } }) };
}

/** Policy of a vault behind the relay whose public key is in a file. @throws StrongroomError `invalid-key` */
async function relayPolicy(path: string | undefined): Promise<Partial<Policy>> {
  if (path === undefined) return {};
  return { assertionMode: 'ed25519', relayKeys: [await readPublicKey(path)] };
}

/** Whoever signs: the keys of people elsewhere, or how many keys to make. @throws StrongroomError `usage` */
async function signersOf(invocation: Invocation): Promise<number | readonly Bytes[] | undefined> {
  const files = invocation.options('signer');
  const count = numberOption(invocation, 'signers', 64);
  if (files.length === 0) return count;
  if (count !== undefined) throw new StrongroomError('usage', '--signer and --signers exclude each other');
  return Promise.all(files.map(readPublicKey));
}

/** Channel suite of the keys. @throws StrongroomError `usage` */
function suiteOf(invocation: Invocation): 1 | 2 | undefined {
  const suite = numberOption(invocation, 'suite', 2);
  if (suite === undefined || suite === 1 || suite === 2) return suite;
  throw new StrongroomError('usage', '--suite takes 1 or 2');
}

/** Where keys and anchor are to be; undefined for files of the folder. @throws StrongroomError `usage` */
function hsmOf(invocation: Invocation): HsmConfig | undefined {
  const kind = invocation.option('hsm') ?? 'software';
  const [module, tokenLabel, pinFile] = ['module', 'token-label', 'pin-file'].map((name) =>
    invocation.option(name),
  );
  const keyPrefix = invocation.option('key-prefix');
  if (kind === 'pkcs11' && module !== undefined && tokenLabel !== undefined && pinFile !== undefined) {
    const device = { kind, module: resolve(module), tokenLabel, pinFile: resolve(pinFile) } as const;
    return keyPrefix === undefined ? device : { ...device, keyPrefix };
  }
  const given = [module, tokenLabel, pinFile, keyPrefix].some((value) => value !== undefined);
  if (kind === 'software' && !given) return undefined;
  throw new StrongroomError('usage', 'a device takes --hsm pkcs11, --module, --token-label and --pin-file');
}

/** Makes a vault. */
export const vaultInit: Command = {
  name: 'vault init',
  summary: 'Makes a vault in a new folder: keys, empty store, anchor, signed descriptor, configuration.',
  arguments: ['folder'],
  options: {
    port: { value: 'n', help: 'port to listen on; default 8787, on 127.0.0.1' },
    operator: { value: 'name', help: 'who runs it, for people' },
    signer: { value: 'file', many: true, help: 'public key of a signer elsewhere (.pub); once for each' },
    signers: { value: 'n', help: 'instead: how many signers to make here; default 1' },
    threshold: { value: 'k', help: 'how many of them clients ask for; default all' },
    relay: { value: 'file', help: 'relay.pub of the relay that alone may ask; default: this machine alone' },
    policy: { value: 'file', help: 'JSON: what to change of the default policy' },
    suite: { value: 'n', help: 'channel suite: 1 (X25519, Ed25519) or 2 (P-256); default 1, 2 in a device' },
    hsm: {
      value: 'kind',
      help: 'software or pkcs11: keys and anchor in a device (docs/hsm.md); default software',
    },
    module: { value: 'file', help: 'PKCS#11 module of the device' },
    'token-label': { value: 'label', help: 'label of its token' },
    'pin-file': { value: 'file', help: "PIN of the token's user; mode 0600" },
    'key-prefix': { value: 'text', help: 'what labels on the token begin with; default strongroom-' },
    'partition-bits': {
      value: 'p',
      help: '2^p partitions, each with 10^6 accounts or so; default 0, at most 4',
    },
    json: { help: 'print JSON' },
  },
  notes: [
    'pins.json is what clients need; give it to them over a way that is not the vault. With --signer, fleet.unsigned',
    'waits for the signatures of these people (`fleet sign`), and the vault serves once the result is installed.',
    'Without, signer-*.key files are made: each belongs elsewhere, with another person. hsm.sealing-key belongs on',
    'another medium.',
    `Policy fields: ${Object.keys(PolicyFile.shape).join(', ')}. Default budget: ${DEFAULT_POLICY.defaultBudget}.`,
  ],
  examples: [
    'strongroom vault init ./vault',
    'strongroom vault init ./vault --signers 3 --threshold 2 --port 9000',
    'strongroom vault init ./vault --signer alice.key.pub --signer bob.key.pub',
  ],
  async run(invocation) {
    const folder = invocation.argument(0);
    const policyFile = invocation.option('policy');
    const operator = invocation.option('operator');
    const port = numberOption(invocation, 'port', 65535);
    const signers = await signersOf(invocation);
    const suite = suiteOf(invocation);
    const threshold = numberOption(invocation, 'threshold', 64);
    const partitionBits = numberOption(invocation, 'partition-bits', 4);
    const hsm = hsmOf(invocation);
    const made = await initVault({
      folder,
      policy: {
        ...(policyFile === undefined ? {} : await readPolicy(policyFile)),
        ...(await relayPolicy(invocation.option('relay'))),
      },
      ...(operator === undefined ? {} : { operator }),
      ...(port === undefined ? {} : { port }),
      ...(signers === undefined ? {} : { signers }),
      ...(threshold === undefined ? {} : { threshold }),
      ...(suite === undefined ? {} : { suite }),
      ...(hsm === undefined ? {} : { hsm }),
      ...(partitionBits === undefined ? {} : { partitionBits }),
    });
    const facts = {
      fleetId: hex(made.fleetId),
      threshold: made.threshold,
      signers: made.signers.map(hex),
      pins: join(folder, 'pins.json'),
    };
    if (invocation.has('json')) {
      process.stdout.write(`${JSON.stringify(facts)}\n`);
      return;
    }
    process.stdout.write(`fleet     ${facts.fleetId}\n`);
    for (const signer of facts.signers) process.stdout.write(`signer    ${signer}\n`);
    process.stdout.write(`threshold ${facts.threshold}\n\nGive clients ${facts.pins}.\n`);
    if (typeof signers !== 'object') return;
    process.stdout.write(
      `Have ${join(folder, 'fleet.unsigned')} signed; the vault serves once the result is installed.\n`,
    );
  },
};
