/**
 * What a command of `strongroom` is, how its arguments are read and how its help is printed.
 *
 * @module
 */
import { parseArgs } from 'node:util';
import { StrongroomError } from '../errors.ts';
import { counted } from './progress.ts';

/** One option of a command. */
export interface Option {
  /** Name of the value in the help; absent for a switch. */
  readonly value?: string;
  readonly help: string;
  /** May be given several times. */
  readonly many?: true;
}

/** What a command is given. */
export interface Invocation {
  /** Value of an option that was given. */
  option(name: string): string | undefined;
  /** Values of an option that may be given several times, in their order. */
  options(name: string): readonly string[];
  /** Value of an option that has to be given. @throws StrongroomError `usage` */
  required(name: string): string;
  /** True if a switch was given. */
  has(name: string): boolean;
  /** The n-th argument that is no option. */
  argument(index: number): string;
  /** That argument and all that follow it. */
  argumentsFrom(index: number): readonly string[];
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** One command. */
export interface Command {
  /** One or two words: `backup`, `key new`. */
  readonly name: string;
  readonly summary: string;
  /** Names of the arguments that are no options; all are required. One or more take the place of a last name with `…`. */
  readonly arguments: readonly string[];
  readonly options: Readonly<Record<string, Option>>;
  /** More for `--help`: what happens, and when. */
  readonly notes?: readonly string[];
  readonly examples: readonly string[];
  /** Does it. Results go to stdout, all else to stderr. */
  run(invocation: Invocation): Promise<void>;
}

/** Names under which people try to pass a secret; each names what to use instead. */
const SECRET_OPTIONS: Readonly<Record<string, string>> = {
  '--password': '--password-file or --password-fd',
  '--new-password': '--new-password-file or --new-password-fd',
  '--token': '--token-file or --token-fd',
  '--pin': '--password-file or --password-fd',
  '--key': '--key-file or --key-fd',
  '--recovery-key': '--key-file or --key-fd',
};

/**
 * Refuses secrets among the arguments: every process of the machine can read them, and shells keep them.
 *
 * @throws StrongroomError `secret-in-arguments`
 */
export function refuseSecrets(argv: readonly string[]): void {
  const refuse = (instead: string): never => {
    throw new StrongroomError(
      'secret-in-arguments',
      `a secret must not be an argument, where other users can read it; use ${instead}, or type it when asked`,
    );
  };
  for (const argument of argv) {
    const instead = SECRET_OPTIONS[argument.split('=', 1)[0] ?? ''];
    if (instead !== undefined) refuse(instead);
  }
  // The recovery key, in one argument or in sixteen.
  const digits = argv.map((argument) => argument.replaceAll(/[\s-]/gu, '').replace(/^.*=/u, ''));
  const isKey = (text: string): boolean => /^[0-9a-f]{64}$/iu.test(text);
  const run = digits.map((text) => (/^[0-9a-f]{4}$/iu.test(text) ? text : '|')).join('');
  if (digits.some(isKey) || run.split('|').some(isKey)) refuse('--key-file or --key-fd');
}

/** Reads the arguments of one command. @throws StrongroomError `usage` */
export function parse(command: Command, argv: readonly string[], signal: AbortSignal): Invocation {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { value, many = false }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), multiple: many },
    ]),
  );
  const { values, positionals } = parseOrRefuse(argv, options);
  const open = command.arguments.at(-1)?.endsWith('…') === true;
  const count = command.arguments.length;
  if (open ? positionals.length < count : positionals.length !== count) {
    const wanted = command.arguments.map((name) => `<${name}>`).join(' ') || 'no argument';
    throw new StrongroomError(
      'usage',
      `${command.name} takes ${wanted}, not ${counted(positionals.length, 'argument')}`,
    );
  }
  const option = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    option,
    options(name) {
      const given = values[name];
      return Array.isArray(given) ? given.map(String) : [];
    },
    required(name) {
      const value = option(name);
      if (value === undefined) throw new StrongroomError('usage', `${command.name} needs --${name}`);
      return value;
    },
    has: (name) => values[name] === true,
    argument(index) {
      const value = positionals[index];
      if (value === undefined) throw new RangeError(`no argument ${index}`);
      return value;
    },
    argumentsFrom: (index) => positionals.slice(index),
    signal,
  };
}

function parseOrRefuse(
  argv: readonly string[],
  options: Record<string, { type: 'boolean' | 'string'; multiple: boolean }>,
): { values: Record<string, unknown>; positionals: string[] } {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new StrongroomError('usage', error instanceof Error ? error.message : String(error));
  }
}

/** Whole number of an option's value. @throws StrongroomError `usage` */
export function wholeNumber(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!/^\d+$/u.test(text) || value > max) {
    throw new StrongroomError('usage', `--${name} takes a whole number up to ${max}, not "${text}"`);
  }
  return value;
}

/** Whole number of an option that need not be given. @throws StrongroomError `usage` */
export function numberOption(invocation: Invocation, name: string, max: number): number | undefined {
  const text = invocation.option(name);
  return text === undefined ? undefined : wholeNumber(name, text, max);
}

/** Waits until the command is told to stop. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** The help of one command. */
export function helpOf(command: Command): string {
  const args = command.arguments.map((name) => ` <${name}>`).join('');
  const flags = Object.entries(command.options).map(([name, { value, help }]) => {
    const flag = `  --${name}${value === undefined ? '' : ` <${value}>`}`;
    return `${flag.padEnd(26)}${help}`;
  });
  return [
    command.summary,
    '',
    `Usage: strongroom ${command.name}${args}${flags.length > 0 ? ' [options]' : ''}`,
    ...(flags.length > 0 ? ['', 'Options:', ...flags] : []),
    ...(command.notes === undefined ? [] : ['', ...command.notes]),
    '',
    'Examples:',
    ...command.examples.map((example) => `  ${example}`),
    '',
  ].join('\n');
}
