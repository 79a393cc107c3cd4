/**
 * Keys, sealed objects and the chunk engine of the reference implementation, as operations of the adapter protocol.
 *
 * @module
 */
import { appendFileSync } from 'node:fs';
import {
  inspect,
  openChunk,
  Opener,
  padme,
  seal,
  sealChunk,
  Sealer,
  type ChunkLog2,
  type Extension,
  type ObjectType,
  type Padding,
  type SealOptions,
} from '../../reference/container/index.ts';
import { systemRandom } from '../../reference/crypto/random.ts';
import { isStrongroomError } from '../../reference/errors.ts';
import { BackupKey } from '../../reference/keys/backup-key.ts';
import { LABELS } from '../../reference/keys/labels.ts';
import { ObjectKey } from '../../reference/keys/object-key.ts';
import { sealerWith, sealWith } from '../../reference/testing.ts';
import { concat, hex, type Bytes } from '../../reference/wire/bytes.ts';
import { engine } from './reference-engine.ts';
import { Unsupported, type Operation, type Params } from './serve.ts';

/** How many bytes of input the reader is given at a time: a prime, so that no boundary meets another. */
const PIECE = 4999;

/** The sources of injected values, by the specification's names. */
export function injected(values: Params): (name: string, length: number) => Bytes {
  return (name, length) => {
    // A writer with injected values adds no GREASE: the first byte decides it.
    if (name === 'grease') return new Uint8Array(length).fill(0xff);
    const value = values.bytes(name);
    if (value.length !== length) throw new TypeError(`${name} is not ${length} bytes`);
    return value;
  };
}

/** Options of sealing. */
export function sealOptions(params: Params): SealOptions {
  const extensions: Extension[] = params
    .list('extensions')
    .map((each) => ({ type: each.number('type'), value: each.bytes('value') }));
  return {
    key: BackupKey.fromBytes(params.bytes('key')),
    type: params.text('type') as ObjectType,
    chunkLog2: params.number('chunkLog2') as ChunkLog2,
    padding: params.text('padding') as Padding,
    context: params.bytesOr('context'),
    extensions,
    engine,
  };
}

function inPieces(bytes: Uint8Array, length: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / length) }, (_, i) =>
    bytes.subarray(i * length, (i + 1) * length),
  );
}

/** The key to open with: an object key, or a backup key. */
export function keyOf(params: Params): BackupKey | ObjectKey {
  return params.has('objectKey')
    ? ObjectKey.fromBytes(params.bytes('objectKey'))
    : BackupKey.fromBytes(params.bytes('key'));
}

/** Opens into the sink, piece by piece, so that the runner sees what was released before an error. */
const openObject: Operation = (params) => {
  const sink = params.textOr('sink', undefined);
  const release = (piece: Uint8Array): void => {
    if (sink !== undefined) appendFileSync(sink, piece);
  };
  const object = params.bytes('object');
  const opener = new Opener({
    key: keyOf(params),
    context: params.bytesOr('context'),
    engine,
    ...(params.has('objectLength') && { objectLength: params.number('objectLength') }),
  });
  for (const part of inPieces(object, params.has('pieceLength') ? params.number('pieceLength') : PIECE)) {
    for (const piece of opener.feed(part)) release(piece);
  }
  const steps = opener.finish();
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) release(step.value);
  return { type: step.value.header.type, contentLength: step.value.contentLength };
};

/** The code of the error of `action`, or `none`. */
function codeOf(action: () => unknown): string {
  try {
    action();
    return 'none';
  } catch (error) {
    if (isStrongroomError(error)) return error.code;
    throw error;
  }
}

/** Opens an object that fails, and goes on calling; or one that does not, and calls after its end. */
const afterError: Operation = (params) => {
  const opener = new Opener({ key: BackupKey.fromBytes(params.bytes('key')), engine });
  const first = codeOf(() => {
    opener.update(params.bytes('object'));
    opener.final();
  });
  const later = [codeOf(() => opener.update(params.bytes('object'))), codeOf(() => opener.final())];
  return { first, later };
};

/** The object with edit `n` of a sweep in it. */
function edited(object: Uint8Array, rule: string, n: number): Uint8Array {
  if (rule === 'cut') return object.subarray(0, n);
  const [size, change] = rule === 'flip' ? [8, (b: number) => b ^ (1 << (n % 8))] : [256, () => n % 256];
  const copy = object.slice();
  const at = Math.floor(n / size);
  copy[at] = change(copy[at] ?? 0);
  return copy;
}

