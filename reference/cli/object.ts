/**
 * Single objects: `strongroom seal`, `open` and `inspect`.
 *
 * @module
 */
import { open as openPath } from 'node:fs/promises';
import { inspect, MAX_HEADER_LENGTH, Opener, Sealer, type HeaderInfo } from '../container/index.ts';
import { free } from '../crypto/memory.ts';
import { openFile, sealFile, type FilePart } from '../files/index.ts';
import { hex, type Bytes } from '../wire/bytes.ts';
import { isStrongroomError, StrongroomError } from '../errors.ts';
import type { Command, Invocation, Option } from './command.ts';
import { counted, progressLine, sizeOf } from './progress.ts';
import { askKey, KEY_OPTIONS } from './secrets.ts';
import { fileOutput, inputOf, standardOutput, type FileOutput, type Output } from './streams.ts';

const STREAM_OPTIONS: Readonly<Record<string, Option>> = {
  ...KEY_OPTIONS,
  input: { value: 'file', help: 'read this file instead of stdin' },
  output: { value: 'file', help: 'write this file instead of stdout; it appears only if all is well' },
  force: { help: 'replace the output file if it exists' },
};

/** The path of an option that names a file, not a pipe. */
function fileOf(invocation: Invocation, option: 'input' | 'output'): string | undefined {
  const path = invocation.option(option);
  return path === '-' ? undefined : path;
}

function newFile(invocation: Invocation, path: string): Promise<FileOutput> {
  return fileOutput(path, { force: invocation.has('force'), durable: false });
}

async function outputOf(invocation: Invocation): Promise<Output> {
  const path = fileOf(invocation, 'output');
  if (path !== undefined) return newFile(invocation, path);
  if (process.stdout.isTTY) {
    throw new StrongroomError('usage', 'the output would go to the terminal; use --output or > file');
  }
  return standardOutput(invocation.signal);
}

/** One side of the work from file to file, and how long it is. */
interface FileInput extends FilePart {
  readonly length: number;
}

/** What both directions are given. */
interface FileWork {
  readonly source: FileInput;
  readonly target: FilePart;
  readonly signal: AbortSignal;
  readonly onProgress: (bytes: number) => void;
}

/** Does `work` if input and output are files; false if one is a pipe. */
async function betweenFiles(
  invocation: Invocation,
  work: (files: FileWork) => Promise<unknown>,
): Promise<boolean> {
  const [from, to] = [fileOf(invocation, 'input'), fileOf(invocation, 'output')];
  if (from === undefined || to === undefined) return false;
  const input = await openPath(from, 'r');
  try {
    const stat = await input.stat();
    if (!stat.isFile()) return false;
    const output = await newFile(invocation, to);
    const line = progressLine();
    try {
      const source = { fd: input.fd, name: from, length: stat.size };
      const onProgress = (bytes: number): void => line.show(sizeOf(Math.min(bytes, stat.size)));
      await work({ source, target: { fd: output.fd, name: to }, signal: invocation.signal, onProgress });
      await output.commit();
    } catch (error) {
      await output.discard();
      throw error;
    } finally {
      line.end();
    }
  } finally {
    await input.close();
  }
  return true;
}

/** Runs all input through `steps` into `output`, which is committed or discarded. */
async function pump(
  invocation: Invocation,
  steps: {
    readonly begin?: Uint8Array;
    update(bytes: Uint8Array): Iterable<Bytes>;
    final(): Iterable<Bytes>;
  },
): Promise<void> {
  const output = await outputOf(invocation);
  const line = progressLine();
  let done = 0;
  try {
    if (steps.begin !== undefined) await output.write(steps.begin);
    for await (const part of inputOf(invocation.option('input'), invocation.signal)) {
      for (const piece of steps.update(part)) {
        await output.write(piece);
        if (!output.provisional) free(piece); // a pipe may not have taken it yet
      }
      line.show(sizeOf((done += part.length)));
    }
    for (const piece of steps.final()) await output.write(piece);
    await output.commit();
  } catch (error) {
    await output.discard();
    throw error;
  } finally {
    line.end();
  }
}

