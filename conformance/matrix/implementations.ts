/**
 * Implementations that lie in folders: what they need, how they are built, and how they are greeted.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../assets.ts';
import { Connection, StartError } from '../runner/connection.ts';
import {
  implementationSchema,
  type CommandLine,
  type Implementation,
  type Participant,
} from '../schema/matrix.ts';
import type { Hello } from '../schema/protocol.ts';

/** The file that makes a folder an implementation. */
export const MANIFEST = 'implementation.json';

/** An implementation and where it lies. */
export interface Found {
  readonly folder: string;
  readonly about: Implementation;
}

/** An implementation that has greeted. */
export interface Member {
  readonly name: string;
  readonly hello: Hello;
  readonly connection: Connection;
}

/** What `prepare` came to: a member, or the reason why there is none. */
export interface Prepared {
  readonly participant: Participant;
  readonly member?: Member;
}

/** Reads the description of the implementation in a folder. @throws Error if there is none, or it is not as it must be */
export function readImplementation(folder: string): Found {
  const path = join(folder, MANIFEST);
  const parsed = implementationSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (!parsed.success) throw new Error(`${path}: ${parsed.error.message}`);
  return { folder, about: parsed.data };
}

/** The implementations that come with the suite; none where it was published without them. */
export function ownImplementations(): Found[] {
  const home = join(packageRoot(), 'conformance', 'implementations');
  if (!existsSync(home)) return [];
  return readdirSync(home)
    .sort()
    .map((name) => join(home, name))
    .filter((folder) => existsSync(join(folder, MANIFEST)))
    .map(readImplementation);
}

/** How much of what a command prints is kept. */
const TAIL = 2000;

/** Why a command did not succeed. */
interface CommandFailure {
  readonly late: boolean;
  readonly reason: string;
}

/** Runs a command in a folder. @returns why it failed, if it did */
async function failureOf(
  command: CommandLine,
  folder: string,
  timeout: number,
): Promise<CommandFailure | undefined> {
  const [program, ...args] = command;
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(program === 'node' ? process.execPath : program, args, {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const keep = (text: string): void => void (output = (output + text).slice(-TAIL));
    let late = false;
    // The whole group: compilers start compilers.
    const timer = setTimeout(() => {
      late = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, timeout);
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.once('error', ({ message }) => {
      clearTimeout(timer);
      resolve({ late, reason: message });
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      const ended = `${signal ?? `exit code ${code}`}\n${output}`.trim();
      resolve(code === 0 ? undefined : { late, reason: late ? `not done in ${timeout / 1000} s` : ended });
    });
  });
}

/** Times that preparing may take, in milliseconds, and how much of it is done. */
export interface Patience {
  /** One answer. */
  readonly request: number;
  /** One command of a build. */
  readonly build: number;
  /** True if its own tests are run too. */
  readonly check: boolean;
}

/** Looks for what an implementation needs, builds it, and greets its adapter. */
export async function prepare({ folder, about }: Found, patience: Patience): Promise<Prepared> {
  const { name, version, language, libraries, shares, roles } = about;
  const facts = { name, version, language, libraries, shares, roles };
  const lost = (status: Participant['status'], detail: string, built = 0): Prepared => ({
    participant: { ...facts, status, detail, built },
  });
  for (const { command, why } of about.needs) {
    const failure = await failureOf(command, folder, patience.build);
    if (failure !== undefined) return lost('missing', `${command.join(' ')} (${why}): ${failure.reason}`);
  }
  const start = performance.now();
  const since = (): number => Math.round(performance.now() - start);
  const commands = patience.check ? [...about.build, ...(about.check ?? [])] : about.build;
  for (const command of commands) {
    const failure = await failureOf(command, folder, patience.build);
    if (failure === undefined) continue;
    const status = failure.late ? 'out-of-time' : 'not-built';
    return lost(status, `${command.join(' ')}: ${failure.reason}`, since());
  }
  const built = since();
  const connection = new Connection(about.adapter, { timeout: patience.request, folder });
  try {
    const hello = await connection.hello();
    return {
      participant: { ...facts, roles: hello.roles, status: 'ran', built },
      member: { name, hello, connection },
    };
  } catch (error) {
    await connection.close();
    if (error instanceof StartError) return lost('not-started', error.message, built);
    throw error;
  }
}