/** Opens an object with each of many edits: how it ended, and how much was given out until then. */
const sweep: Operation = (params) => {
  const object = params.bytes('object');
  const key = BackupKey.fromBytes(params.bytes('key'));
  const runs: [count: number, code: string, released: number][] = [];
  for (let i = 0; i < params.number('count'); i++) {
    const input = edited(object, params.text('edit'), params.number('first') + i * params.number('step'));
    let released = 0;
    const code = codeOf(() => {
      const opener = new Opener({
        key,
        engine,
        ...(params.has('objectLength') && { objectLength: params.number('objectLength') }),
      });
      for (const piece of opener.feed(input)) released += piece.length;
      for (const piece of opener.finish()) released += piece.length;
    });
    const last = runs.at(-1);
    if (last?.[1] === code && last[2] === released) last[0]++;
    else runs.push([1, code, released]);
  }
  return { runs };
};

/** Operations of keys and sealed objects. */
export const containerOperations: Readonly<Record<string, Operation>> = {
  'keys.parse-recovery-key': (params) => ({ key: hex(BackupKey.parse(params.text('text')).bytes()) }),
  'keys.format-recovery-key': (params) => ({ text: BackupKey.fromBytes(params.bytes('key')).recoveryKey() }),
  'keys.derive': (params) => {
    const name = LABELS.find((label) => label === params.text('label'));
    if (name === undefined) throw new Unsupported(`label ${params.text('label')}`);
    return {
      key: hex(BackupKey.fromBytes(params.bytes('key')).derive(name, params.number('length'), engine)),
    };
  },
  'container.open': openObject,
  'container.after-end': afterError,
  'container.sweep': sweep,
  'container.inspect': (params) => {
    const header = inspect(params.bytes('object'));
    return {
      type: header.type,
      chunkLog2: header.chunkLog2,
      salt: hex(header.salt),
      commitment: hex(header.commitment),
      extensions: header.extensions.map(({ type, value }) => ({ type, value: hex(value) })),
      headerLength: header.length,
    };
  },
  'container.create': (params) => {
    const content = params.bytes('content');
    if (params.has('pieceLength')) {
      const random = params.has('inject') ? injected(params.object('inject')) : systemRandom;
      const sealer = sealerWith(random, sealOptions(params));
      const pieces = inPieces(content, params.number('pieceLength')).flatMap((piece) => sealer.update(piece));
      return { object: hex(concat(sealer.header, ...pieces, ...sealer.final())) };
    }
    const object = params.has('inject')
      ? sealWith(injected(params.object('inject')), content, sealOptions(params))
      : seal(content, sealOptions(params));
    return { object: hex(object) };
  },
  'container.abort': (params) => {
    const stop = new AbortController();
    const sealer = new Sealer({ ...sealOptions(params), signal: stop.signal });
    const output = [sealer.header, ...sealer.update(params.bytes('content'))];
    stop.abort();
    const end = (): unknown => output.push(...sealer.final());
    const first = codeOf(end);
    const more = (): unknown => output.push(...sealer.update(params.bytes('content')));
    const later = [codeOf(more), codeOf(end)];
    return { output: hex(concat(...output)), first, later };
  },
  'container.after-final': (params) => {
    const sealer = new Sealer(sealOptions(params));
    const content = params.bytes('content');
    const first = codeOf(() => [sealer.update(content), sealer.final()]);
    return { first, later: [codeOf(() => sealer.update(content)), codeOf(() => sealer.final())] };
  },
  // Tries to make the production entry points use values that were not drawn from the system.
  'probe.inject': (params) => {
    const random = injected(params.object('inject'));
    const options = { ...sealOptions(params), random, salt: random('salt', 32) };
    const object = (seal as (...args: unknown[]) => Bytes)(params.bytes('content'), options, random);
    return { object: hex(object) };
  },
  'lengths.padme': (params) => ({ lengths: params.numbers('lengths').map(padme) }),
  'lengths.object': (params) => {
    // No GREASE: its length would be in every object.
    const sealer = sealerWith((_name, length) => new Uint8Array(length).fill(0xff), {
      key: BackupKey.generate(),
      type: 'blob',
      padding: params.text('padding') as Padding,
      chunkLog2: params.number('chunkLog2') as ChunkLog2,
    });
    return { objects: params.numbers('contents').map((length) => sealer.objectLength(length)) };
  },
  'engine.seal': (params) => ({
    sealed: hex(sealChunk(chunkKey(params), params.number('index'), params.bytes('plaintext'), engine)),
  }),
  'engine.open': (params) => ({
    plaintext: hex(openChunk(chunkKey(params), params.number('index'), params.bytes('sealed'), engine)),
  }),
};

function chunkKey(params: Params): { key: Bytes; baseNonce: Bytes; chunkLog2: number } {
  return {
    key: params.bytes('key'),
    baseNonce: params.bytes('baseNonce'),
    chunkLog2: params.number('chunkLog2'),
  };
}
