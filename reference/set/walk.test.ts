import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { backup, restore } from './index.ts';
import { canMount, key, place, tree, write } from './fixture.ts';
import { modifiedOf } from './walk.ts';

// proves SET-21
it.each([
  [2n ** 53n, 0n, undefined],
  [-(2n ** 53n), 999_999_999n, undefined],
  [-(2n ** 63n), 0n, undefined],
  [2n ** 53n - 1n, 999_999_999n, { seconds: 2 ** 53 - 1, nanoseconds: 999_999_999 }],
  [-(2n ** 53n) + 1n, 1n, { seconds: -(2 ** 53) + 1, nanoseconds: 1 }],
  [-1n, 999_999_999n, { seconds: -1, nanoseconds: 999_999_999 }],
])('a time of %d s and %d ns', (seconds, nanoseconds, time) => {
  expect(modifiedOf({ mtimeNs: seconds * 1_000_000_000n + nanoseconds })).toEqual(time);
});

// proves SET-10, SET-21
it.skipIf(!canMount())(
  'a file or folder of a time that no manifest can hold costs itself alone',
  async () => {
    const at = place();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at.source]);
    try {
      for (const path of ['far', 'folder/file', 'near']) write(at.source, path, path);
      execFileSync('touch', ['-d', '@9007199254740993', 'far', 'folder'], { cwd: at.source });
      const { skipped } = await backup(at.source, at.storage, { key });
      expect(skipped.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
        { path: 'far', code: 'unsupported-file' },
        { path: 'folder', code: 'unsupported-file' },
      ]);
      await restore(at.storage, key, at.target);
      expect(tree(at.target)).toEqual({ near: 'near' });
    } finally {
      execFileSync('umount', [at.source]);
    }
  },
);
