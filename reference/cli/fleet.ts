/**
 * Signing what a fleet says of itself: `strongroom fleet signer new`, `fleet show`, `fleet sign` and
 * `fleet assemble`.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { parsePins, type Pins } from '../client/pins.ts';
import { StrongroomError } from '../errors.ts';
import { assemble, changes, concerns, descriptorHash, facts, readDescriptor } from '../fleet/index.ts';
import {
  DESCRIPTOR_MAGIC,
  keyId,
  SignedDescriptor,
  type DescriptorSignature,
  type FleetDescriptor,
} from '../fleet/descriptor.ts';
import { signatureHolds } from '../fleet/verify.ts';
import { createFile } from '../hsm/file.ts';
import { newSigner, publicKeyFile, signWithLedger } from '../signer/index.ts';
import { copy, equal, fromHex, hex, type Bytes } from '../wire/bytes.ts';
import { decode } from '../wire/codec.ts';
import type { Command, Invocation } from './command.ts';

async function readBytes(path: string): Promise<Bytes> {
  return copy(await readFile(path));
}

/** The public key in a file that `fleet signer new` has written. @throws StrongroomError `invalid-key` */
export async function readPublicKey(path: string): Promise<Bytes> {
  const text = (await readFile(path, 'utf8')).trim();
  if (/^[0-9a-f]{64}$/u.test(text)) return fromHex(text);
  throw new StrongroomError('invalid-key', `${path} holds no public key`, { subject: path });
}

/** A descriptor, signed or not. */
interface Shown {
  readonly descriptor: FleetDescriptor;
  readonly bytes: Bytes;
  readonly signatures: readonly DescriptorSignature[];
}

async function readShown(path: string): Promise<Shown> {
  const file = await readBytes(path);
  const isSigned = equal(file.subarray(0, DESCRIPTOR_MAGIC.length), DESCRIPTOR_MAGIC);
  const { descriptor: bytes, signatures } = isSigned
    ? decode(SignedDescriptor, file)
    : { descriptor: file, signatures: [] };
  return { descriptor: readDescriptor(bytes), bytes, signatures };
}

/** Whose signature it is, and whether it holds, as far as the pins tell. */
function verdict({ bytes }: Shown, signature: DescriptorSignature, pins: Pins | undefined): string {
  if (pins === undefined) return 'not checked: no --pins';
  const signer = pins.signers.find((publicKey) => equal(keyId(publicKey), signature.signerId));
  if (signer === undefined) return 'of nobody who is pinned';
  return signatureHolds(bytes, signer, signature) ? 'holds' : 'does not hold';
}

async function pinsOf(invocation: Invocation): Promise<Pins | undefined> {
  const path = invocation.option('pins');
  return path === undefined ? undefined : parsePins(await readFile(path, 'utf8'));
}

const signerNew: Command = {
  name: 'fleet signer new',
  summary: 'Makes a signer of fleet descriptors: a key, its public half, and a ledger of what it signs.',
  arguments: [],
  options: {
    output: { value: 'file', help: 'where to write the key (required); .pub and .ledger go beside it' },
  },
  notes: [
    'The key stays with its owner, away from every vault. The .pub file goes to the operator (`vault init --signer`).',
    'The ledger belongs to the key: without it the key signs nothing, for it might have signed that serial before.',
  ],
  examples: ['strongroom fleet signer new --output alice.key'],
  async run(invocation) {
    const file = invocation.required('output');
    const publicKey = await newSigner(file);
    process.stdout.write(`${hex(publicKey)}\n`);
    process.stderr.write(`the public key is in ${publicKeyFile(file)}\n`);
  },
};

