/**
 * The rate at which the libcrypto of this process does AES-256-GCM, without a runtime around it.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Seals `count` chunks of `size` bytes into one buffer that is used again. */
export type RawSeal = (size: number, count: number) => void;

/** The native loop, or undefined where there is no C compiler. */
export function rawEvp(): RawSeal | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-bench-'));
  try {
    const library = join(folder, 'raw-evp.node');
    const source = fileURLToPath(new URL('raw-evp.c', import.meta.url));
    const built = spawnSync('cc', ['-O2', '-shared', '-fPIC', '-o', library, source], { encoding: 'utf8' });
    if (built.status !== 0) return undefined;
    const module = { exports: {} };
    process.dlopen(module, library);
    const seal = module.exports as (size: number, count: number) => number;
    return (size, count) => {
      if (seal(size, count) !== count) throw new Error('the raw cipher failed');
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
