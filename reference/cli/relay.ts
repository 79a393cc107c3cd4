/**
 * Running a relay: `strongroom relay init`, `relay token add`, `relay token remove` and `relay serve`.
 *
 * @module
 */
import {
  addToken,
  initRelay,
  readRelayConfig,
  RELAY_VARIABLES,
  removeTokens,
  serveRelay,
} from '../relay/index.ts';
import { StrongroomError } from '../errors.ts';
import { hex } from '../wire/bytes.ts';
import { numberOption, untilAborted, type Command } from './command.ts';

const relayInit: Command = {
  name: 'relay init',
  summary: 'Makes a relay in a new folder: key, empty list of tokens, configuration. Prints its public key.',
  arguments: ['folder'],
  options: {
    vault: { value: 'url', help: 'address of the vault (required)' },
    port: { value: 'n', help: 'port to listen on; default 8788, on 127.0.0.1' },
  },
  notes: [
    'Give relay.pub to `vault init --relay`: the vault then believes this relay, and no client that comes directly.',
  ],
  examples: ['strongroom relay init ./relay --vault http://127.0.0.1:8787'],
  async run(invocation) {
    const vault = invocation.required('vault');
    const publicKey = await initRelay(invocation.argument(0), vault, numberOption(invocation, 'port', 65535));
    process.stdout.write(`${hex(publicKey)}\n`);
  },
};

const tokenAdd: Command = {
  name: 'relay token add',
  summary: 'Makes a token for an account and prints it, this once.',
  arguments: ['folder', 'account'],
  options: {},
  notes: [
    'The relay keeps only its hash. An account may have several, one for each device; a running relay takes note within',
    'two seconds.',
  ],
  examples: ['strongroom relay token add ./relay +15550100'],
  async run(invocation) {
    const { tokens } = await readRelayConfig(invocation.argument(0));
    process.stdout.write(`${await addToken(tokens, invocation.argument(1))}\n`);
  },
};

const tokenRemove: Command = {
  name: 'relay token remove',
  summary: 'Takes all tokens of an account away.',
  arguments: ['folder', 'account'],
  options: {},
  examples: ['strongroom relay token remove ./relay +15550100'],
  async run(invocation) {
    const { tokens } = await readRelayConfig(invocation.argument(0));
    const removed = await removeTokens(tokens, invocation.argument(1));
    if (removed === 0) throw new StrongroomError('not-found', 'the account has no token');
    process.stdout.write(`${removed} removed\n`);
  },
};

const relayServe: Command = {
  name: 'relay serve',
  summary: 'Serves the relay of a folder until it is told to stop (Ctrl-C, SIGTERM).',
  arguments: ['folder'],
  options: { port: { value: 'n', help: 'instead of the configured port; 0 = any free one' } },
  notes: [
    'Prints its log as JSON lines; "listening" names the address. It holds no account names and no tokens. Variables:',
    ...[...RELAY_VARIABLES].map(([field, variable]) => `  ${variable.padEnd(46)}${field}`),
  ],
  examples: ['strongroom relay serve ./relay'],
  async run(invocation) {
    const port = numberOption(invocation, 'port', 65535);
    const folder = invocation.argument(0);
    const server = await serveRelay({ folder, ...(port === undefined ? {} : { port }) });
    await untilAborted(invocation.signal);
    await server.close();
  },
};

/** Commands about a relay of one's own. */
export const RELAY_COMMANDS: readonly Command[] = [relayInit, tokenAdd, tokenRemove, relayServe];