const fleetShow: Command = {
  name: 'fleet show',
  summary: 'Says in words what a fleet descriptor says, signed or not, and what changes.',
  arguments: ['descriptor'],
  options: {
    previous: { value: 'file', help: 'the descriptor that it follows: only what differs is shown' },
    pins: { value: 'file', help: 'pins.json: says which signatures hold' },
    json: { help: 'print JSON' },
  },
  notes: [
    'The lines that begin with "!" are what to ask about before signing. SHA-256 is what signers read to each other.',
  ],
  examples: [
    'strongroom fleet show fleet.unsigned --previous fleet.descriptor',
    'strongroom fleet show fleet.descriptor --pins pins.json',
  ],
  async run(invocation) {
    const shown = await readShown(invocation.argument(0));
    const path = invocation.option('previous');
    const previous = path === undefined ? undefined : (await readShown(path)).descriptor;
    const pins = await pinsOf(invocation);
    const signatures = shown.signatures.map((signature) => ({
      signer: hex(signature.signerId),
      verdict: verdict(shown, signature, pins),
    }));
    const sha256 = hex(descriptorHash(shown.descriptor));
    const review = previous && {
      changes: changes(previous, shown.descriptor),
      concerns: concerns(previous, shown.descriptor),
    };
    if (invocation.has('json')) {
      const all = { sha256, facts: Object.fromEntries(facts(shown.descriptor)), signatures, ...review };
      process.stdout.write(`${JSON.stringify(all)}\n`);
      return;
    }
    const rows = review
      ? review.changes.map(({ name, was, now }) => `${name}: ${was ?? '(new)'} -> ${now ?? '(gone)'}`)
      : facts(shown.descriptor).map(([name, value]) => `${name}: ${value}`);
    const lines = [
      ...rows,
      ...signatures.map(({ signer, verdict: words }) => `signature ${signer}: ${words}`),
      `SHA-256: ${sha256}`,
      ...(review?.concerns ?? []).map((text) => `! ${text}`),
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
  },
};

const fleetSign: Command = {
  name: 'fleet sign',
  summary: 'Signs a fleet descriptor, once for each serial; look at it with `fleet show` before.',
  arguments: ['unsigned'],
  options: {
    'key-file': { value: 'file', help: 'key of the signer; its ledger lies beside it (required)' },
    output: { value: 'file', help: 'where to write the signature, 72 bytes (required)' },
  },
  examples: ['strongroom fleet sign fleet.unsigned --key-file alice.key --output alice.sig'],
  async run(invocation) {
    const output = invocation.required('output');
    const keyFile = invocation.required('key-file');
    const unsigned = await readBytes(invocation.argument(0));
    await createFile(output, await signWithLedger(keyFile, unsigned));
    const { serial } = readDescriptor(unsigned);
    process.stderr.write(`signed serial ${serial}\n`);
  },
};

const fleetAssemble: Command = {
  name: 'fleet assemble',
  summary: 'Puts a descriptor and its signatures together, and verifies the whole as clients will.',
  arguments: ['unsigned', 'signature…'],
  options: {
    pins: { value: 'file', help: 'pins.json of the fleet (required)' },
    output: { value: 'file', help: 'where to write the signed descriptor (required)' },
  },
  notes: [
    'Each signature has to hold, and to be of a pinned signer; `vault install` puts the result in place.',
  ],
  examples: [
    'strongroom fleet assemble fleet.unsigned alice.sig bob.sig --pins pins.json --output fleet.signed',
  ],
  async run(invocation) {
    const output = invocation.required('output');
    const pins = parsePins(await readFile(invocation.required('pins'), 'utf8'));
    const unsigned = await readBytes(invocation.argument(0));
    const signatures = await Promise.all(invocation.argumentsFrom(1).map(readBytes));
    await createFile(output, assemble(unsigned, signatures, pins, Math.floor(Date.now() / 1000)));
    process.stderr.write(`${signatures.length} of ${pins.threshold} signatures that clients ask for hold\n`);
  },
};

/** Commands of signers, and of who collects their signatures. */
export const FLEET_COMMANDS: readonly Command[] = [signerNew, fleetShow, fleetSign, fleetAssemble];