const seal: Command = {
  name: 'seal',
  summary: 'Seals stdin (or a file) into one object on stdout (or a file).',
  arguments: [],
  options: STREAM_OPTIONS,
  examples: [
    'strongroom seal --key-file backup.key < notes.txt > notes.sbo',
    'tar c photos | strongroom seal --key-file backup.key --output photos.tar.sbo',
  ],
  async run(invocation) {
    const key = await askKey(invocation);
    const files = ({ source, ...rest }: FileWork): Promise<unknown> =>
      sealFile({ key, type: 'blob', source, length: source.length, ...rest });
    if (await betweenFiles(invocation, files)) return;
    const sealer = new Sealer({ key, type: 'blob', signal: invocation.signal });
    await pump(invocation, {
      begin: sealer.header,
      update: (bytes) => sealer.feed(bytes),
      final: () => sealer.finish(),
    });
  },
};

const open: Command = {
  name: 'open',
  summary: 'Opens one object from stdin (or a file) to stdout (or a file).',
  arguments: [],
  options: STREAM_OPTIONS,
  notes: [
    'What goes into a pipe is provisional until the exit code is 0: each byte is authentic, but the end of the',
    'object is verified last. --output shows the file only after that.',
  ],
  examples: [
    'strongroom open --key-file backup.key < notes.sbo > notes.txt',
    'strongroom open --key-file backup.key --input photos.tar.sbo --output photos.tar',
  ],
  async run(invocation) {
    const key = await askKey(invocation);
    if (await betweenFiles(invocation, (files) => openFile({ key, ...files }))) return;
    const opener = new Opener({ key, signal: invocation.signal });
    let released = 0;
    const count = function* (pieces: Iterable<Bytes>): Iterable<Bytes> {
      for (const piece of pieces) {
        released += piece.length;
        yield piece;
      }
    };
    try {
      await pump(invocation, {
        update: (bytes) => count(opener.feed(bytes)),
        final: () => count(opener.finish()),
      });
    } catch (error) {
      if (released > 0 && invocation.option('output') === undefined && isStrongroomError(error)) {
        process.stderr.write(
          `warning: ${counted(released, 'byte')} went out before this was found; do not trust that as a whole\n`,
        );
      }
      throw error;
    }
  },
};

/** First bytes of a file: enough for every header. */
async function headOf(path: string): Promise<{ bytes: Uint8Array; size: number }> {
  const file = await openPath(path, 'r');
  try {
    const buffer = new Uint8Array(MAX_HEADER_LENGTH);
    let length = 0;
    for (let read = 1; read > 0 && length < buffer.length; length += read) {
      ({ bytesRead: read } = await file.read(buffer, length, buffer.length - length));
    }
    return { bytes: buffer.subarray(0, length), size: (await file.stat()).size };
  } finally {
    await file.close();
  }
}

function describe(info: HeaderInfo, size: number): Record<string, unknown> {
  return {
    version: 1,
    suite: 1,
    type: info.type,
    chunkSize: 1 << info.chunkLog2,
    salt: hex(info.salt),
    extensions: info.extensions.map(({ type, value }) => ({ type, value: hex(value) })),
    commitment: hex(info.commitment),
    headerLength: info.length,
    objectLength: size,
  };
}

const inspectCommand: Command = {
  name: 'inspect',
  summary: 'Shows the header of a sealed object; needs no key and proves nothing.',
  arguments: ['object'],
  options: { json: { help: 'print JSON' } },
  notes: ['Nothing shown is authenticated: whoever changed the object could have changed it too.'],
  examples: ['strongroom inspect /mnt/cloud/objects/mzxw6ytboi', 'strongroom inspect notes.sbo --json'],
  async run(invocation) {
    const { bytes, size } = await headOf(invocation.argument(0));
    const facts = describe(inspect(bytes), size);
    if (invocation.has('json')) {
      process.stdout.write(`${JSON.stringify(facts)}\n`);
      return;
    }
    const chunkSize = sizeOf(facts['chunkSize'] as number);
    const shown = { ...facts, chunkSize, extensions: JSON.stringify(facts['extensions']) };
    for (const [name, value] of Object.entries(shown)) {
      process.stdout.write(`${name.padEnd(14)}${value}\n`);
    }
  },
};

/** Commands about single objects. */
export const OBJECT_COMMANDS: readonly Command[] = [seal, open, inspectCommand];
