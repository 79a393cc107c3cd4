/**
 * Adapters that implement nothing, to test the runner: `node conformance/adapters/null.ts MODE`. `hello-MODE` behaves
 * so from the first request on.
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

const OK = { outcome: 'ok', result: {} };
const MEGABYTE = 2 ** 20;

function say(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Writes `text` as fast as it is read, until the input ends. */
function flood(stream: NodeJS.WriteStream, text: string): void {
  process.stdin.once('end', () => process.exit(0));
  const more = (): void => {
    while (stream.write(text));
    stream.once('drain', more);
  };
  more();
}

/** What each mode does with a request once it has greeted. */
const MODES: Readonly<Record<string, (id: string, line: string) => void>> = {
  ok: (id) => say({ id, ...OK }),
  reject: (id) => say({ id, outcome: 'reject', error: 'malformed' }),
  unsupported: (id) => say({ id, outcome: 'unsupported', feature: 'everything' }),
  error: (id) => say({ id, outcome: 'error', detail: 'no' }),
  echo: (_id, line) => process.stdout.write(`${line}\n`),
  garbage: () => process.stdout.write('\u0000{{{\n'),
  log: (id) => {
    process.stdout.write('listening on port 8080\n');
    say({ id, ...OK });
  },
  shape: (id) => say({ id, outcome: 'ok' }),
  'wrong-id': () => say({ id: 'another', ...OK }),
  twice: (id) => {
    say({ id, ...OK });
    say({ id, ...OK });
  },
  'late-twice': (id) => {
    say({ id, ...OK });
    setTimeout(() => say({ id, ...OK }), 50);
  },
  unasked: (id) => {
    say({ id, ...OK });
    setTimeout(() => say({ id: 'another', ...OK }), 50);
  },
  'no-line-end': (id) => process.stdout.write(JSON.stringify({ id, ...OK })),
  flood: () => flood(process.stdout, 'x'.repeat(MEGABYTE)),
  'stderr-flood': (id) => {
    flood(process.stderr, 'x'.repeat(MEGABYTE));
    say({ id, ...OK });
  },
  crash: () => process.exit(1),
  'late-crash': (id) => {
    say({ id, ...OK });
    process.stdout.write('', () => process.exit(1));
  },
  hang: () => undefined,
};

const mode = process.argv[2] ?? '';
const respond = MODES[mode.replace('hello-', '')];
if (respond === undefined) throw new Error(`there is no mode ${mode}`);

for await (const line of createInterface({ input: process.stdin })) {
  const { id, op } = requestSchema.parse(JSON.parse(line));
  if (op === 'hello' && !mode.startsWith('hello-')) say({ id, outcome: 'ok', result: HELLO });
  else respond(id, line);
}
