/**
 * Adapters that implement nothing, to test the runner: `node conformance/adapters/null.ts MODE`.
 *
 * @module
 */
import { createInterface } from 'node:readline';
import { requestSchema } from '../schema/protocol.ts';
import { ROLES } from '../schema/vector.ts';

const HELLO = {
  protocol: 1,
  implementation: { name: 'null', version: '0' },
  testing: true,
  roles: ROLES,
  suites: [1],
  features: ['keys', 'container', 'engine'],
};

/** What each mode answers once it has greeted; undefined ends the process. */
const MODES: Readonly<Record<string, (id: string, line: string) => string | undefined>> = {
  ok: (id) => JSON.stringify({ id, outcome: 'ok', result: {} }),
  reject: (id) => JSON.stringify({ id, outcome: 'reject', error: 'malformed' }),
  unsupported: (id) => JSON.stringify({ id, outcome: 'unsupported', feature: 'everything' }),
  error: (id) => JSON.stringify({ id, outcome: 'error', detail: 'no' }),
  echo: (_id, line) => line,
  garbage: () => '\u0000{{{',
  'wrong-id': () => JSON.stringify({ id: 'another', outcome: 'ok', result: {} }),
  crash: () => undefined,
  hang: () => '',
};

const mode = process.argv[2] ?? '';
const respond = MODES[mode.replace('hello-', '')];
if (respond === undefined) throw new Error(`there is no mode ${mode}`);

for await (const line of createInterface({ input: process.stdin })) {
  const { id, op } = requestSchema.parse(JSON.parse(line));
  const greets = op === 'hello' && !mode.startsWith('hello-');
  const text = greets ? JSON.stringify({ id, outcome: 'ok', result: HELLO }) : respond(id, line);
  if (text === undefined) process.exit(1);
  if (text !== '') process.stdout.write(`${text}\n`);
}
