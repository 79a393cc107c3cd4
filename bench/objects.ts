/**
 * One GiB sealed and opened in memory, against the cipher alone in the same process, and the peak memory of a process
 * that does nothing else.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BackupKey, Opener, Sealer } from '../reference/container/index.ts';
import type { ChunkLog2 } from '../reference/container/index.ts';
import { free } from '../reference/crypto/memory.ts';
import type { Bytes } from '../reference/wire/bytes.ts';
import { measure, type Row } from './harness.ts';
import { rawEvp } from './raw-evp.ts';

const MIB = 2 ** 20;
const key = BackupKey.generate();
/** Length in MiB of a content that stays in the cache. */
const SHORT = 4;
const piece = new Uint8Array(randomBytes(SHORT * MIB));

function* content(mebibytes: number): Generator<Uint8Array> {
  for (let left = mebibytes * MIB; left > 0; left -= piece.length)
    yield piece.subarray(0, Math.min(left, piece.length));
}

/** Seals so many MiB and hands every piece of the object to `take`. */
function sealing(mebibytes: number, chunkLog2: ChunkLog2, take: (bytes: Bytes) => void): void {
  const sealer = new Sealer({ key, type: 'blob', chunkLog2 });
  take(sealer.header);
  for (const part of content(mebibytes)) for (const sealed of sealer.feed(part)) take(sealed);
  for (const sealed of sealer.finish()) take(sealed);
}

/** Seals so many MiB and opens what comes out at once, in memory of a few chunks. */
function both(mebibytes: number, chunkLog2: ChunkLog2): void {
  const opener = new Opener({ key });
  sealing(mebibytes, chunkLog2, (bytes) => {
    for (const content of opener.feed(bytes)) free(content);
    free(bytes);
  });
  for (const content of opener.finish()) free(content);
}

/** The cipher of Node, its outputs left to the garbage collector: what plain code reaches. */
function plain(mebibytes: number, size: number): void {
  const secret = createSecretKey(randomBytes(32));
  const nonce = Buffer.alloc(12);
  for (const part of content(mebibytes)) {
    for (let at = 0; at < part.length; at += size) {
      const cipher = createCipheriv('aes-256-gcm', secret, nonce);
      cipher.update(part.subarray(at, at + size));
      cipher.final();
      cipher.getAuthTag();
    }
  }
}

/** Peak resident memory in MiB of a process that seals and opens so many MiB. */
function peakMemory(mebibytes: number): number {
  const self = fileURLToPath(import.meta.url);
  const run = spawnSync(process.execPath, [self, 'peak', String(mebibytes)], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`peak memory: ${run.stderr}`);
  return Number(run.stdout);
}

/** One GiB in each chunk size that blobs use, and the memory that it takes. */
export async function objects(time: number, mebibytes: number): Promise<Row[]> {
  const rows: Row[] = [];
  const native = rawEvp();
  for (const chunkLog2 of [18, 20] as const) {
    const size = 2 ** chunkLog2;
    const usual = `AES-256-GCM of node:crypto, ${size / 1024} KiB a call`;
    const base = native === undefined ? usual : `raw EVP loop, ${size / 1024} KiB a call`;
    const unit = { worth: mebibytes, unit: 'MiB' };
    // What is opened is sealed first, and short enough for the cache, as the content that is sealed is: out of memory that
    // is not, the cipher alone takes twice the time.
    const object: Uint8Array[] = [];
    sealing(SHORT, chunkLog2, (bytes) => object.push(bytes));
    const tasks = [
      ...(native === undefined
        ? []
        : [{ name: base, run: () => native(size, (mebibytes * MIB) / size), ...unit }]),
      {
        name: usual,
        run: () => plain(mebibytes, size),
        ...(native === undefined ? {} : { against: base }),
        ...unit,
      },
      {
        name: `seal, ${size / 1024} KiB chunks`,
        run: () => sealing(mebibytes, chunkLog2, free),
        against: base,
        ...unit,
      },
      {
        name: `open, ${size / 1024} KiB chunks`,
        run: () => {
          for (let left = mebibytes; left > 0; left -= SHORT) {
            const opener = new Opener({ key });
            for (const bytes of object) for (const content of opener.feed(bytes)) free(content);
            for (const content of opener.finish()) free(content);
          }
        },
        against: base,
        ...unit,
      },
    ];
    rows.push(...(await measure(`${mebibytes} MiB in memory, ${size / 1024} KiB chunks`, tasks, time)));
  }
  for (const size of [16, mebibytes]) {
    const peak = peakMemory(size);
    const section = 'peak resident memory, seal and open';
    rows.push({ section, name: `${size} MiB of content`, value: peak, unit: 'MiB' });
  }
  return rows;
}

if (process.argv[2] === 'peak') {
  both(Number(process.argv[3]), 18);
  // Of this process alone: what getrusage tells begins with the memory of the parent.
  const status = readFileSync('/proc/self/status', 'utf8');
  process.stdout.write(String(Number(/VmHWM:\s+(\d+) kB/u.exec(status)?.[1]) / 1024));
}
