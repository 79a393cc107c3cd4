/**
 * What vectors cannot ask a writer: that its own output is right, that nothing in it repeats, and that a build for
 * users takes no values from outside.
 *
 * @module
 */
import { fresh, named, same, toHex, unhex, utf8, zeros, type Bytes } from '../peer/primitives.ts';
import { readObject, TYPES, type Read, type TypeName } from '../peer/sealed-object.ts';
import { describe } from '../runner/connection.ts';
import type { Case, CaseContext } from '../runner/case.ts';
import { failed, type Score } from '../runner/score.ts';
import type { Value } from '../schema/vector.ts';
import { hexOf } from '../vectors.ts';

interface Wanted {
  readonly key: Bytes;
  readonly content: Bytes;
  readonly type: TypeName;
  readonly chunkLog2: number;
  readonly padding: 'none' | 'padme';
  readonly context: Bytes;
}

/** What writers are asked for: sizes around the edges of chunks, all types, sizes and paddings. */
function wanted(): Wanted[] {
  const sizes = [0, 1, 100, 16_351, 16_352, 16_367, 16_368, 16_384, 40_000];
  const types: readonly TypeName[] = ['blob', 'records', 'manifest'];
  return sizes.map((size, i) => ({
    key: fresh(32),
    content: size < 65_536 ? fresh(size) : zeros(size),
    type: types[i % 3] ?? 'blob',
    chunkLog2: i % 4 === 3 ? 16 : 14,
    padding: i % 2 === 0 ? 'padme' : 'none',
    context: i % 3 === 0 ? utf8('context') : zeros(0),
  }));
}

function parameters(want: Wanted): Record<string, Value> {
  const { type, chunkLog2, padding } = want;
  return {
    key: toHex(want.key),
    type,
    chunkLog2,
    padding,
    context: toHex(want.context),
    content: toHex(want.content),
  };
}

async function create(context: CaseContext, want: Wanted): Promise<Bytes | Score> {
  if (context.adapter === undefined) throw new Error('a writer needs an adapter');
  const outcome = await context.adapter.call('container.create', parameters(want));
  if (outcome.outcome === 'crash' || outcome.outcome === 'timeout')
    return failed(outcome.outcome, outcome.detail);
  if (outcome.outcome !== 'ok') return failed('rejected-valid', `container.create: ${describe(outcome)}`);
  return unhex(hexOf(outcome.result['object']));
}

function judge(object: Bytes, want: Wanted): Read | Score {
  let read: Read;
  try {
    read = readObject(object, want.key, want.context);
  } catch (error) {
    return failed(
      'wrong-output',
      `the object that was written has ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  if (!same(read.content, want.content)) return failed('wrong-output', 'the content differs');
  if (read.type !== TYPES[want.type] || read.chunkLog2 !== want.chunkLog2)
    return failed('wrong-output', 'another type or chunk size');
  if (read.scheme !== (want.padding === 'padme' ? 1 : 0)) return failed('wrong-output', 'another padding');
  return read;
}

async function writes(context: CaseContext): Promise<Score> {
  for (const want of wanted()) {
    const object = await create(context, want);
    if (!(object instanceof Uint8Array)) return object;
    const read = judge(object, want);
    if ('status' in read) return read;
  }
  return { status: 'pass' };
}

/** Every salt, commitment and base nonce of `rounds` objects of the same content must be another one. */
async function isFresh(context: CaseContext, rounds: number): Promise<Score> {
  const want: Wanted = {
    key: fresh(32),
    content: utf8('the same'),
    type: 'blob',
    chunkLog2: 14,
    padding: 'none',
    context: zeros(0),
  };
  const seen = new Set<string>();
  for (let i = 0; i < rounds; i++) {
    // A new process for the last ones: state that starts anew must not repeat.
    if (i === rounds - 2) await context.adapter?.close();
    const object = await create(context, want);
    if (!(object instanceof Uint8Array)) return object;
    const read = judge(object, want);
    if ('status' in read) return read;
    for (const value of [
      read.salt,
      read.commitment,
      read.baseNonce,
      read.salt.slice(0, 16),
      read.salt.slice(16),
    ]) {
      if (seen.has(toHex(value)))
        return failed('not-fresh', 'two objects share a salt, or half of one', { actual: toHex(value) });
      seen.add(toHex(value));
    }
  }
  return { status: 'pass' };
}

async function refusesInjection(context: CaseContext): Promise<Score> {
  if (context.adapter === undefined) throw new Error('a probe needs an adapter');
  const salt = named('probe salt', 32);
  const want: Wanted = {
    key: fresh(32),
    content: utf8('probe'),
    type: 'blob',
    chunkLog2: 14,
    padding: 'none',
    context: zeros(0),
  };
  const op = context.hello?.testing === true ? 'probe.inject' : 'container.create';
  const outcome = await context.adapter.call(op, { ...parameters(want), inject: { salt: toHex(salt) } });
  if (outcome.outcome === 'unsupported') return { status: 'pass' };
  if (outcome.outcome === 'crash' || outcome.outcome === 'timeout')
    return failed(outcome.outcome, outcome.detail);
  if (outcome.outcome !== 'ok') return { status: 'pass', detail: describe(outcome) };
  const read = judge(unhex(hexOf(outcome.result['object'])), want);
  if ('status' in read) return read;
  return same(read.salt, salt)
    ? failed('not-fresh', 'an entry point for users took its salt from outside')
    : { status: 'pass' };
}

/** Behaviour of writers. */
export const writerCases: readonly Case[] = [
  {
    id: 'writer.own-output',
    title: 'What is written can be read, for fresh keys and content',
    why: 'Known answers do not see a writer that is right for fixed values alone.',
    role: 'container-writer',
    level: 'core',
    requirements: ['HDR-1', 'HDR-5', 'CHK-1', 'CHK-2', 'PAD-1', 'PAD-2'],
    feature: 'container',
    run: writes,
  },
  {
    id: 'writer.fresh',
    title: 'No two objects share a salt, in one process or in two',
    why: 'A salt that repeats repeats key and nonces: the worst that a writer can do.',
    role: 'container-writer',
    level: 'core',
    requirements: ['HDR-2'],
    feature: 'container',
    run: async (context) => isFresh(context, 8),
  },
  {
    id: 'writer.no-injection',
    title: 'Entry points for users take no random values from outside',
    why: 'What a test can inject, an application can pass by mistake.',
    role: 'container-writer',
    level: 'core',
    requirements: ['CNV-18'],
    feature: 'container',
    run: refusesInjection,
  },
];
