/**
 * All vectors, as the text of their files. The same bytes each time: every value has a name and is fixed.
 *
 * @module
 */
import { jsonSchemas } from '../../conformance/schema/index.ts';
import type { VectorFile } from '../../conformance/schema/vector.ts';
import { channelClient, channelServer } from './channel.ts';
import { chunks } from './chunks.ts';
import { classesPage } from './classes.ts';
import { engine } from './engine.ts';
import { extensions } from './extensions.ts';
import { fleet } from './fleet.ts';
import { header } from './header.ts';
import { keys } from './keys.ts';
import { opaqueClient, opaqueServer } from './opaque.ts';
import { lengths } from './lengths.ts';
import { owner } from './owner.ts';
import { channelClientP256, channelServerP256, fleetP256 } from './p256.ts';
import { passwords } from './passwords.ts';
import { ranges } from './ranges.ts';
import { salvageSetVectors } from './salvage-sets.ts';
import { salvageVectors } from './salvage.ts';
import { SET_FAMILIES } from './set-families.ts';
import { sweeps } from './sweeps.ts';
import { trailer } from './trailer.ts';
import { transcripts } from './transcripts.ts';
import { wire } from './wire.ts';
import { writer } from './writer.ts';

/** Folder of each family in `vectors/`. */
const FAMILIES: readonly (readonly [string, () => VectorFile])[] = [
  ['keys', keys],
  ['container', header],
  ['container', extensions],
  ['container', chunks],
  ['container', trailer],
  ['container', sweeps],
  ['container', ranges],
  ['container', engine],
  ['container', lengths],
  ['container', writer],
  ['container', salvageVectors],
  ...SET_FAMILIES,
  ['set', salvageSetVectors],
  ['opaque', opaqueClient],
  ['opaque', opaqueServer],
  ['opaque', passwords],
  ['vault', channelClient],
  ['vault', channelServer],
  ['vault', fleet],
  ['vault', channelClientP256],
  ['vault', channelServerP256],
  ['vault', fleetP256],
  ['vault', wire],
  ['vault', owner],
  ['vault', transcripts],
];

/** Every family, with its folder in `vectors/`. */
export function families(): (readonly [folder: string, file: VectorFile])[] {
  return FAMILIES.map(([folder, family]) => [folder, family()]);
}

/** Path below `vectors/` and text of every generated file, the JSON Schemas and the page of classes among them. */
export function generate(): Map<string, string> {
  const files = new Map<string, string>();
  for (const [folder, file] of families()) {
    files.set(`${folder}/${file.family}.json`, `${JSON.stringify(file, undefined, 1)}\n`);
  }
  files.set('CLASSES.md', classesPage());
  for (const [name, text] of jsonSchemas()) files.set(`schema/${name}`, text);
  return files;
}
