/**
 * The first contact with an adapter: whether it starts, greets and answers as the protocol asks, and what its `hello`
 * will lead to. And with a vault: whether there is one.
 *
 * @module
 */
import { decodeDescriptor } from '../peer/fleet-view.ts';
import { toHex } from '../peer/primitives.ts';
import { OPTIONAL_FEATURES, type Hello, type Outcome } from '../schema/protocol.ts';
import type { Role, Value } from '../schema/vector.ts';
import type { Case } from './case.ts';
import { describe, StartError, type Connection } from './connection.ts';

/** One thing that was looked at. A `fault` breaks the protocol, a `hint` only limits what a run can say. */
export interface Finding {
  readonly kind: 'good' | 'hint' | 'fault';
  readonly text: string;
  /** What to do. */
  readonly advice?: string;
}

/** Characters of a request that is longer than every one of the suite. */
const LONG = 9 << 20;
/** A program that has not ended by then is ended by the connection. */
const CLOSING = 3000;

function good(text: string): Finding {
  return { kind: 'good', text };
}

function fault(text: string, advice: string): Finding {
  return { kind: 'fault', text, advice };
}

const BY_HAND = `Try it by hand: write {"id": "1", "op": "hello", "params": {"protocols": [1]}} to its standard input; one line must come back.`;

/** What to do about an adapter that did not answer, or not with a line of the protocol. */
function silence({ outcome, detail }: Extract<Outcome, { detail: string }>): string {
  if (detail.includes('ENOENT'))
    return 'There is no such program. The command is split at spaces, without a shell; give the path from this folder, and the interpreter if it needs one.';
  if (detail.includes('EACCES')) return 'The file cannot be executed: name its interpreter, or chmod +x.';
  if (outcome === 'timeout')
    return `Read lines from standard input, answer each at once with a line, and flush standard output after it. ${BY_HAND}`;
  if (outcome === 'protocol')
    return 'Write one answer a line to standard output, with the id of its request, and nothing else; logs belong on standard error.';
  return BY_HAND;
}

function isSilence(outcome: Outcome | undefined): outcome is Extract<Outcome, { detail: string }> {
  return ['crash', 'timeout', 'protocol'].includes(outcome?.outcome ?? '');
}

function list(names: readonly string[]): string {
  return names.join(', ');
}

/** What is odd about features of `hello` that the suite does not know. */
function unknownFeatures(hello: Hello, cases: readonly Case[]): Finding[] {
  const known = new Set([...cases.map(({ feature }) => feature), ...OPTIONAL_FEATURES]);
  const own = cases.filter(({ role }) => hello.roles.includes(role)).map(({ feature }) => feature);
  const unknown = hello.features.filter((name) => !known.has(name));
  return unknown.map((name) => ({
    kind: 'hint',
    text: `hello has the feature ${name}, which the suite does not know`,
    advice: `Its roles have ${list([...new Set(own)])}.`,
  }));
}

/** What a run can say about one role. */
function roleFindings(role: Role, hello: Hello, cases: readonly Case[]): Finding[] {
  const own = Map.groupBy(
    cases.filter((one) => one.role === role && one.level === 'core'),
    ({ feature }) => feature,
  );
  const lacking = [...own.keys()].filter((feature) => !hello.features.includes(feature));
  const needed = lacking.filter((feature) => !OPTIONAL_FEATURES.includes(feature));
  const optional = lacking.filter((feature) => OPTIONAL_FEATURES.includes(feature));
  const asked = [...own].filter(([feature]) => hello.features.includes(feature)).flatMap(([, all]) => all);
  const counts = needed.map((feature) => `${feature} (${own.get(feature)?.length} cases)`);
  const missing: Finding[] =
    needed.length === 0
      ? []
      : [
          {
            kind: 'hint',
            text: `${role}: hello does not claim ${list(counts)}, so its verdict can only be incomplete or non-conformant`,
            advice: 'Fine to begin with. spec/conformance.md lists the operations of each feature.',
          },
        ];
  if (asked.length === 0)
    return [
      {
        kind: 'hint',
        text: `${role}: hello claims none of its features, so there is nothing to ask`,
        advice: `Claim one of ${list([...own.keys()])} in features, or leave the role out.`,
      },
    ];
  const without = optional.length === 0 ? '' : `; optional, and not claimed: ${list(optional)}`;
  return [good(`${role}: ${asked.length} cases of level core can be asked${without}`), ...missing];
}

