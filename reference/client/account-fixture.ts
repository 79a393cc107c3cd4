/**
 * An account at a real vault, behind a way that loses what a test says; a new one for each test.
 *
 * @module
 */
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { BackupKey } from '../keys/backup-key.ts';
import type { StretchBounds } from '../opaque/index.ts';
import { CHEAP_BOUNDS, faulty, refusal, type FaultyTransport, type TestVault } from './fixture.ts';
import {
  connect,
  httpTransport,
  memoryKeeper,
  recover,
  register,
  type Keeper,
  type Session,
} from './index.ts';

/** Options of a device that stretches cheaply. */
export const cheap: { readonly stretchBounds: StretchBounds } = { stretchBounds: CHEAP_BOUNDS };

/** Passwords, one after the other. */
export const OLD = 'correct horse';
export const NEW = 'battery staple';

/** Whoever speaks for the account. */
export interface Owner<V extends TestVault> {
  readonly vault: V;
  /** Name of the account. */
  account: string;
  transport: FaultyTransport;
  readonly open: (keeper?: Keeper, retryDelays?: readonly number[]) => Promise<Session>;
  /** Registers a key, and forgets what was sent for it. */
  readonly registered: (password?: string) => Promise<BackupKey>;
  /** The recovery key that a password opens. */
  readonly opens: (password: string) => Promise<string>;
  /** The code with which a recovery fails. */
  readonly codeOf: (password: string) => Promise<string>;
}

/** Starts a vault for the tests of a file, and ends it behind them. */
export function ownerOf<V extends TestVault>(name: string, start: () => Promise<V>): Owner<V> {
  let vault: V | undefined;
  let accounts = 0;
  const owner: Owner<V> = {
    get vault() {
      if (vault === undefined) throw new Error('the vault does not run yet');
      return vault;
    },
    account: '',
    transport: faulty(httpTransport('http://127.0.0.1:9')),
    open: (keeper = memoryKeeper(), retryDelays = []) => {
      const { transport, account } = owner;
      return connect({ transport, pins: owner.vault.pins, account, keeper, retryDelays });
    },
    async registered(password = OLD) {
      const key = BackupKey.generate();
      await register(await owner.open(), { key, password, ...cheap });
      owner.transport.sent.length = 0;
      return key;
    },
    opens: async (password) => (await recover(await owner.open(), { password, ...cheap })).key.recoveryKey(),
    codeOf: async (password) => (await refusal(recover(await owner.open(), { password, ...cheap }))).code,
  };
  beforeAll(async () => {
    vault = await start();
  });
  afterAll(() => vault?.stop());
  beforeEach(() => {
    owner.account = `${name} ${accounts++}`;
    owner.transport = faulty(httpTransport(owner.vault.url));
  });
  return owner;
}
