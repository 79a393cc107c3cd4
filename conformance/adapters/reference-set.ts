/**
 * Reading backup sets with the reference implementation, as operations of the adapter protocol.
 *
 * @module
 */
import { BackupKey } from '../../reference/keys/backup-key.ts';
import {
  DirectoryStorage,
  list,
  MediaHasher,
  openBackup,
  restore,
  verify,
  type Damage,
  type HeadStore,
  type SelectOptions,
  type Storage,
} from '../../reference/set/index.ts';
import { hex, type Bytes } from '../../reference/wire/bytes.ts';
import type { Value } from '../schema/vector.ts';
import type { Operation, Params } from './serve.ts';

/** Pieces in which content is given to readers: a prime, so that no boundary meets another. */
const PIECE = 99_991;

function* pieces(content: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < content.length; at += PIECE) yield content.subarray(at, at + PIECE);
}

/** A keeper of a head that nobody may move. */
function kept(head: Bytes): HeadStore {
  return { get: async () => head, put: async () => Promise.reject(new Error('a reader moves no head')) };
}

/** The parameters that every operation of this file has. */
function subject(params: Params): [Storage, BackupKey, SelectOptions] {
  return [
    new DirectoryStorage(params.text('storage')),
    BackupKey.fromBytes(params.bytes('key')),
    {
      ...(params.has('manifest') && { manifest: params.text('manifest') }),
      ...(params.has('head') && { head: kept(params.bytes('head')) }),
    },
  ];
}

function damages(damaged: readonly Damage[]): Value {
  return damaged.map(({ name, code }) => ({ name, code })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Operations of sets. */
export const setOperations: Readonly<Record<string, Operation>> = {
  'set.find': async (params) => {
    const { manifest, id, copies, damaged, freshness } = await openBackup(...subject(params));
    return {
      setId: hex(manifest.setId),
      generation: manifest.generation,
      manifestId: hex(id),
      copies: copies.length,
      freshness,
      damaged: damages(damaged),
    };
  },
  'set.media-id': (params) => {
    const hasher = new MediaHasher(params.bytes('mediaKey'));
    for (const piece of pieces(params.bytes('content'))) hasher.update(piece);
    return { mediaId: hex(hasher.digest()) };
  },
  'set.list': async (params) => {
    const { entries, freshness } = await list(...subject(params));
    return { freshness, entries: entries.map(({ path, kind, length }) => ({ path, kind, length })) };
  },
  'set.verify': async (params) => {
    const { verified, freshness, failed, unused } = await verify(...subject(params));
    const faults = failed.map(({ path, code }) => ({ path, code }));
    return { verified, freshness, failed: faults, unused: [...unused] };
  },
  'set.restore': async (params) => {
    const [storage, key, options] = subject(params);
    const force = params.has('force');
    const paths = params.has('paths') ? { paths: params.texts('paths') } : {};
    const report = await restore(storage, key, params.text('target'), { ...options, ...paths, force });
    return { restored: report.restored.length, freshness: report.freshness };
  },
};
