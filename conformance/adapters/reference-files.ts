/**
 * Sealing and opening from file to file with the reference implementation, as operations of the adapter protocol.
 *
 * @module
 */
import { closeSync, openSync } from 'node:fs';
import { openFile, type FilePart } from '../../reference/files/index.ts';
import { sealFile, sealFileWith } from '../../reference/files/seal-file.ts';
import { injected, keyOf, sealOptions } from './reference-container.ts';
import { engine } from './reference-engine.ts';
import type { Operation, Params } from './serve.ts';

/** Runs `step` with the files of a request, and closes them. */
async function withFiles<T>(
  params: Params,
  step: (source: FilePart, target: FilePart) => Promise<T>,
): Promise<T> {
  const source = { fd: openSync(params.text('source'), 'r'), name: 'source' };
  const target = { fd: openSync(params.text('target'), 'w'), name: 'target' };
  try {
    return await step(source, target);
  } finally {
    closeSync(source.fd);
    closeSync(target.fd);
  }
}

function threadsOf(params: Params): { threads?: number } {
  return params.has('threads') ? { threads: params.number('threads') } : {};
}

/** Operations on files. */
export const fileOperations: Readonly<Record<string, Operation>> = {
  'file.seal': async (params) =>
    withFiles(params, async (source, target) => {
      const length = params.number('length');
      const options = { ...sealOptions(params), ...threadsOf(params), source, target, length };
      const sealed = params.has('inject')
        ? await sealFileWith(injected(params.object('inject')), options)
        : await sealFile(options);
      return { objectLength: sealed.objectLength };
    }),
  'file.open': async (params) =>
    withFiles(params, async (source, target) => {
      const { header, contentLength } = await openFile({
        key: keyOf(params),
        context: params.bytesOr('context'),
        engine,
        ...threadsOf(params),
        source,
        target,
        ...(params.has('objectLength') && { objectLength: params.number('objectLength') }),
      });
      return { type: header.type, contentLength };
    }),
};
