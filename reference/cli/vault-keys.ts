/**
 * Keys of a vault over the years: `strongroom vault rotate` and `vault install`.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StrongroomError } from '../errors.ts';
import { installDescriptor, rotate, type Rotation } from '../vault/index.ts';
import { copy, fromHex, hex, type Bytes } from '../wire/bytes.ts';
import { numberOption, type Command, type Invocation } from './command.ts';
import { readPolicy } from './vault-init.ts';

const ROTATIONS: readonly Rotation[] = ['kem', 'receipt', 'opaque', 'validity'];

function rotationOf(text: string): Rotation {
  const found = ROTATIONS.find((name) => name === text);
  if (found === undefined)
    throw new StrongroomError('usage', `one of ${ROTATIONS.join(', ')}, not "${text}"`);
  return found;
}

function keyIdOption(invocation: Invocation): Bytes | undefined {
  const text = invocation.option('retire');
  if (text === undefined) return undefined;
  if (!/^[0-9a-f]{16}$/u.test(text))
    throw new StrongroomError('usage', '--retire takes 16 hexadecimal digits');
  return fromHex(text);
}

const vaultRotate: Command = {
  name: 'vault rotate',
  summary: 'Makes the next key of a vault, or takes an old one out, in the next descriptor to sign.',
  arguments: ['folder', 'what'],
  options: {
    retire: { value: 'id', help: 'no new key, but this one a step on: current, retiring, gone' },
    policy: { value: 'file', help: 'JSON: what to change of the present policy' },
    days: { value: 'n', help: 'how long the next descriptor is valid; default 365' },
  },
  notes: [
    'What: kem (the channel), receipt (signatures of answers), opaque (new registrations), validity (no key).',
    'Writes fleet.unsigned in the folder, one serial on. Nothing changes for clients before `vault install`; the vault',
    'may run. With kem, clients seal to the new key from then on. With receipt and opaque the new key waits until the',
    'old one is retired, so that clients know it by then.',
  ],
  examples: [
    'strongroom vault rotate ./vault kem',
    'strongroom vault rotate ./vault kem --retire 0123456789abcdef',
    'strongroom vault rotate ./vault validity --policy policy.json',
  ],
  async run(invocation) {
    const folder = invocation.argument(0);
    const policy = invocation.option('policy');
    const { serial } = await rotate({
      folder,
      what: rotationOf(invocation.argument(1)),
      retire: keyIdOption(invocation),
      days: numberOption(invocation, 'days', 3660),
      ...(policy === undefined ? {} : { policy: await readPolicy(policy) }),
    });
    process.stdout.write(`${join(folder, 'fleet.unsigned')} is serial ${serial}\n`);
  },
};

const vaultInstall: Command = {
  name: 'vault install',
  summary: 'Puts a signed descriptor in place and destroys the keys that it no longer names.',
  arguments: ['folder', 'descriptor'],
  options: {},
  notes: [
    'Refuses what clients would refuse, and what is not of the keys of this vault. A vault that runs takes note on',
    'SIGHUP.',
  ],
  examples: ['strongroom vault install ./vault fleet.signed'],
  async run(invocation) {
    const signed = copy(await readFile(invocation.argument(1)));
    const { descriptor, destroyed } = await installDescriptor(invocation.argument(0), signed);
    process.stdout.write(`serial ${descriptor.serial} is in place\n`);
    for (const id of destroyed) process.stdout.write(`destroyed key ${hex(id)}\n`);
    process.stderr.write('a vault that runs takes note on SIGHUP\n');
  },
};

/** Commands of the roll-over of keys. */
export const KEYS_COMMANDS: readonly Command[] = [vaultRotate, vaultInstall];
