/**
 * Scenarios in which a client meets a fleet of channel suite 2.
 *
 * @module
 */
import { p256 } from '@noble/curves/nist.js';
import { BACKUP_KEY } from '../hostile/vault.ts';
import { be, cat, toHex, unhex, zeros, type Bytes } from '../peer/primitives.ts';
import { destroyed, refused, secretsKept, succeeded, type ClientScenario } from './client-stage.ts';
import { demand } from './scenario.ts';

const { ORDER } = p256.Point.Fn;

function halves(signature: Bytes): { r: Bytes; s: Bytes } {
  return { r: signature.slice(0, 32), s: signature.slice(32) };
}

/** The lower, or the higher, of the two values of s that fit r. */
function withS(which: 'low' | 'high'): (signature: Bytes) => Bytes {
  return (signature) => {
    const { r, s } = halves(signature);
    const value = BigInt(`0x${toHex(s)}`);
    const isLow = value <= ORDER / 2n;
    return cat(r, be(32, isLow === (which === 'low') ? value : ORDER - value));
  };
}

/** A receipt that must not be taken, under a statement that nobody should believe. */
function forged(id: string, title: string, signature: (honest: Bytes) => Bytes): ClientScenario {
  return {
    id,
    title,
    why: 'Signatures out of their bounds verify in libraries that do not look, some for every message.',
    requirements: ['CHN-15', 'XCH-16'],
    suite: 2,
    lies: () => ({ statement: destroyed, signature }),
    run: async ({ run }) => refused(await run(), 'bad-answer'),
  };
}

/** Fleets whose keys are of P-256. */
export const clientP256: readonly ClientScenario[] = [
  {
    id: 'client.p256',
    title: 'Recovery and registration at a fleet of P-256',
    why: 'Its descriptor, its channel and its receipts are those of a device.',
    requirements: ['CHN-13', 'XCH-4', 'XCH-16'],
    suite: 2,
    run: async ({ vault, run }) => {
      const { backupKey } = succeeded(await run());
      demand(backupKey === toHex(BACKUP_KEY), 'another key came back', 'wrong-output');
      succeeded(await run('register'));
      const sizes = new Set(vault.bodies.map(({ length }) => length));
      demand(sizes.size === 1, `requests of ${sizes.size} sizes`, 'wrong-output');
      secretsKept(vault);
    },
  },
  {
    id: 'client.p256-either-s',
    title: 'Receipts with either s',
    why: 'Devices make either; a client that asks for the lower one turns half of all answers down.',
    requirements: ['CHN-13', 'XCH-16'],
    suite: 2,
    run: async ({ vault, run }) => {
      for (const which of ['low', 'high'] as const) {
        vault.lies = { signature: withS(which) };
        succeeded(await run('status'));
      }
    },
  },
  forged('client.p256-zeros', 'A receipt of zeros', () => zeros(64)),
  forged('client.p256-s-zero', 'A receipt whose s is 0', (honest) => cat(halves(honest).r, zeros(32))),
  forged('client.p256-s-order', 'A receipt whose s is the order', (honest) =>
    cat(halves(honest).r, unhex(ORDER.toString(16))),
  ),
  forged('client.p256-wrong', 'A receipt with a flipped bit', (honest) =>
    Uint8Array.from(honest, (byte, i) => (i === 40 ? byte ^ 1 : byte)),
  ),
];