/** What follows from a `hello`. `injected`: the roles that have cases with injected values. */
export function helloFindings(
  hello: Hello,
  cases: readonly Case[],
  injected: ReadonlySet<Role> = new Set(),
): Finding[] {
  return [
    ...unknownFeatures(hello, cases),
    ...hello.roles.flatMap((role) => roleFindings(role, hello, cases)),
    ...(hello.testing || !hello.roles.some((role) => injected.has(role))
      ? []
      : [
          {
            kind: 'hint',
            text: 'hello says testing false: cases with injected values are not run',
            advice: 'Right for a build for users. A build for tests takes the values that `inject` names.',
          } as const,
        ]),
  ];
}

/** Asks for what no adapter has. */
async function askNothing(
  adapter: Connection,
  what: string,
  params: Record<string, Value>,
  otherwise: string,
): Promise<Finding> {
  const outcome = await adapter.call('doctor.nothing', params);
  if (outcome.outcome === 'unsupported') return good(`${what} is answered with unsupported`);
  return fault(
    `${what} must be answered with unsupported; what came: ${describe(outcome)}`,
    isSilence(outcome) ? `${silence(outcome)} ${otherwise}` : otherwise,
  );
}

/** Makes the first contact with an adapter, and ends it. `injected`: the roles that have cases with injected values. */
export async function* meetAdapter(
  adapter: Connection,
  cases: readonly Case[],
  injected: ReadonlySet<Role>,
): AsyncGenerator<Finding> {
  try {
    yield* greetings(adapter, cases, injected);
  } finally {
    adapter.kill();
  }
}

async function* greetings(
  adapter: Connection,
  cases: readonly Case[],
  injected: ReadonlySet<Role>,
): AsyncGenerator<Finding> {
  const start = performance.now();
  let hello: Hello;
  try {
    hello = await adapter.hello();
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    yield fault(error.message, isSilence(error.outcome) ? silence(error.outcome) : BY_HAND);
    return;
  }
  const { name, version, language } = hello.implementation;
  const milliseconds = Math.round(performance.now() - start);
  yield good(
    `${name} ${version}${language === undefined ? '' : ` (${language})`} greets in ${milliseconds} ms`,
  );
  yield* helloFindings(hello, cases, injected);
  const unknown = await askNothing(
    adapter,
    'an operation that does not exist',
    {},
    'Every op that the adapter does not know has this answer (CFM-7).',
  );
  yield unknown;
  if (unknown.kind === 'fault') return;
  yield await askNothing(
    adapter,
    'a request of 9 megabytes',
    { filler: 'x'.repeat(LONG) },
    'Requests are as long as the objects in them: read lines of any length.',
  );
  const closing = performance.now();
  await adapter.close();
  if (performance.now() - closing < CLOSING) yield good('the adapter ends when its input ends');
  else
    yield {
      kind: 'hint',
      text: 'the adapter did not end when its input ended, and was killed after 3 s',
      advice: 'Leave the loop at the end of standard input; stop servers and threads there.',
    };
}

/** Makes the first contact with a vault at an address. */
export async function* meetVault(url: string): AsyncGenerator<Finding> {
  const place = new URL('/v1/fleet', url);
  let response: Response;
  try {
    response = await fetch(place);
  } catch (error) {
    const { cause } = error instanceof Error ? error : {};
    yield fault(
      `nothing answers at ${place}: ${cause instanceof Error ? cause.message : String(error)}`,
      'Start the vault, and give the address and the port on which it listens, with http://.',
    );
    return;
  }
  const body = new Uint8Array(await response.arrayBuffer());
  if (response.status !== 200) {
    yield fault(
      `${place} answers with status ${response.status}`,
      'GET /v1/fleet gives the signed descriptor (spec/http.md), to everybody.',
    );
    return;
  }
  try {
    const { fleetId, suite, delays } = decodeDescriptor(body);
    yield good(
      `${place} serves the descriptor of fleet ${toHex(fleetId)}: channel suite ${suite}, delays ${delays.join(', ')} s`,
    );
  } catch (error) {
    yield fault(
      `what ${place} serves is no descriptor: ${error instanceof Error ? error.message : String(error)}`,
      'The body is a SignedDescriptor (spec/fleet.md), as application/octet-stream.',
    );
  }
}
