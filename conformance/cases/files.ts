/**
 * From file to file: all that holds for streams, on one thread or many.
 *
 * @module
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { fresh, toHex, unhex, type Bytes } from '../peer/primitives.ts';
import { writeObject } from '../peer/sealed-object.ts';
import { describe } from '../runner/connection.ts';
import type { Case, CaseContext } from '../runner/case.ts';
import { digest, failed, score, type Score } from '../runner/score.ts';
import type { Outcome } from '../schema/protocol.ts';
import type { Value, Vector } from '../schema/vector.ts';
import { hexOf, unpack, type VectorSet } from '../vectors.ts';

/** More than the reference, or anybody, gives to one thread. */
const LARGE = 80 * 2 ** 20 + 12_345;

/** Around the length of a block, with the trailer at its beginning, at its end and behind it. */
const MEGABYTES: readonly number[] = [2 ** 20 - 16, 2 ** 20 - 9, 2 ** 20 + 5, 2 ** 21];

/** Calls an operation that goes from a file to a file; what it left there. */
async function through(
  { adapter, folder }: CaseContext,
  op: string,
  input: Uint8Array,
  params: Record<string, Value>,
): Promise<{ outcome: Outcome; output: Bytes }> {
  if (adapter === undefined) throw new Error('files need an adapter');
  const place = join(folder, toHex(fresh(8)));
  mkdirSync(place);
  const [source, target] = [join(place, 'source'), join(place, 'target')];
  writeFileSync(source, input);
  try {
    const outcome = await adapter.call(op, { ...params, source, target }, 60_000);
    return { outcome, output: new Uint8Array(existsSync(target) ? readFileSync(target) : []) };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** The input of a vector without the field that becomes a file, and that field. */
function split(vector: Vector, field: string): { params: Record<string, Value>; bytes: Bytes } {
  const { [field]: value, pieceLength: _pieces, ...rest } = vector.input;
  const params = Object.fromEntries(Object.entries(rest).map(([name, each]) => [name, unpack(each)]));
  return { params, bytes: unhex(hexOf(value)) };
}

/** The score of a vector, with its id if it did not pass. */
function named({ id }: Vector, result: Score): Score | undefined {
  return result.status === 'pass' ? undefined : { ...result, detail: `${id}: ${result.detail}` };
}

async function opens(context: CaseContext, vectors: readonly Vector[]): Promise<Score> {
  for (const vector of vectors) {
    const { expect } = vector;
    if (expect.outcome === 'each') continue;
    const { params, bytes } = split(vector, 'object');
    const { outcome, output } = await through(context, 'file.open', bytes, params);
    // What a refusal leaves in the file counts for nothing.
    const wanted = expect.outcome === 'ok' ? expect : { outcome: expect.outcome, errors: expect.errors };
    const fault = named(vector, score(wanted, outcome, digest(output), context.loose));
    if (fault !== undefined) return fault;
  }
  return { status: 'pass' };
}

async function seals(context: CaseContext, vectors: readonly Vector[]): Promise<Score> {
  for (const vector of vectors) {
    const { expect } = vector;
    if (expect.outcome === 'each') continue;
    const { params, bytes } = split(vector, 'content');
    const { outcome, output } = await through(context, 'file.seal', bytes, {
      ...params,
      length: bytes.length,
    });
    const answer: Outcome =
      outcome.outcome === 'ok' ? { outcome: 'ok', result: { object: toHex(output) } } : outcome;
    const fault = named(vector, score(expect, answer, undefined, context.loose));
    if (fault !== undefined) return fault;
  }
  return { status: 'pass' };
}

/** Files of these lengths: the object of the suite's own writer, and the content again. */
async function wholeFiles(
  context: CaseContext,
  lengths: readonly number[],
  chunkLog2: number,
): Promise<Score> {
  for (const length of lengths) {
    const [key, salt, content] = [fresh(32), fresh(32), fresh(length)];
    const { object } = writeObject({ key, salt, content, chunkLog2, padding: 1 });
    const options = { key: toHex(key), type: 'blob', chunkLog2, padding: 'padme', length, threads: 4 };
    const inject = { salt: toHex(salt) };
    const sealed = await through(context, 'file.seal', content, { ...options, inject });
    if (sealed.outcome.outcome !== 'ok') return failed('rejected-valid', describe(sealed.outcome));
    if (!isDeepStrictEqual(sealed.output, object))
      return failed('wrong-output', `another object of ${length} bytes than a writer in sequence makes`);
    const opened = await through(context, 'file.open', object, { key: toHex(key), threads: 4 });
    if (opened.outcome.outcome !== 'ok') return failed('rejected-valid', describe(opened.outcome));
    if (!isDeepStrictEqual(opened.output, content)) return failed('wrong-output', 'the content differs');
  }
  return { status: 'pass' };
}

function needsInjection({ hello }: CaseContext): string | undefined {
  return hello?.testing === false ? 'needs a build with injection' : undefined;
}

/** Cases of files, made of the vectors of streams. */
export function fileCases(set: VectorSet): Case[] {
  const all = [...set.vectors.values()].map(({ vector }) => vector);
  return [
    {
      id: 'files.open',
      title: 'Every object of the vectors, opened from a file',
      why: 'A second reader in one implementation, faster than the first, is a second place for every mistake.',
      role: 'container-reader',
      level: 'core',
      requirements: ['RDR-1', 'RDR-2', 'RDR-9'],
      feature: 'files',
      run: async (context) =>
        opens(
          context,
          all.filter(({ op }) => op === 'container.open'),
        ),
    },
    {
      id: 'files.seal',
      title: 'Every content of the vectors, sealed into a file',
      why: 'A second writer in one implementation, faster than the first, is a second place for every mistake.',
      role: 'container-writer',
      level: 'core',
      requirements: ['WRT-3', 'CHK-3', 'PAD-1'],
      feature: 'files',
      blocked: needsInjection,
      run: async (context) =>
        seals(
          context,
          all.filter(({ op }) => op === 'container.create'),
        ),
    },
    {
      id: 'files.megabytes',
      title: 'Files around a mebibyte',
      why: 'Files are worked on in larger parts than chunks: at their ends chunks are numbered anew, or lost.',
      role: 'container-writer',
      level: 'core',
      requirements: ['WRT-3', 'CHK-3'],
      feature: 'files',
      blocked: needsInjection,
      run: async (context) => wholeFiles(context, MEGABYTES, 14),
    },
    {
      id: 'files.parallel',
      title: 'A file of 80 MiB on four threads',
      why: 'Threads that lose a chunk, share a nonce or write over each other do so only where there is work for all.',
      role: 'container-writer',
      level: 'full',
      requirements: ['WRT-3', 'CHK-3'],
      feature: 'files',
      blocked: needsInjection,
      run: async (context) => wholeFiles(context, [LARGE], 18),
    },
  ];
}
