/**
 * Processes of the demonstration: the real command line, each run with a folder, an environment and descriptors of
 * its own.
 *
 * @module
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** Root of the checkout. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

/** What one run came to. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A demonstration that went wrong: the message is the whole story. */
export class DemoFailure extends Error {}

const children = new Set<ChildProcess>();

function start(
  args: readonly string[],
  cwd: string,
  variables: Readonly<Record<string, string>> = {},
): ChildProcess {
  const child = spawn(process.execPath, args, {
    cwd,
    // A device knows what is in its folder, and nothing of the user who runs the demonstration.
    env: { PATH: process.env['PATH'], HOME: cwd, NO_COLOR: '1', ...variables },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  children.add(child);
  child.once('close', () => children.delete(child));
  return child;
}

function collect(stream: NodeJS.ReadableStream | null | undefined): () => string {
  const parts: Buffer[] = [];
  stream?.on('data', (part: Buffer) => parts.push(part));
  return () => Buffer.concat(parts).toString();
}

function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? -1));
  });
}

/** Runs a Node program to its end; `secret` is what descriptor 3 yields. */
export async function run(
  args: readonly string[],
  options: { readonly cwd: string; readonly secret?: string },
): Promise<Ran> {
  const child = start(args, options.cwd);
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const fd3: unknown = child.stdio[3];
  if (fd3 instanceof Writable) {
    fd3.on('error', () => undefined); // not every command reads it
    fd3.end(options.secret ?? '');
  }
  const code = await ended(child);
  return { code, stdout: stdout(), stderr: stderr() };
}

/** Runs `strongroom`, and insists on its exit code. @throws DemoFailure */
export async function strongroom(
  args: readonly string[],
  options: { readonly cwd: string; readonly secret?: string; readonly expect?: number },
): Promise<Ran> {
  const ran = await run([MAIN, ...args], options);
  const { expect = 0 } = options;
  if (ran.code === expect) return ran;
  throw new DemoFailure(`strongroom ${args[0]} ended with ${ran.code}, not ${expect}:\n${ran.stderr}`);
}

/** A vault or a relay in a process of its own. */
export interface RunningService {
  readonly url: string;
  readonly pid: number | undefined;
  /** Ends it as an operator would; resolves to its exit code. */
  stop(): Promise<number>;
}

/** Serves what is in a folder on a free port. @throws DemoFailure */
export async function serve(
  kind: 'vault' | 'relay',
  folder: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<RunningService> {
  const child = start([MAIN, kind, 'serve', folder, '--port', '0'], folder, variables);
  const stderr = collect(child.stderr);
  const exit = ended(child);
  const url = await new Promise<string>((resolve, reject) => {
    if (child.stdout === null) return reject(new DemoFailure(`the ${kind} has no output`));
    createInterface(child.stdout).on('line', (line) => {
      const event = JSON.parse(line) as { msg?: string; url?: string };
      if (event.msg === 'listening' && event.url !== undefined) resolve(event.url);
    });
    exit.then((code) => reject(new DemoFailure(`the ${kind} ended with ${code}:\n${stderr()}`)), reject);
  });
  return {
    url,
    pid: child.pid,
    stop() {
      child.kill('SIGTERM');
      return exit;
    },
  };
}

/** Ends whatever still runs. */
export function endAll(): void {
  for (const child of children) child.kill('SIGKILL');
}
