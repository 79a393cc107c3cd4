/**
 * A writer that is killed in the middle of a large backup, and one beside which somebody else writes.
 *
 * @module
 */
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAGIC } from '../../peer/sealed-object.ts';
import { same, toHex } from '../../peer/primitives.ts';
import { demand } from '../../peer/set-reading.ts';
import type { Case } from '../../runner/case.ts';
import { score } from '../../runner/score.ts';
import type { Outcome } from '../../schema/protocol.ts';
import { observe } from '../../tape/tape.ts';
import { Rival } from './rival.ts';
import { content, require, writes, type Stage } from './stage.ts';

const FILES = 40;
const LENGTH = 2 ** 17;

/** Backs up, and calls `meanwhile` when the first object is in the storage. */
async function during(stage: Stage, meanwhile: () => void): Promise<Outcome> {
  const before = stage.objects().size;
  let acted = false;
  const timer = setInterval(() => {
    const names = readdirSync(stage.storage).filter((name) => name.endsWith('.sro'));
    if (acted || names.length <= before) return;
    acted = true;
    meanwhile();
  }, 1);
  const outcome = await stage.adapter.call('set.back-up', stage.params()).finally(() => clearInterval(timer));
  require(observe('acted', () => acted), 'state', 'nothing came into the storage before the backup was done');
  return outcome;
}

/** The salt of everything in the storage that begins as an object does, and all bytes that were seen with it. */
function remember(stage: Stage, seen: Map<string, Buffer>): void {
  for (const name of readdirSync(stage.storage)) {
    const place = join(stage.storage, name);
    if (!lstatSync(place).isFile()) continue;
    const bytes = readFileSync(place);
    if (bytes.length < 88 || !same(bytes.subarray(0, 8), MAGIC)) continue;
    const salt = toHex(bytes.subarray(16, 48));
    const known = seen.get(salt) ?? bytes;
    const both = Math.min(known.length, bytes.length);
    const agree = known.subarray(0, both).equals(bytes.subarray(0, both));
    require(agree, 'not-fresh', `${name} has other bytes under the salt of an object that was cut off`);
    seen.set(salt, known.length > both ? known : bytes);
  }
}

function fill(stage: Stage, seed: number): void {
  for (let i = 0; i < FILES; i++) stage.write(`film-${i}`, content(LENGTH, seed + i));
}

/** Cases of things that happen in the middle. */
export const interruptedCases: readonly Case[] = [
  writes(
    {
      id: 'set-writer.killed',
      title: 'A backup that is killed, and run again with other contents',
      why: 'The last generation stays as it is, and the next run must not use a salt for two contents.',
      requirements: ['SET-9', 'SET-8', 'SET-5'],
      feature: 'killable',
    },
    async (stage) => {
      stage.write('film-0', content(LENGTH, 500));
      const first = await stage.backUpWhole();
      const stored = stage.objects();
      const seen = new Map<string, Buffer>();
      for (let i = 0; i < 2; i++) {
        fill(stage, 100 * i);
        await during(stage, () => stage.adapter.kill());
        remember(stage, seen);
        stage.requireKept(stored, stage.objects());
        const now = stage.look();
        demand(same(now.manifest.id, first.manifest.id), 'a generation that was not finished has a manifest');
      }
      const after = await stage.backUpWhole();
      remember(stage, seen);
      demand(after.manifest.generation === 2, 'another generation than 2');
      stage.requireKept(stored, stage.objects());
    },
  ),
  writes(
    {
      id: 'set-writer.rival',
      title: 'Another generation that appears while a backup is made',
      why: 'Two manifests of one generation are a fork that a person has to mend.',
      requirements: ['SET-12', 'BAK-2'],
      feature: 'killable',
    },
    async (stage) => {
      const first = await stage.backUpWhole();
      const { setId, mediaKey, id: manifestId, commitments } = first.manifest;
      const rival = new Rival(stage.key, setId, mediaKey);
      const ancestor = { generation: 1, manifestId, commitments };
      const { copies } = rival.generation([], 2, [ancestor]);
      fill(stage, 0);
      const outcome = await during(stage, () => stage.put(...copies));
      const { status } = score({ outcome: 'reject', errors: ['fork'] }, outcome, undefined);
      require(status === 'pass', 'accepted-invalid', 'a second generation 2 beside that of somebody else');
      const after = stage.look();
      const isTheirs = copies.every(({ name }) => after.copies.includes(name));
      demand(isTheirs, 'the generation of somebody else is not the newest one');
    },
  ),
];
