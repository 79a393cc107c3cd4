/**
 * Salvage by the reference implementation, as operations of the adapter protocol.
 *
 * @module
 */
import { appendFileSync } from 'node:fs';
import { encodeHeader } from '../../reference/container/header.ts';
import { inspect } from '../../reference/container/index.ts';
import { BackupKey } from '../../reference/keys/backup-key.ts';
import {
  canonical,
  heldBytes,
  knownHeader,
  salvage,
  salvageObject,
  shiftsOf,
  type ObjectClue,
  type Span,
} from '../../reference/salvage/index.ts';
import { DirectoryStorage } from '../../reference/set/index.ts';
import { copy, fromUtf8 } from '../../reference/wire/bytes.ts';
import type { Value } from '../schema/vector.ts';
import { engine } from './reference-engine.ts';
import type { Operation, Params } from './serve.ts';

const pairs = (spans: readonly Span[]): Value => spans.map(({ start, end }) => [start, end]);

/** What a manifest says of the object, if the request has it. */
function referenceOf(params: Params): ObjectClue | undefined {
  if (!params.has('reference')) return undefined;
  const reference = params.object('reference');
  const header = inspect(encodeHeader(reference.bytes('prefix'), reference.bytes('commitment'), engine));
  return { header, length: reference.number('length'), contentLength: reference.number('contentLength') };
}

/** Operations of salvage. */
export const salvageOperations: Readonly<Record<string, Operation>> = {
  'salvage.object': async (params) => {
    const object = params.bytes('object');
    const key = BackupKey.fromBytes(params.bytes('key'));
    const known = knownHeader(
      copy(object.subarray(0, 4184)),
      [key],
      engine,
      params.textOr('name', undefined),
    );
    const reference = referenceOf(params);
    const clue = reference ?? (typeof known === 'string' ? undefined : { header: known.header });
    if (clue === undefined) return { header: known === 'none' ? 'none' : 'other-key' };
    const budget = { left: params.has('searchLimit') ? params.number('searchLimit') : 2 ** 30 };
    const found = await salvageObject(heldBytes(object), clue, { key, budget, engine });
    for await (const { bytes } of found.read()) {
      if (params.has('sink')) appendFileSync(params.text('sink'), bytes);
    }
    return {
      header: 'known',
      whole: found.whole,
      tail: found.tail,
      ...(found.chunks !== undefined && { chunks: found.chunks }),
      ...(found.contentLength !== undefined && { contentLength: found.contentLength }),
      recovered: pairs(found.chunkSpans()),
      shifts: shiftsOf(found).map(({ start, end, shift }) => [start, end, shift]),
      limited: found.places.limited,
      contents: pairs(found.contentSpans()),
    };
  },
  'salvage.set': async (params) => {
    const storage = new DirectoryStorage(params.text('storage'));
    const key = BackupKey.fromBytes(params.bytes('key'));
    const target = params.textOr('target', undefined);
    const report = await salvage(storage, key, { engine, ...(target !== undefined && { target }) });
    return { report: fromUtf8(canonical(report)) };
  },
};
