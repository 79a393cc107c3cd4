/**
 * Broken readers and writers of files, and readers that meet two faults.
 *
 * @module
 */
import type { Mutant } from './mutant.ts';

const OPEN = 'reference/files/open-file.ts';
const TASK = 'reference/files/task.ts';
const READER = 'reference/container/reader.ts';

/** Mutants of files and of the order of checks. */
export const fileMutants: readonly Mutant[] = [
  {
    id: 'file-end-first',
    mistake: 'reports the end of a file before the chunks',
    file: OPEN,
    find: 'const { contentLength, content } = final instanceof StrongroomError ? nothing : final;',
    replace:
      'if (final instanceof StrongroomError) throw final;\n    const { contentLength, content } = final;',
    requirement: 'RDR-1',
    cases: ['order.file'],
    class: 'wrong-error',
  },
  {
    id: 'file-padding-first',
    mistake: 'reports padding before a chunk behind it',
    file: TASK,
    find: 'notes.noteBadPadding();',
    replace: "throw new StrongroomError('bad-padding', 'the padding is not zero');",
    requirement: 'RDR-1',
    cases: ['order.file'],
    class: 'wrong-error',
  },
  {
    id: 'file-padding-ignored',
    mistake: 'looks at the padding of the final chunk alone',
    file: TASK,
    find: 'notes.noteBadPadding();',
    replace: ';',
    requirement: 'RDR-2',
    cases: ['files.open'],
    class: 'accepted-invalid',
  },
  {
    id: 'file-final-lost',
    mistake: 'leaves out the content of the final chunk',
    file: TASK,
    find: 'if (first + perUnit > fullChunks) pieces.push(finalContent);',
    replace: '',
    requirement: 'RDR-1',
    cases: ['files.open'],
    class: 'wrong-output',
  },
  {
    id: 'file-padding-written',
    mistake: 'writes padding into the file',
    file: TASK,
    find: 'const inContent = Math.max(0, (contentLength ?? 0) - index * size);',
    replace: 'const inContent = size + 0 * (contentLength ?? 0);',
    requirement: 'RDR-1',
    cases: ['files.open'],
    class: 'wrong-output',
  },
  {
    id: 'file-known-length-ignored',
    mistake: 'does not compare the size of the file with the known length',
    file: OPEN,
    find: 'if (excess !== 0 || finalLength < MIN_FINAL_LENGTH)',
    replace: 'if (finalLength < MIN_FINAL_LENGTH)',
    requirement: 'RDR-2',
    cases: ['files.open'],
    class: 'accepted-invalid',
  },
  {
    id: 'file-chunks-from-unit',
    mistake: 'numbers chunks from 0 in each part of a file',
    file: TASK,
    find: 'cipher.seal((start + from) / size,',
    replace: 'cipher.seal(from / size,',
    requirement: 'CHK-3',
    cases: ['files.seal', 'files.megabytes'],
    class: 'wrong-output',
  },
  {
    id: 'file-trailer-cut',
    mistake: 'leaves the trailer off where it begins a part of a file',
    file: TASK,
    find: 'if (trailerAt < plaintext.length) plaintext.set(trailer, trailerAt);',
    replace: 'if (trailerAt > 0 && trailerAt < plaintext.length) plaintext.set(trailer, trailerAt);',
    requirement: 'WRT-3',
    cases: ['files.seal', 'files.megabytes'],
    class: 'wrong-output',
  },
  {
    id: 'file-old-bytes-as-padding',
    mistake: 'pads with what is left in its buffer',
    file: TASK,
    find: 'plaintext.fill(0, content.length);',
    replace: 'plaintext.fill(1, content.length);',
    requirement: 'PAD-1',
    cases: ['files.seal', 'files.megabytes'],
    class: 'wrong-output',
  },
  {
    id: 'stream-length-first',
    mistake: 'looks at the known length before the chunks',
    file: READER,
    find: '    const input = new Input(bytes.subarray(0, Math.max(0, room)));',
    replace:
      "    if (bytes.length > room) throw new StrongroomError('trailing-data', 'bytes after the end of the object');\n    const input = new Input(bytes.subarray(0, Math.max(0, room)));",
    requirement: 'RDR-1',
    cases: ['order.stream'],
    class: 'wrong-error',
  },
];
