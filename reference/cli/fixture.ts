/**
 * The command line as a child process, for tests.
 *
 * @module
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { ENVIRONMENT } from '../fixture.ts';

/** Path of the command line's entry. */
export const MAIN: string = fileURLToPath(new URL('main.ts', import.meta.url));

/** What a run came to. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** How to run. */
export interface RunOptions {
  readonly cwd?: string;
  readonly input?: Uint8Array | string;
  /** Writes nothing to stdin, and leaves it open. */
  readonly keepStdinOpen?: boolean;
  /** What descriptor 3 yields. */
  readonly fd3?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A file that stdout is redirected to. */
  readonly stdout?: string;
  /** Longest file that it may write, in blocks of 512 bytes: a disk that is full. */
  readonly fileLimit?: number;
  /** Called once the process runs. */
  readonly onStart?: (child: ChildProcessWithoutNullStreams) => Promise<void> | void;
}

/** The command, through a shell if that has to set something up first. */
function commandOf(argv: readonly string[], { stdout, fileLimit }: RunOptions): [string, readonly string[]] {
  if (stdout === undefined && fileLimit === undefined) return [argv[0] ?? '', argv.slice(1)];
  const limit = fileLimit === undefined ? '' : `ulimit -f ${fileLimit}; `;
  const redirect = stdout === undefined ? '' : ` > ${stdout}`;
  return ['sh', ['-c', `${limit}exec "$@"${redirect}`, 'sh', ...argv]];
}

/** Runs `strongroom` with these arguments to its end. */
export async function strongroom(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const [command, rest] = commandOf([process.execPath, MAIN, ...args], options);
  const child = spawn(command, rest, {
    cwd: options.cwd,
    env: { ...ENVIRONMENT, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe', options.fd3 === undefined ? 'ignore' : 'pipe'],
  }) as ChildProcessWithoutNullStreams;
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (part: Buffer) => stdout.push(part));
  child.stderr.on('data', (part: Buffer) => (stderr += part.toString()));
  child.stdin.on('error', () => undefined); // it may end before it has read everything
  if (options.keepStdinOpen !== true) child.stdin.end(options.input ?? '');
  const fd3: unknown = child.stdio[3];
  if (fd3 instanceof Writable) {
    fd3.on('error', () => undefined);
    fd3.end(options.fd3);
  }
  const started = options.onStart?.(child);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  await started;
  return { code, stdout: Buffer.concat(stdout), stderr };
}

/** A folder for one test file. */
export interface Workplace {
  readonly folder: string;
  /** Absolute path of a name in the folder. */
  path(...names: string[]): string;
  write(name: string, content: string | Uint8Array): string;
  remove(): void;
}

/** A fresh folder. */
export function workplace(): Workplace {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-cli-'));
  const path = (...names: string[]): string => join(folder, ...names);
  return {
    folder,
    path,
    write(name, content) {
      writeFileSync(path(name), content, { mode: 0o600 });
      return path(name);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
