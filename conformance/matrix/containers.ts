/**
 * Every writer of sealed objects against every reader.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { same, toHex, type Bytes } from '../peer/primitives.ts';
import type { Cell, MatrixTable } from '../schema/matrix.ts';
import {
  ask,
  attempt,
  Checks,
  drawn,
  Mismatch,
  newFolder,
  refused,
  type Parameters,
  type Run,
} from './crossing.ts';
import type { Member } from './implementations.ts';

/** Bytes of plaintext that are behind the content. */
const TRAILER = 16;

/** An object to write. */
interface Wanted {
  readonly title: string;
  readonly params: Parameters;
  readonly key: Bytes;
  readonly context: Bytes;
  readonly content: Bytes;
}

/** Lengths of contents around the ends of chunks; few of large chunks, which differ from small ones in little else. */
function lengths(chunkLog2: number): number[] {
  const chunk = 2 ** chunkLog2;
  const around = (end: number): number[] => [end - 1, end, end + 1].map((length) => length - TRAILER);
  if (chunkLog2 === 14)
    return [0, 1, 100, chunk, ...around(chunk), ...around(2 * chunk), ...around(5 * chunk)];
  return chunkLog2 === 16 ? [0, ...around(chunk), ...around(2 * chunk)] : [chunk - TRAILER];
}

/** What every writer is asked for; the same for all of them. */
function wanted(seed: number): Wanted[] {
  const types = ['blob', 'records', 'manifest'];
  const paddings = ['none', 'padme'];
  const contexts = [0, 1, 32, 65_535];
  return [14, 16, 18, 20]
    .flatMap((chunkLog2) => lengths(chunkLog2).map((length) => ({ chunkLog2, length })))
    .flatMap((one) => paddings.map((padding) => ({ ...one, padding })))
    .map(({ chunkLog2, length, padding }, i) => {
      const type = types[i % types.length] ?? 'blob';
      const key = drawn(seed, `key ${i}`, 32);
      const context = drawn(seed, `context ${i}`, contexts[i % contexts.length] ?? 0);
      const content = drawn(seed, `content ${i}`, length);
      return {
        title: `${type} of ${length} bytes, chunks of 2^${chunkLog2}, padding ${padding}, context of ${context.length} bytes`,
        key,
        context,
        content,
        params: {
          key: toHex(key),
          type,
          chunkLog2,
          padding,
          context: toHex(context),
          content: toHex(content),
          ...(i % 3 === 0 && { pieceLength: 4999 }),
        },
      };
    });
}

async function create(writer: Member, want: Wanted): Promise<string> {
  const request = { op: 'container.create', params: want.params };
  const { object } = await ask(writer, request.op, request.params);
  if (typeof object === 'string' && /^(?:[0-9a-f]{2})+$/u.test(object)) return object;
  throw new Mismatch(writer.name, request, 'container.create answered with no object');
}

/** Opens an object, and refuses it when it is cut, continued, or of another context. */
async function opens(reader: Member, object: string, want: Wanted, folder: string, i: number): Promise<void> {
  const sink = join(folder, `sink-${i}`);
  const params = { key: toHex(want.key), context: toHex(want.context), object, sink };
  const request = { op: 'container.open', params };
  const { type, contentLength } = await ask(reader, request.op, params);
  const released = existsSync(sink) ? readFileSync(sink) : Buffer.alloc(0);
  const fault = same(released, want.content)
    ? type !== want.params['type']
      ? `the type is ${JSON.stringify(type)}`
      : contentLength === want.content.length
        ? undefined
        : `contentLength is ${JSON.stringify(contentLength)}`
    : `${released.length} bytes came out, and they are not the ${want.content.length} that were sealed`;
  if (fault !== undefined) throw new Mismatch(reader.name, request, fault);
  const other = `${sink}-refused`;
  const open = { ...params, sink: other, objectLength: object.length / 2 };
  await refused(reader, request.op, { ...open, object: object.slice(0, -2) }, 'truncated');
  await refused(reader, request.op, { ...open, object: `${object}00` }, 'trailing-data');
  const context = want.context.length === 0 ? Uint8Array.of(0) : want.context.map((byte) => byte ^ 1);
  await refused(reader, request.op, { ...open, context: toHex(context) }, 'wrong-key');
}

/** Every writer against every reader. */
export async function crossContainers(
  run: Run,
  writers: readonly Member[],
  readers: readonly Member[],
): Promise<MatrixTable> {
  const wants = wanted(run.seed);
  const cells: Cell[] = [];
  for (const writer of writers) {
    run.progress(`${writer.name} writes ${wants.length} objects`);
    const objects: (() => string)[] = [];
    for (const want of wants) objects.push(await attempt(async () => create(writer, want)));
    for (const reader of readers) {
      run.progress(`${reader.name} opens what ${writer.name} wrote`);
      const checks = new Checks(run);
      const folder = newFolder(run, `${writer.name}-${reader.name}`);
      for (const [i, want] of wants.entries()) {
        await checks.check(want.title, async () => opens(reader, objects[i]?.() ?? '', want, folder, i));
      }
      cells.push(checks.cell([writer.name], reader.name));
    }
  }
  return { kind: 'containers', title: 'Sealed objects: who wrote them, and who opened them', cells };
}
