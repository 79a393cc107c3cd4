/**
 * The adapter of the reference with a lie on top, to test the suite: `node conformance/adapters/liar.ts LIE`. It stands
 * between the runner and the honest adapter, and changes what goes through.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { answerSchema, requestSchema, type Answer, type Request } from '../schema/protocol.ts';
import { loadVectors, unpack } from '../vectors.ts';

/** Parameters that are paths, which are others each time. */
const PATHS: readonly string[] = ['storage', 'target', 'sink'];

/** A request as somebody would know it by heart. */
function remembered({ op, params }: Pick<Request, 'op' | 'params'>): string {
  const names = Object.keys(params).filter((name) => !PATHS.includes(name));
  return JSON.stringify([op, names.sort().map((name) => [name, unpack(params[name] ?? null)])]);
}

/** What is answered in place of an honest answer; undefined for none at all, ever. */
type Lie = (request: Request, honest: Answer) => Answer | undefined;

function onRefusal(answer: Answer | undefined): Lie {
  return (_request, honest) => (honest.outcome === 'reject' ? answer : honest);
}

function byHeart(): Lie {
  const known = new Set(
    [...loadVectors().vectors.values()].map(({ vector }) =>
      remembered({ op: vector.op, params: vector.input }),
    ),
  );
  return (request, honest) =>
    honest.outcome === 'unsupported' || known.has(remembered(request))
      ? honest
      : { outcome: 'reject', error: 'malformed' };
}

const LIES: Readonly<Record<string, () => Lie>> = {
  'accepts-all': () => onRefusal({ outcome: 'ok', result: {} }),
  'refuses-all': () => (_request, honest) =>
    honest.outcome === 'ok' ? { outcome: 'reject', error: 'malformed' } : honest,
  'one-code': () => onRefusal({ outcome: 'reject', error: 'malformed' }),
  'no-refusals': () => onRefusal({ outcome: 'unsupported', feature: 'refusals' }),
  'fails-to-refuse': () => onRefusal({ outcome: 'error', detail: 'an exception' }),
  'hangs-to-refuse': () => onRefusal(undefined),
  'answers-anything': () => (_request, honest) =>
    honest.outcome === 'unsupported' ? { outcome: 'ok', result: {} } : honest,
  'by-heart': byHeart,
};

const lie = LIES[process.argv[2] ?? '']?.();
if (lie === undefined) throw new Error(`there is no lie ${process.argv[2]}`);

const honest = spawn(process.execPath, [fileURLToPath(new URL('reference.ts', import.meta.url))], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const answers = createInterface({ input: honest.stdout });

for await (const line of createInterface({ input: process.stdin })) {
  const request = requestSchema.parse(JSON.parse(line));
  honest.stdin.write(`${line}\n`);
  const [text]: string[] = await once(answers, 'line');
  const { id, ...answer } = answerSchema.parse(JSON.parse(text ?? ''));
  const told = request.op === 'hello' ? answer : lie(request, answer);
  if (told !== undefined) process.stdout.write(`${JSON.stringify({ id, ...told })}\n`);
}
honest.stdin.end();
