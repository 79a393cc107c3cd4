/**
 * A command line as a test runs it.
 *
 * @module
 */
import { join } from 'node:path';
import { command } from '../command.ts';
import { packageRoot } from '../vectors.ts';

/** Runs a command line, and returns what it printed. */
export async function cli(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const text = { stdout: '', stderr: '' };
  const stdout = { write: (part: string) => (text.stdout += part) };
  const stderr = { write: (part: string) => (text.stderr += part) };
  const code = await command(args, { stdout, stderr });
  return { code, ...text };
}

/** Command of the adapter of the reference. */
export const REFERENCE: string = `node ${join(packageRoot(), 'conformance/adapters/reference.ts')}`;

/** Command of an adapter that implements nothing, and misbehaves as `mode` says. */
export function nullAdapter(mode: string): string {
  return `node ${join(packageRoot(), 'conformance/adapters/null.ts')} ${mode}`;
}
