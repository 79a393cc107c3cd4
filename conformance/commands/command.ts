/**
 * What a command of `strongroom-conformance` is, and how its arguments are read.
 *
 * @module
 */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { LEVELS, ROLES, type Level, type Role } from '../schema/vector.ts';

/** Where a command writes. */
export interface Streams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
}

/** One command. */
export interface Command {
  /** A few words for the list of commands. */
  readonly summary: string;
  /** What `--help` prints: usage, options, examples. */
  readonly help: string;
  /**
   * Does it.
   *
   * @param args those after the name of the command
   * @returns the exit code
   * @throws UsageError
   */
  run(args: readonly string[], io: Streams): Promise<number> | number;
}

/** The command line is not one that the command takes. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Reads arguments. @throws UsageError */
export function parseOptions<const T extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: T,
): ReturnType<typeof parseArgs<{ args: string[]; options: T; allowPositionals: true }>> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** The roles of these names, undefined for no names. @throws UsageError */
export function rolesOf(names: readonly string[] | undefined): Role[] | undefined {
  return names?.map((name) => {
    const found = ROLES.find((role) => role === name);
    if (found === undefined) throw new UsageError(`${name} is not a role: ${ROLES.join(', ')}`);
    return found;
  });
}

/** The level of this name. @throws UsageError */
export function levelOf(name: string): Level {
  const found = LEVELS.find((level) => level === name);
  if (found === undefined) throw new UsageError(`${name} is not a level: ${LEVELS.join(', ')}`);
  return found;
}

/** The number in the value of an option. @throws UsageError */
export function integerOf(option: string, value: string): number {
  if (!/^[0-9]{1,9}$/u.test(value)) throw new UsageError(`--${option} takes a number`);
  return Number(value);
}
