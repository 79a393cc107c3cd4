/**
 * Running a vault: `strongroom vault serve` and `vault check-config`.
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import { checkVault, serveVault, VARIABLES } from '../vault/index.ts';
import { numberOption, untilAborted, type Command } from './command.ts';

const vaultServe: Command = {
  name: 'vault serve',
  summary: 'Serves the vault of a folder until it is told to stop (Ctrl-C, SIGTERM).',
  arguments: ['folder'],
  options: { port: { value: 'n', help: 'instead of the configured port; 0 = any free one' } },
  notes: [
    'Prints its log as JSON lines; "listening" names the address. It holds no account names and no secrets.',
    'SIGHUP: it serves under the descriptor that was installed meanwhile; "reloaded" says so.',
  ],
  examples: ['strongroom vault serve ./vault', 'strongroom vault serve ./vault --port 0'],
  async run(invocation) {
    const { signal } = invocation;
    const port = numberOption(invocation, 'port', 65535);
    const folder = invocation.argument(0);
    const server = await serveVault({ folder, ...(port === undefined ? {} : { port }) });
    // What runs on its own has no terminal that could hang up: the signal asks it to look at its descriptor again.
    process.removeAllListeners('SIGHUP');
    process.on('SIGHUP', () => void server.reload());
    await untilAborted(signal);
    await server.close();
  },
};

const vaultCheckConfig: Command = {
  name: 'vault check-config',
  summary:
    'Looks whether a vault could start from this folder: configuration, keys, descriptor, files. Changes nothing.',
  arguments: ['folder'],
  options: {},
  notes: [
    'The first thing that is wrong is named, with its field or variable. It may run beside the vault. Variables:',
    ...[...VARIABLES].map(([field, variable]) => `  ${variable.padEnd(46)}${field}`),
  ],
  examples: ['strongroom vault check-config ./vault'],
  async run(invocation) {
    const { listen, metrics, notAfter, connections } = await checkVault(invocation.argument(0));
    const until = new Date(1000 * notAfter);
    const rows = [
      `listens      ${listen.host}:${listen.port}`,
      `metrics      ${metrics === undefined ? 'nowhere' : `${metrics.host}:${metrics.port}`}`,
      `connections  ${connections} at once`,
      `descriptor   valid until ${until.toISOString()}`,
    ];
    process.stdout.write(`${rows.join('\n')}\n`);
    if (until.getTime() < Date.now()) {
      throw new StrongroomError(
        'descriptor-expired',
        'clients refuse the descriptor; sign and install a new one',
      );
    }
  },
};

/** Commands that run a vault. */
export const SERVE_COMMANDS: readonly Command[] = [vaultServe, vaultCheckConfig];
