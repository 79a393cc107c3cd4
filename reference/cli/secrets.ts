/**
 * Where secrets come from: a file, a descriptor, or the terminal. Never an argument, never the environment.
 *
 * @module
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { StrongroomError } from '../errors.ts';
import { BackupKey } from '../keys/backup-key.ts';
import { fromUtf8, wipe } from '../wire/bytes.ts';
import type { Invocation, Option } from './command.ts';
import { wholeNumber } from './command.ts';
import { askSecret } from './prompt.ts';

/** Options of every command that needs the backup key. */
export const KEY_OPTIONS: Readonly<Record<string, Option>> = {
  'key-file': { value: 'file', help: 'file that holds the recovery key (made by "key new")' },
  'key-fd': { value: 'n', help: 'open descriptor from which to read the recovery key' },
};

/** Options of every command that needs the password. */
export const PASSWORD_OPTIONS: Readonly<Record<string, Option>> = {
  'password-file': { value: 'file', help: 'file whose first line is the password' },
  'password-fd': { value: 'n', help: 'open descriptor from which to read the password' },
};

/** Options of a command that needs the key that is registered now. */
export const PREVIOUS_KEY_OPTIONS: Readonly<Record<string, Option>> = {
  'previous-key-file': { value: 'file', help: 'the key that is registered now, if it is another one' },
  'previous-key-fd': { value: 'n', help: 'open descriptor from which to read it' },
};

/** Options of a command that takes a new password beside the present one. */
export const NEW_PASSWORD_OPTIONS: Readonly<Record<string, Option>> = {
  'new-password-file': { value: 'file', help: 'file whose first line is the new password' },
  'new-password-fd': { value: 'n', help: 'open descriptor from which to read the new password' },
};

/** Options of every command that may have to ask a relay. */
export const TOKEN_OPTIONS: Readonly<Record<string, Option>> = {
  'token-file': { value: 'file', help: 'file that holds the token of the account at the relay' },
  'token-fd': { value: 'n', help: 'open descriptor from which to read the token' },
};

const MAX_SECRET = 4096;

/** Reads, and waits if nothing is there yet: a descriptor may be one that does not block. */
function readWaiting(fd: number, buffer: Uint8Array): number {
  for (;;) {
    try {
      return readSync(fd, buffer);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** All bytes of a descriptor, at most {@link MAX_SECRET}. */
function readAll(fd: number, what: string): Uint8Array {
  const buffer = new Uint8Array(MAX_SECRET + 1);
  let length = 0;
  while (length < buffer.length) {
    const read = readWaiting(fd, buffer.subarray(length));
    if (read === 0) return buffer.subarray(0, length);
    length += read;
  }
  wipe(buffer);
  throw new StrongroomError('usage', `${what} holds more than ${MAX_SECRET} bytes: not a secret`);
}

/** First line of a descriptor: a line end is not part of a secret, spaces are. */
function readSecret(fd: number, what: string): string {
  const bytes = readAll(fd, what);
  try {
    const end = bytes.indexOf(0x0a);
    const line = end < 0 ? bytes : bytes.subarray(0, end);
    return fromUtf8(line.at(-1) === 0x0d ? line.subarray(0, -1) : line);
  } finally {
    wipe(bytes);
  }
}

function readSecretFile(path: string): string {
  const fd = openSync(path, 'r');
  try {
    const { mode } = fstatSync(fd);
    if (fstatSync(fd).isFile() && (mode & 0o077) !== 0 && process.platform !== 'win32') {
      process.stderr.write(`warning: other users can read ${path}; run: chmod 600 ${path}\n`);
    }
    return readSecret(fd, path);
  } finally {
    closeSync(fd);
  }
}

/** One secret from the source that the options name, or from the terminal. */
async function secret(invocation: Invocation, name: string, question: string): Promise<string> {
  const file = invocation.option(`${name}-file`);
  const fd = invocation.option(`${name}-fd`);
  if (file !== undefined && fd !== undefined) {
    throw new StrongroomError('usage', `--${name}-file and --${name}-fd exclude each other`);
  }
  if (file !== undefined) return readSecretFile(file);
  if (fd !== undefined) return readSecret(wholeNumber(`${name}-fd`, fd, 1_000_000), `descriptor ${fd}`);
  return askSecret(question, invocation.signal);
}

/** True if the options say where a secret comes from. */
export function isGiven(invocation: Invocation, name: string): boolean {
  return [`${name}-file`, `${name}-fd`].some((option) => invocation.option(option) !== undefined);
}

/** The password of an account. */
export function askPassword(invocation: Invocation): Promise<string> {
  return secret(invocation, 'password', 'Password');
}

/** A new password: at the terminal it is asked for twice. @throws StrongroomError `usage` if the two differ */
export async function askNewPassword(
  invocation: Invocation,
  name: 'password' | 'new-password' = 'password',
): Promise<string> {
  const typed = !isGiven(invocation, name);
  const password = await secret(invocation, name, 'New password');
  if (typed && (await askSecret('The same again', invocation.signal)) !== password) {
    throw new StrongroomError('usage', 'the two passwords differ');
  }
  return password;
}

/** The backup key. @throws StrongroomError `invalid-recovery-key` */
export async function askKey(invocation: Invocation): Promise<BackupKey> {
  return BackupKey.parse(await secret(invocation, 'key', 'Recovery key (64 digits)'));
}

/** The backup key in a file. @throws StrongroomError `invalid-recovery-key` */
export function keyInFile(path: string): BackupKey {
  return BackupKey.parse(readSecretFile(path));
}

/** The key that is registered now; undefined unless the options name it. */
export async function previousKey(invocation: Invocation): Promise<BackupKey | undefined> {
  if (!isGiven(invocation, 'previous-key')) return undefined;
  return BackupKey.parse(await secret(invocation, 'previous-key', ''));
}

/** The token of the account at a relay; undefined unless the options name it. */
export async function askToken(invocation: Invocation): Promise<string | undefined> {
  return isGiven(invocation, 'token') ? secret(invocation, 'token', '') : undefined;
}
