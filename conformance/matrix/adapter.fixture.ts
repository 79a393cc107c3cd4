/**
 * The reference with some roles and at most one fault: `node adapter.fixture.ts ROLES FAULT`. What a matrix must notice.
 *
 * @module
 */
import { rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { isStrongroomError } from '../../reference/errors.ts';
import { clientOperations } from '../adapters/reference-client.ts';
import { containerOperations } from '../adapters/reference-container.ts';
import { liveOperations } from '../adapters/reference-live.ts';
import { setWriterOperations } from '../adapters/reference-set-writer.ts';
import { setOperations } from '../adapters/reference-set.ts';
import { Params, serve, type Operation } from '../adapters/serve.ts';
import type { Value } from '../schema/vector.ts';

const [, , roles = '', fault = ''] = process.argv;
const honest: Readonly<Record<string, Operation>> = {
  ...containerOperations,
  ...setOperations,
  ...setWriterOperations,
  ...clientOperations,
  ...liveOperations,
};

async function ask(
  op: string,
  params: Params,
  more: Record<string, Value> = {},
): Promise<Record<string, Value>> {
  const operation = honest[op];
  if (operation === undefined) throw new Error(op);
  return operation(new Params({ ...params.all, ...more }));
}

/** Operations of a faulty implementation, by the name of its fault. */
const FAULTS: Readonly<Record<string, Readonly<Record<string, Operation>>>> = {
  'reads-short': {
    'container.open': async (params) => {
      const result = await ask('container.open', params);
      const length = result['contentLength'];
      if (typeof length === 'number' && length > 16_000) truncateSync(params.text('sink'), length - 1);
      return result;
    },
  },
  'takes-any-length': {
    'container.open': async (params) => {
      const { objectLength: _length, ...rest } = params.all;
      return ask('container.open', new Params(rest));
    },
  },
  'other-context': {
    'container.create': async (params) =>
      ask('container.create', params, params.text('context').length === 2 ? { context: '' } : {}),
  },
  'no-object': { 'container.create': () => ({ object: 'none' }) },
  'restores-less': {
    'set.restore': async (params) => {
      const result = await ask('set.restore', params);
      rmSync(join(params.text('target'), 'notes', 'link'));
      return result;
    },
  },
  'writes-anew': {
    'set.back-up': async (params) => {
      rmSync(params.text('storage'), { recursive: true });
      return ask('set.back-up', params);
    },
  },
  'keeps-the-password': {
    'client.run': async (params) =>
      ask('client.run', params, params.text('command') === 'change-password' ? { command: 'status' } : {}),
  },
  'other-password': {
    'client.run': async (params) => {
      const more = ['password', 'newPassword']
        .filter((name) => params.has(name))
        .map((name) => [name, `${params.text(name)}.`]);
      return ask('client.run', params, Object.fromEntries(more));
    },
  },
};

await serve(
  {
    ...honest,
    ...FAULTS[fault],
    hello: () => ({
      protocol: 1,
      implementation: { name: 'fixture', version: '1' },
      testing: false,
      roles: roles.split(','),
      suites: [1],
      features: ['container', 'set', 'set-writer', 'client', 'vault', fault],
    }),
  },
  (error) => (isStrongroomError(error) ? { error: error.code } : undefined),
);
process.exit(0);
