#!/usr/bin/env node
/**
 * `strongroom`: the command line (docs/cli.md). Results go to stdout, all else to stderr; the exit code says how it
 * went.
 *
 * @module
 */
import { createRequire } from 'node:module';
import { StrongroomError } from '../errors.ts';
import { helpOf, parse, refuseSecrets, type Command } from './command.ts';
import { exitHelp } from './exit.ts';
import { faultOf, report } from './faults.ts';

/** Commands that share a file. Each is loaded when it is asked for, so that small commands start fast. */
const GROUPS: readonly {
  readonly names: readonly string[];
  readonly load: () => Promise<readonly Command[]>;
}[] = [
  {
    names: ['backup', 'restore', 'list', 'verify'],
    load: async () => (await import('./set.ts')).SET_COMMANDS,
  },
  {
    names: ['prune', 'rekey'],
    load: async () => (await import('./retention.ts')).RETENTION_COMMANDS,
  },
  { names: ['salvage'], load: async () => (await import('./salvage.ts')).SALVAGE_COMMANDS },
  { names: ['head show'], load: async () => (await import('./head.ts')).HEAD_COMMANDS },
  {
    names: ['chat generate', 'chat export', 'chat import', 'chat show'],
    load: async () => (await import('./chat.ts')).CHAT_COMMANDS,
  },
  { names: ['key new', 'key show'], load: async () => (await import('./key.ts')).KEY_COMMANDS },
  {
    names: ['register', 'recover', 'status'],
    load: async () => (await import('./account.ts')).ACCOUNT_COMMANDS,
  },
  {
    names: ['change-password', 'delete', 'cancel'],
    load: async () => (await import('./account-change.ts')).CHANGE_COMMANDS,
  },
  {
    names: [
      'vault init',
      'vault serve',
      'vault check-config',
      'vault rotate',
      'vault install',
      'vault verify',
    ],
    load: async () => (await import('./vault.ts')).VAULT_COMMANDS,
  },
  {
    names: ['fleet signer new', 'fleet show', 'fleet sign', 'fleet assemble'],
    load: async () => (await import('./fleet.ts')).FLEET_COMMANDS,
  },
  {
    names: ['relay init', 'relay token add', 'relay token remove', 'relay serve'],
    load: async () => (await import('./relay.ts')).RELAY_COMMANDS,
  },
  { names: ['seal', 'open', 'inspect'], load: async () => (await import('./object.ts')).OBJECT_COMMANDS },
];

async function overview(): Promise<string> {
  const commands = (await Promise.all(GROUPS.map(({ load }) => load()))).flat();
  return [
    'Strongroom: end-to-end encrypted backups.',
    '',
    'Usage: strongroom <command> [options]',
    '       strongroom <command> --help',
    '',
    'Commands:',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(20)}${summary}`),
    '',
    'Secrets are asked for, or read with --key-file, --key-fd, --password-file, --password-fd; never arguments.',
    '',
    exitHelp(),
    '',
  ].join('\n');
}

function version(): string {
  // By its own name, so that it is found from the sources and from dist/ alike.
  const { version } = createRequire(import.meta.url)('strongroom/package.json') as { version: string };
  return version;
}

/** The command that the first words name, and the arguments after them. */
async function find(argv: readonly string[]): Promise<{ command: Command; rest: readonly string[] }> {
  for (const words of [3, 2, 1]) {
    const wanted = argv.slice(0, words).join(' ');
    const group = GROUPS.find(({ names }) => names.includes(wanted));
    const command = (await group?.load())?.find(({ name }) => name === wanted);
    if (command !== undefined) return { command, rest: argv.slice(words) };
  }
  const siblings = GROUPS.flatMap(({ names }) => names).filter((name) => name.startsWith(`${argv[0]} `));
  throw new StrongroomError(
    'usage',
    siblings.length > 0 ? `one of: ${siblings.join(', ')}` : `there is no command "${argv[0]}"`,
  );
}

/** Commands are loaded after this, for an older Node could not even load them. */
function requireNode(): void {
  if (Number(process.versions.node.split('.')[0]) >= 24) return;
  throw new StrongroomError(
    'usage',
    `Strongroom needs Node 24 or newer; this is Node ${process.versions.node}`,
  );
}

/** Whether what is in the way could be replaced with `--force`. */
let canForce = false;

async function run(argv: readonly string[], signal: AbortSignal): Promise<void> {
  requireNode();
  refuseSecrets(argv);
  const [first] = argv;
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    process.stdout.write(await overview());
    if (first === undefined) throw new StrongroomError('usage', 'a command is missing');
    return;
  }
  if (first === '--version') {
    process.stdout.write(`${version()}\n`);
    return;
  }
  const { command, rest } = await find(argv);
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(`${helpOf(command)}\n${exitHelp()}\n`);
    return;
  }
  canForce = command.options['force'] !== undefined && !rest.includes('--force');
  await command.run(parse(command, rest, signal));
}

/** Signals that stop the work, and the exit codes that tell of them. */
const STOPS = { SIGHUP: 129, SIGINT: 130, SIGQUIT: 131, SIGTERM: 143 } as const;

/** The first Ctrl-C, or another such signal, stops the work cleanly, the second at once. */
function interruptible(): {
  signal: AbortSignal;
  stop: (code: number) => void;
  exitCode: () => number | undefined;
} {
  const controller = new AbortController();
  let code: number | undefined;
  const stop = (number: number): void => {
    code ??= number;
    controller.abort();
  };
  for (const [name, number] of Object.entries(STOPS)) {
    process.on(name, () => {
      // Whoever closes a terminal sends more than one hang-up, and means no haste.
      if (code !== undefined && name !== 'SIGHUP') process.exit(code);
      stop(number);
    });
  }
  return { signal: controller.signal, stop, exitCode: () => code };
}

const { signal, stop, exitCode } = interruptible();

// A reader that has seen enough (`strongroom list | head`) is no fault worth a message.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? 141 : report(faultOf(error))),
);
// With nobody to tell, nothing goes on; but what was begun is cleared away.
process.stderr.on('error', () => stop(1));

try {
  await run(process.argv.slice(2), signal);
} catch (error) {
  const code = report(faultOf(error), canForce);
  process.exitCode = exitCode() ?? code;
}
