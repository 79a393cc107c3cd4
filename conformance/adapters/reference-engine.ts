/**
 * The engine of primitives that the adapter of the reference was started with.
 *
 * @module
 */
import type { CryptoEngine } from '../../reference/crypto/engine.ts';
import { nobleEngine } from '../../reference/crypto/noble.ts';
import { nodeEngine } from '../../reference/crypto/node.ts';

/** `noble` with `--engine=noble`, else `node`. */
export const engine: CryptoEngine = process.argv.includes('--engine=noble') ? nobleEngine : nodeEngine;
