/**
 * How contents and manifests are stored: names, copies, packs, blobs, volumes, and what entries say.
 *
 * @module
 */
import { chmodSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '../../peer/primitives.ts';
import type { Audit } from '../../peer/set-audit.ts';
import { demand } from '../../peer/set-reading.ts';
import type { Case } from '../../runner/case.ts';
import { now } from '../../tape/tape.ts';
import { content, require, writes, type Stage } from './stage.ts';

/** Salts of everything that is stored, each seen with one object alone. */
export function requireSalts(stage: Stage, salts: Map<string, string>): void {
  for (const [name, object] of stage.objects()) {
    const salt = toHex(object.slice(16, 48));
    const known = salts.get(salt);
    require(known === undefined || known === name, 'not-fresh', `${name} and ${known} have one salt`);
    salts.set(salt, name);
  }
}

/** A file in a pack lies there under its own path. */
function requirePaths({ packedPaths }: Audit): void {
  for (const [path, packed] of packedPaths) demand(path === packed, `${path} is packed as ${packed}`);
}

/** Cases of contents. */
export const contentCases: readonly Case[] = [
  writes(
    {
      id: 'set-writer.first',
      title: 'A first backup, of which every byte is opened',
      why: 'A backup that nobody else can read is none.',
      requirements: ['SET-1', 'SET-7', 'MAN-1', 'MAN-12', 'MAN-16', 'REC-1', 'BAK-4'],
    },
    async (stage) => {
      stage.write('a/b/file', content(1000));
      stage.write('a/empty', content(0));
      stage.write('a-b', content(1));
      stage.write('caf\u00e9', content(2, 1));
      stage.write('cafe\u0301', content(3, 1));
      stage.write('\u{1f4be}', content(4, 2));
      stage.write('\uffee', content(5, 3));
      stage.write('film', content(1_200_000));
      symlinkSync('../a-b', join(stage.folder, 'a/up'));
      symlinkSync('nowhere', join(stage.folder, 'dangling'));
      chmodSync(join(stage.folder, 'a-b'), 0o600);
      utimesSync(join(stage.folder, 'film'), 12, -1.5);
      const found = await stage.backUpWhole();
      requirePaths(found);
      const { generation, keyEpoch, ancestors, wrapped, created } = found.manifest;
      demand(generation === 1 && keyEpoch === 1, 'a first generation with other numbers than 1');
      demand(ancestors.length + wrapped.length === 0, 'a first generation with something before it');
      demand(Math.abs(created - now() / 1000) < 600, 'a time of creation that is not now');
      demand(found.strays.length === 0, `${found.strays.join(', ')} belongs to nothing`);
    },
  ),
  writes(
    {
      id: 'set-writer.empty',
      title: 'An empty folder',
      why: 'A set of nothing has a manifest too, in two copies.',
      requirements: ['SET-7', 'MAN-1'],
    },
    async (stage) => {
      const found = await stage.backUpWhole();
      demand(stage.objects().size === 2 && found.names.length === 0, 'objects that hold nothing');
    },
  ),
  writes(
    {
      id: 'set-writer.copies',
      title: 'Both copies of a manifest: one content, two salts',
      why: 'Under one salt the second copy is the first, and whatever harms one harms both.',
      requirements: ['SET-6', 'SET-7'],
    },
    async (stage) => {
      stage.write('file', content(10));
      await stage.backUp();
      const objects = [...stage.objects().values()].filter((object) => object[11] === 1);
      require(objects.length === 2, 'wrong-output', `${objects.length} copies of the manifest`);
      const salts = new Set(objects.map((object) => toHex(object.slice(16, 48))));
      require(salts.size === 2, 'not-fresh', 'both copies of a manifest under one salt');
      stage.look();
    },
  ),
  writes(
    {
      id: 'set-writer.threshold',
      title: 'Files of 2^16 - 1, 2^16 and 2^16 + 1 bytes',
      why: 'One length decides what the storage learns of a file: that of a pack, or its own.',
      requirements: ['BAK-3', 'BAK-5', 'MAN-1'],
    },
    async (stage) => {
      for (const length of [65_535, 65_536, 65_537]) stage.write(`f${length}`, content(length));
      requirePaths(await stage.backUpWhole());
    },
  ),
  writes(
    {
      id: 'set-writer.packs',
      title: 'More small files than one pack holds',
      why: 'A pack without a bound is an object that every small change has to fetch.',
      requirements: ['BAK-3', 'BAK-4', 'BAK-5', 'REC-1'],
    },
    async (stage) => {
      for (let i = 0; i < 130; i++) stage.write(`dir/${i}`, content(65_535 - i, i));
      const found = await stage.backUpWhole();
      requirePaths(found);
      require(found.names.length === 2, 'wrong-output', `${found.names.length} packs for 8.1 MiB`);
    },
  ),
  writes(
    {
      id: 'set-writer.volumes',
      title: 'A content that is cut into volumes',
      why: 'What is longer than an object may be is cut; a volume too many or too few is another content.',
      requirements: ['BAK-6', 'MAN-1'],
      feature: 'volumes',
    },
    async (stage) => {
      const lengths = { even: 300_000, odd: 250_001, whole: 100_000, small: 5 };
      for (const [path, length] of Object.entries(lengths)) stage.write(path, content(length, length));
      const { entries, manifest } = await stage.backUpWhole({ volumeLength: 100_000 });
      for (const [path, length] of Object.entries(lengths)) {
        const volumes = (entries.get(path)?.parts ?? []).map(
          ({ object }) => manifest.objects[object]?.contentLength,
        );
        const expected = Array.from({ length: Math.ceil(length / 100_000) }, (_, i) =>
          Math.min(100_000, length - i * 100_000),
        );
        const isRight = length < 2 ** 16 || JSON.stringify(volumes) === JSON.stringify(expected);
        demand(isRight, `${path} has the volumes ${volumes.join(', ')}`);
      }
    },
  ),
  writes(
    {
      id: 'set-writer.salts',
      title: 'Salts of several generations',
      why: 'A salt that comes again repeats key and nonces: the worst that a writer can do.',
      requirements: ['SET-9', 'HDR-2', 'MAN-9'],
    },
    async (stage) => {
      const salts = new Map<string, string>();
      for (let i = 0; i < 4; i++) {
        // The last ones come from a new process: state that starts anew must not repeat.
        if (i === 2) await stage.adapter.close();
        stage.write('small', content(100, i % 2));
        stage.write('large', content(70_000, i % 2));
        stage.write(`new-${i}`, content(70_000, 10));
        await stage.backUpWhole();
        requireSalts(stage, salts);
      }
    },
  ),
];
