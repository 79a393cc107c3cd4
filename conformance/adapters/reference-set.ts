/**
 * Reading backup sets with the reference implementation, as operations of the adapter protocol.
 *
 * @module
 */
import { BackupKey } from '../../reference/keys/backup-key.ts';
import {
  DirectoryStorage,
  list,
  openManifest,
  restore,
  verify,
  type Damage,
  type SelectOptions,
  type Storage,
} from '../../reference/set/index.ts';
import { hex } from '../../reference/wire/bytes.ts';
import type { Value } from '../schema/vector.ts';
import type { Operation, Params } from './serve.ts';

/** The parameters that every operation of this file has. */
function subject(params: Params): [Storage, BackupKey, SelectOptions] {
  return [
    new DirectoryStorage(params.text('storage')),
    BackupKey.fromBytes(params.bytes('key')),
    { ...(params.has('manifest') && { manifest: params.text('manifest') }) },
  ];
}

function damages(damaged: readonly Damage[]): Value {
  return damaged.map(({ name, code }) => ({ name, code })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Operations of sets. */
export const setOperations: Readonly<Record<string, Operation>> = {
  'set.find': async (params) => {
    const { manifest, id, copies, damaged } = await openManifest(...subject(params));
    return {
      setId: hex(manifest.setId),
      generation: manifest.generation,
      manifestId: hex(id),
      copies: copies.length,
      damaged: damages(damaged),
    };
  },
  'set.list': async (params) => {
    const { entries } = await list(...subject(params));
    return { entries: entries.map(({ path, kind, length }) => ({ path, kind, length })) };
  },
  'set.verify': async (params) => {
    const { verified, failed, unused } = await verify(...subject(params));
    return { verified, failed: failed.map(({ path, code }) => ({ path, code })), unused: [...unused] };
  },
  'set.restore': async (params) => {
    const [storage, key, options] = subject(params);
    const force = params.has('force');
    const { restored } = await restore(storage, key, params.text('target'), { ...options, force });
    return { restored: restored.length };
  },
};
