/**
 * Commands about a vault of one's own.
 *
 * @module
 */
import type { Command } from './command.ts';
import { vaultInit } from './vault-init.ts';
import { KEYS_COMMANDS } from './vault-keys.ts';
import { SERVE_COMMANDS } from './vault-serve.ts';
import { vaultVerify } from './vault-verify.ts';

/** All of them. */
export const VAULT_COMMANDS: readonly Command[] = [
  vaultInit,
  ...SERVE_COMMANDS,
  ...KEYS_COMMANDS,
  vaultVerify,
];
