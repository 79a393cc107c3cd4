/**
 * The process that talks to a device (spec/hsm.md, "Agent"). It is the child of a vault and ends with it.
 *
 * @module
 */
import { isStrongroomError, StrongroomError } from '../../errors.ts';
import { equal, fromUtf8, utf8, type Bytes } from '../../wire/bytes.ts';
import type { DataObjects } from './data-objects.ts';
import type { TokenKeys } from './keys.ts';
import type { TokenOperations } from './operations.ts';
import type { Agent, AgentAnswer, AgentCall } from './protocol.ts';
import type { Token } from './token.ts';

interface Opened {
  readonly token: Token;
  readonly keys: TokenKeys;
  readonly operations: TokenOperations;
  readonly anchor: DataObjects;
}

let opened: Opened | undefined;
/** An HMAC that was made at the start: another one is another key. */
let known: Bytes | undefined;

function at(): Opened {
  if (opened === undefined) throw new StrongroomError('hsm-unavailable', 'no token is open');
  return opened;
}

const probe = (): Promise<Bytes> => at().operations.hmac('head', utf8('probe'));

const agent: Agent = {
  async open(settings, pin) {
    // Not before: that pkcs11js is not compiled is the answer to a call.
    const [{ Token }, { TokenKeys }, { TokenOperations }, { DataObjects }] = await Promise.all([
      import('./token.ts'),
      import('./keys.ts'),
      import('./operations.ts'),
      import('./data-objects.ts'),
    ]);
    const token = Token.open(settings.module, settings.tokenLabel, fromUtf8(pin));
    const keys = new TokenKeys(token, settings.keyPrefix);
    const operations = new TokenOperations(token, keys);
    opened = { token, keys, operations, anchor: new DataObjects(token, `${settings.keyPrefix}anchor`) };
    return token.serial;
  },
  async createKeys() {
    const { requireMechanisms } = await import('./self-test.ts');
    requireMechanisms(at().token);
    at().keys.create();
  },
  async loadKeys() {
    const { token, keys, operations } = at();
    const { requireMechanisms, selfTest } = await import('./self-test.ts');
    requireMechanisms(token);
    keys.load();
    await selfTest(token, keys, operations);
    known = await probe();
    return keys.pairs;
  },
  async refresh() {
    at().keys.refresh();
    return at().keys.pairs;
  },
  hmac: (key, data) => at().operations.hmac(key, data),
  seal: (plaintext, aad) => at().operations.seal(plaintext, aad),
  unseal: (box, aad) => at().operations.unseal(box, aad),
  agree: (pair, enc) => at().operations.agree(pair, enc),
  sign: (pair, digest) => at().operations.sign(pair, digest),
  addPair: async (kind) => at().keys.add(kind),
  removePair: async (kind, pair) => at().keys.remove(kind, pair),
  random: async (length) => at().token.random(length),
  createAnchor: async (value) => at().anchor.create(value),
  readAnchor: async () => at().anchor.read(),
  replaceAnchor: async (value) => at().anchor.replace(value),
  async check() {
    at().anchor.check();
    if (known === undefined || !equal(known, await probe()))
      throw new StrongroomError('hsm-unavailable', 'the keys are not those of the start');
  },
};

async function answer({ id, name, args }: AgentCall): Promise<AgentAnswer> {
  try {
    const method = agent[name] as (...args: readonly unknown[]) => Promise<unknown>;
    return { id, value: await method(...args) };
  } catch (error) {
    if (isStrongroomError(error)) return { id, code: error.code, message: error.message };
    return { id, code: 'hsm-unavailable', message: error instanceof Error ? error.message : String(error) };
  }
}

process.on('message', (call: AgentCall) => {
  // A vault that has gone meanwhile needs no answer.
  void answer(call).then((result) => process.send?.(result, undefined, undefined, () => {}));
});
// A terminal sends these to the whole group, and the vault still has answers to finish.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', () => {
  opened?.token.close();
  process.exit();
});
