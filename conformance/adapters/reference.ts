/**
 * The adapter of the reference implementation: `node conformance/adapters/reference.ts`. With `--production` it
 * behaves as a build for users does: injected values are refused. `--engine=noble` selects the portable primitives.
 *
 * @module
 */
import { isStrongroomError } from '../../reference/errors.ts';
import { ROLES } from '../schema/vector.ts';
import { containerOperations } from './reference-container.ts';
import { clientOperations } from './reference-client.ts';
import { liveOperations } from './reference-live.ts';
import { fileOperations } from './reference-files.ts';
import { rangeOperations } from './reference-ranges.ts';
import { vaultOperations } from './reference-vault.ts';
import { chatOperations } from './reference-chat.ts';
import { freshnessOperations } from './reference-freshness.ts';
import { recordOperations } from './reference-records.ts';
import { salvageOperations } from './reference-salvage.ts';
import { setOperations } from './reference-set.ts';
import { setWriterOperations } from './reference-set-writer.ts';
import { stepOperations } from './reference-step.ts';
import { serve, Unsupported, type Operation } from './serve.ts';

const production = process.argv.includes('--production');

const hello: Operation = () => ({
  protocol: 1,
  implementation: { name: 'strongroom reference', version: '0.1.0', language: 'TypeScript' },
  testing: !production,
  roles: [...ROLES],
  suites: [1, 2],
  features: [
    'keys',
    'container',
    'sweep',
    'lengths',
    'streaming',
    'ranges',
    'http-ranges',
    'files',
    'engine',
    'records',
    'manifest',
    'set',
    'set-writer',
    'reread',
    'check',
    'volumes',
    'prune',
    'rekey',
    'killable',
    'cancel',
    'freshness',
    'salvage',
    'chat',
    'chat-writer',
    'opaque-client',
    'opaque-server',
    'channel-client',
    'channel-server',
    'channel-server-p256',
    'fleet',
    'exchange',
    'vault-step',
    'owner',
    'vault',
    'vault-time',
    'vault-p256',
    'client',
  ],
});

/** An operation that refuses injected values in a production build. */
function guarded(operation: Operation): Operation {
  return (params) => {
    if (production && params.has('inject')) throw new Unsupported('inject');
    return operation(params);
  };
}

const operations = Object.entries({
  ...containerOperations,
  ...rangeOperations,
  ...fileOperations,
  ...recordOperations,
  ...setOperations,
  ...setWriterOperations,
  ...salvageOperations,
  ...freshnessOperations,
  ...chatOperations,
  ...vaultOperations,
  ...stepOperations,
  ...liveOperations,
  ...clientOperations,
}).map(([name, operation]) => [name, name.startsWith('probe.') ? operation : guarded(operation)] as const);

await serve({ hello, ...Object.fromEntries(operations) }, (error) => {
  if (!isStrongroomError(error)) return undefined;
  const { position } = error.details;
  return { error: error.code, ...(position !== undefined && { position }) };
});
// Vaults that are still running end with their input.
process.exit(0);
