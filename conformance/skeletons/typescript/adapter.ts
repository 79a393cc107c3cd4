/** Strongroom adapter: reads one request a line from stdin, writes one answer a line to stdout. */
import { createInterface } from 'node:readline';

type Params = Record<string, string>;

const hello = {
  protocol: 1,
  implementation: { name: 'my-reader', version: '0.1.0', language: 'TypeScript' },
  testing: false,
  roles: ['container-reader'],
  suites: [1],
  features: ['container'],
};
const MAGIC = '8953424f0d0a1a0a';

const reject = (error: string): object => ({ outcome: 'reject', error });

function containerOpen({ object = '' }: Params): object {
  if (!MAGIC.startsWith(object.slice(0, 16))) return reject('not-an-object');
  // Your reader goes on here. It appends content to the file params.sink as it releases it, and ends with 'ok'
  // and result: { type: 'blob', contentLength: 5 }, or reject(code). Until then, the honest answer:
  return { outcome: 'unsupported', feature: 'container.open' };
}

const operations: Record<string, (params: Params) => object> = {
  hello: () => ({ outcome: 'ok', result: hello }),
  'container.open': containerOpen,
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, op, params } = JSON.parse(line) as { id: string; op: string; params: Params };
  const answer = operations[op]?.(params) ?? { outcome: 'unsupported', feature: op };
  process.stdout.write(`${JSON.stringify({ id, ...answer })}\n`);
}
