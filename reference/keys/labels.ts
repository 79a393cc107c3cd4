/**
 * Labels: what separates one use of a key from every other (spec/conventions.md, "Labels"). The list is closed and
 * is the registry of spec/registries.md; a label is never used for two things.
 *
 * @module
 */
import { concat, utf8, type Bytes } from '../wire/bytes.ts';

/** Every `<name>` that may stand in `strongroom/v1/<name>`. */
export const LABELS = [
  // keys and sealed objects
  'object',
  'object-name',
  'key-check',
  'sealed-key',
  'owner-key',
  'stream',
  // sets
  'media-id',
  'media-tag',
  'set-head',
  // OPAQUE
  'opaque-context',
  'credential',
  // channel
  'channel-request',
  'channel-answer',
  // fleet
  'fleet-descriptor',
  // vault exchange
  'answer',
  'assertion',
  'confirm',
  'owner-statement',
  // vault at rest
  'leaf',
  'record',
  'attempt',
  'store-head',
  'hsm-keys',
  'hsm-anchor',
  'opaque-key',
  'oprf-key-id',
] as const;

/** A registered label name. */
export type LabelName = (typeof LABELS)[number];

/** The label as it enters a derivation: ASCII `strongroom/v1/<name>` and a zero byte. */
export function label(name: LabelName): Bytes {
  return concat(utf8(`strongroom/v1/${name}`), Uint8Array.of(0));
}
