/**
 * Adapters to begin with, one a language: each says hello, refuses what is no object, and answers `unsupported` to
 * the rest of the one operation that is to be filled in.
 *
 * @module
 */
import { ownFiles } from '../assets.ts';

/** The skeleton of one language. Commands are for the folder of the adapter. */
export interface Skeleton {
  /** Its files; the operation is to be filled in in the first one. */
  readonly files: readonly [string, ...string[]];
  /** What has to be there, for people. */
  readonly needs: string;
  readonly build?: string;
  readonly adapter: string;
}

/** All skeletons, by the name that `init --lang` takes. */
export const SKELETONS: ReadonlyMap<string, Skeleton> = new Map<string, Skeleton>([
  ['typescript', { files: ['adapter.ts'], needs: 'Node 24', adapter: 'node adapter.ts' }],
  ['python', { files: ['adapter.py'], needs: 'Python 3.9', adapter: 'python3 adapter.py' }],
  [
    'rust',
    {
      files: ['src/main.rs', 'Cargo.toml'],
      needs: 'Rust 1.62',
      build: 'cargo build --release',
      adapter: 'target/release/adapter',
    },
  ],
  [
    'go',
    {
      files: ['main.go', 'go.mod'],
      needs: 'Go 1.22',
      build: 'go build -o adapter .',
      adapter: './adapter',
    },
  ],
  [
    'c',
    {
      files: ['adapter.c'],
      needs: 'a C11 compiler and POSIX',
      build: 'cc -std=c11 -O2 -o adapter adapter.c',
      adapter: './adapter',
    },
  ],
]);

/** Text of a file of a skeleton. */
export function skeletonText(language: string, file: string): string {
  return ownFiles('conformance/skeletons').read(`${language}/${file}`).toString('utf8');
}
