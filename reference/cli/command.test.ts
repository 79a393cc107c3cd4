import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { BackupKey } from '../container/index.ts';
import { ERRORS, isStrongroomError, type ErrorCode } from '../errors.ts';
import { ACCOUNT_COMMANDS } from './account.ts';
import { CHANGE_COMMANDS } from './account-change.ts';
import { helpOf, parse, refuseSecrets, wholeNumber, type Command } from './command.ts';
import { EXIT_CODES, exitCodeOf } from './exit.ts';
import { strongroom } from './fixture.ts';
import { CHAT_COMMANDS } from './chat.ts';
import { FLEET_COMMANDS } from './fleet.ts';
import { HEAD_COMMANDS } from './head.ts';
import { KEY_COMMANDS } from './key.ts';
import { OBJECT_COMMANDS } from './object.ts';
import { RETENTION_COMMANDS } from './retention.ts';
import { SALVAGE_COMMANDS } from './salvage.ts';
import { SET_COMMANDS } from './set.ts';
import { RELAY_COMMANDS } from './relay.ts';
import { VAULT_COMMANDS } from './vault.ts';

const ALL = [
  ...SET_COMMANDS,
  ...RETENTION_COMMANDS,
  ...HEAD_COMMANDS,
  ...CHAT_COMMANDS,
  ...SALVAGE_COMMANDS,
  ...KEY_COMMANDS,
  ...ACCOUNT_COMMANDS,
  ...CHANGE_COMMANDS,
  ...FLEET_COMMANDS,
  ...RELAY_COMMANDS,
  ...VAULT_COMMANDS,
  ...OBJECT_COMMANDS,
];
const digits = BackupKey.generate().recoveryKey();
const { signal } = new AbortController();

function messageOf(code: ErrorCode, action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (isStrongroomError(error, code)) return error.message;
    throw error;
  }
  throw new Error(`no ${code}`);
}

// proves CLI-39
describe('secrets among the arguments', () => {
  // proves CNV-20
  test.each([
    ['--password', ['recover', '--password', 'hunter2']],
    ['--password=', ['recover', '--password=hunter2']],
    ['--pin', ['recover', '--pin', '123456']],
    ['--recovery-key', ['open', '--recovery-key', 'x']],
    ['the digits as one argument', ['key', 'show', digits]],
    ['the digits as sixteen', ['key', 'show', ...digits.split(' ')]],
    ['the digits as sixteen, and more', ['a', 'b', ...digits.split(' '), 'c']],
    ['the digits as a value', ['key', 'show', `--key-file=${digits.replaceAll(' ', '')}`]],
    ['the digits with hyphens', [digits.replaceAll(' ', '-').toUpperCase()]],
  ])('are refused and not repeated: %s', (_name, argv) => {
    const message = messageOf('secret-in-arguments', () => refuseSecrets(argv));
    for (const secret of ['hunter2', '123456', digits.slice(0, 9)]) expect(message).not.toContain(secret);
  });

  test.each([
    ['names of files', ['open', '--key-file', 'backup.key', 'cafe', 'beef']],
    ['a digit less', ['key', 'show', digits.slice(1)]],
    ['short hexadecimal words', Array.from({ length: 15 }, () => 'cafe')],
  ])('are not seen where there are none: %s', (_name, argv) => {
    expect(() => refuseSecrets(argv)).not.toThrow();
  });

  test('end the program before anything is done', async () => {
    const ran = await strongroom(['recover', '--password', 'hunter2']);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(/^secret-in-arguments: .+\n {2}\S/u);
    expect(ran.stderr).not.toContain('hunter2');
  });
});

const COMMAND: Command = {
  name: 'try',
  summary: 'Tries.',
  arguments: ['what'],
  options: { from: { value: 'folder', help: 'whence' }, hard: { help: 'more' } },
  examples: ['strongroom try it'],
  run: () => Promise.resolve(),
};

describe('arguments', () => {
  test('are read', () => {
    const invocation = parse(COMMAND, ['it', '--from', 'here', '--hard'], signal);
    expect(invocation.argument(0)).toBe('it');
    expect(invocation.required('from')).toBe('here');
    expect(invocation.has('hard')).toBe(true);
    expect(parse(COMMAND, ['it'], signal).has('hard')).toBe(false);
  });

  test.each([
    ['none', []],
    ['too many', ['a', 'b']],
    ['an unknown option', ['a', '--soft']],
    ['an option without its value', ['a', '--from']],
    ['a switch with a value', ['a', '--hard=yes']],
  ])('are refused: %s', (_name, argv) => {
    messageOf('usage', () => parse(COMMAND, argv, signal));
  });

  test('a missing option is named', () => {
    const invocation = parse(COMMAND, ['it'], signal);
    expect(messageOf('usage', () => invocation.required('from'))).toContain('--from');
  });

  test('numbers are whole and bounded', () => {
    expect(wholeNumber('budget', '100', 100)).toBe(100);
    for (const text of ['101', '-1', '1.5', '', '1e1', '0x1', ' 1']) {
      messageOf('usage', () => wholeNumber('budget', text, 100));
    }
  });

  test.each([[[]], [['nonsense']], [['key']]])('an unknown command is a usage error: %j', async (argv) => {
    const ran = await strongroom(argv);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(/^usage: /u);
  });
});

describe('help', () => {
  test('every command of the overview exists, and every command is in it', async () => {
    const { code, stdout } = await strongroom(['--help']);
    const overview = stdout.toString();
    expect(code).toBe(0);
    const listed = overview.split('\n').filter((line) => /^ {2}[a-z]/u.test(line));
    const expected = ALL.map(({ name, summary }) => `  ${name.padEnd(20)}${summary}`);
    expect(listed.sort()).toEqual(expected.sort());
  });

  test.each(ALL.map((command) => [command.name, command] as const))(
    '%s: options, and examples that parse',
    (_name, command) => {
      const help = helpOf(command);
      for (const option of Object.keys(command.options)) expect(help).toContain(`--${option}`);
      expect(command.examples.length).toBeGreaterThan(0);
      for (const example of command.examples) {
        const words = example
          .slice(example.indexOf('strongroom ') + 11)
          .replace(/ \d?[<>].*$/u, '')
          .split(' ');
        expect(words.slice(0, command.name.split(' ').length).join(' ')).toBe(command.name);
        parse(command, words.slice(command.name.split(' ').length), signal);
      }
    },
  );
});

describe('exit codes', () => {
  test('every error code has one that is documented', () => {
    const guide = readFileSync(fileURLToPath(new URL('../../docs/cli.md', import.meta.url)), 'utf8');
    for (const code of Object.keys(ERRORS) as ErrorCode[])
      expect(EXIT_CODES).toHaveProperty(String(exitCodeOf(code)));
    for (const [code, meaning] of Object.entries(EXIT_CODES))
      expect(guide).toContain(`| ${code} | ${meaning} |`);
  });

  test.each([
    ['wrong-password', 3],
    ['wrong-key', 3],
    ['header-damaged', 4],
    ['object-missing', 4],
    ['unavailable', 5],
    ['try-later', 5],
    ['destroyed', 6],
    ['descriptor-expired', 7],
    ['disk-full', 1],
  ] as const)('%s ends with %i', (code, exit) => {
    expect(exitCodeOf(code)).toBe(exit);
  });
});
