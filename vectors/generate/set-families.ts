/**
 * The families of vectors of records, manifests and sets, with the folder of each.
 *
 * @module
 */
import type { VectorFile } from '../../conformance/schema/vector.ts';
import { chats } from './chats.ts';
import { epochs } from './epochs.ts';
import { find } from './find.ts';
import { freshness } from './freshness.ts';
import { groups } from './groups.ts';
import { heads } from './heads.ts';
import { manifests } from './manifests.ts';
import { mediaIds } from './media-ids.ts';
import { packs } from './packs.ts';
import { recordRanges } from './record-ranges.ts';
import { records } from './records.ts';
import { restores } from './restores.ts';
import { verifications } from './verifications.ts';
import { volumes } from './volumes.ts';

/** Folder in `vectors/`, and generator. */
export const SET_FAMILIES: readonly (readonly [string, () => VectorFile])[] = [
  ['set', records],
  ['set', groups],
  ['set', recordRanges],
  ['set', manifests],
  ['set', find],
  ['set', mediaIds],
  ['set', heads],
  ['set', freshness],
  ['set', restores],
  ['set', volumes],
  ['set', packs],
  ['set', verifications],
  ['set', epochs],
  ['set', chats],
];
