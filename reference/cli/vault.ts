/**
 * Running a vault: `strongroom vault init` and `vault serve`.
 *
 * @module
 */
import type { Command } from './command.ts';

/** Commands about a vault of one's own. */
export const VAULT_COMMANDS: readonly Command[] = [];
