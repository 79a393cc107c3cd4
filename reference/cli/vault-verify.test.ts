import { cpSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initVault } from '../vault/init.ts';
import { serveVault } from '../vault/server.ts';
import { HttpFleet } from '../vault/testing/http-account.ts';
import { strongroom, workplace } from './fixture.ts';

const place = workplace();
const whole = place.path('whole');
const names = Array.from({ length: 24 }, (_, i) => `margaret-${i}`);
/** Store keys of the records of each partition. */
let leaves: Uint8Array[][];

/** The store of a copy of the vault. */
function edit(name: string, change: (db: DatabaseSync) => void): string {
  const folder = place.path(name);
  cpSync(whole, folder, { recursive: true });
  const db = new DatabaseSync(`${folder}/store.db`);
  change(db);
  db.close();
  return folder;
}
const valueOf = (db: DatabaseSync, key: Uint8Array): Uint8Array =>
  db.prepare('SELECT value FROM entry WHERE key = ?').get(key)?.['value'] as Uint8Array;
const write = (db: DatabaseSync, key: Uint8Array, value: Uint8Array): void =>
  void db.prepare('INSERT OR REPLACE INTO entry (key, value) VALUES (?, ?)').run(key, value);
const leafName = (partition: number, which: number): string =>
  Buffer.from(leaves[partition]?.[which]?.subarray(3) ?? []).toString('hex');
const leafKey = (partition: number, which: number): Uint8Array =>
  leaves[partition]?.[which] ?? new Uint8Array(0);

interface Verified {
  readonly code: number | null;
  readonly stderr: string;
  readonly text: string;
  readonly faults: (string | undefined)[][];
}
async function verify(folder: string): Promise<Verified> {
  const { code, stdout, stderr } = await strongroom(['vault', 'verify', folder, '--json']);
  const text = stdout.toString();
  const { partitions } = JSON.parse(text) as {
    partitions: { partition: number; faults: { code: string; leaf?: string }[] }[];
  };
  const faults = partitions.flatMap(({ partition, faults }) =>
    faults.map(({ code, leaf }) => [`${partition}`, code, leaf]),
  );
  return { code, stderr, text, faults };
}

beforeAll(async () => {
  const pins = await initVault({ folder: whole, policy: { delays: [] }, partitionBits: 1 });
  const server = await serveVault({ folder: whole, port: 0, log: () => {} });
  const fleet = await HttpFleet.open(server.url, pins);
  await Promise.all(names.map((name) => fleet.account(name).register('secret', 5)));
  await server.close();
  const db = new DatabaseSync(`${whole}/store.db`);
  const keys = db.prepare("SELECT key FROM entry WHERE key >= x'02' ORDER BY key").all();
  db.close();
  leaves = [0, 1].map((partition) =>
    keys.map(({ key }) => key as Uint8Array).filter(([, , number]) => number === partition),
  );
  expect(leaves.map(({ length }) => length >= 2)).toEqual([true, true]);
});
afterAll(() => place.remove());

describe('vault verify', () => {
  it('counts what is there in a vault that is whole, and names no account', async () => {
    const { code, stdout, stderr } = await strongroom(['vault', 'verify', whole]);
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.toString().trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    for (const [partition, line] of lines.entries()) {
      const count = leaves[partition]?.length;
      expect(line).toMatch(
        new RegExp(`^partition ${partition}: ${count} records, head \\d+, data key 1; whole$`, 'u'),
      );
    }
    expect(await verify(whole)).toMatchObject({ code: 0, faults: [] });
  });

  // proves STO-37
  it('names every fault, by partition and leaf', async () => {
    const folder = edit('faults', (db) => {
      const [a, b] = [leafKey(0, 0), leafKey(0, 1)];
      const [x, y] = [valueOf(db, a), valueOf(db, b)];
      write(db, a, y);
      write(db, b, x);
      const flipped = valueOf(db, leafKey(1, 1)).slice();
      flipped[2000] = (flipped[2000] ?? 0) ^ 1;
      write(db, leafKey(1, 1), flipped);
      const added = leafKey(1, 0).slice();
      added[20] = (added[20] ?? 0) ^ 1;
      write(db, added, valueOf(db, leafKey(1, 0)));
      write(db, Uint8Array.of(1, 0, 1), new Uint8Array(122));
    });
    const { code, faults, stderr, text } = await verify(folder);
    expect(code).toBe(4);
    expect(stderr).toMatch(/^rollback-detected: .*partition 0, 1/u);
    const rollback = 'rollback-detected';
    const added = Buffer.from(leafName(1, 0), 'hex');
    added[17] = (added[17] ?? 0) ^ 1;
    expect(faults.slice(0, 3)).toEqual([
      ['0', rollback, undefined],
      ['0', rollback, leafName(0, 0)],
      ['0', rollback, leafName(0, 1)],
    ]);
    expect(faults[3]).toEqual(['1', rollback, undefined]);
    expect(faults.slice(4)).toHaveLength(2);
    expect(faults.slice(4)).toEqual(
      expect.arrayContaining([
        ['1', rollback, leafName(1, 1)],
        ['1', rollback, added.toString('hex')],
      ]),
    );
    expect(text).not.toContain('margaret');
  });

  it('sees that a record is gone', async () => {
    const folder = edit('gone', (db) => {
      db.prepare('DELETE FROM entry WHERE key = ?').run(leafKey(1, 0));
    });
    expect(await verify(folder)).toMatchObject({ code: 4, faults: [['1', 'rollback-detected', undefined]] });
  });

  it('needs the vault to stand still, and a vault at all', async () => {
    const server = await serveVault({ folder: whole, port: 0, log: () => {} });
    const { stderr } = await strongroom(['vault', 'verify', whole]);
    await server.close();
    expect(stderr).toMatch(/^store-locked: /u);
    expect((await strongroom(['vault', 'verify', place.path('nothing')])).stderr).toMatch(
      /^invalid-config: /u,
    );
  });
});
