/**
 * `strongroom/vault`: the Backup Key Vault (spec/exchange.md, attempts.md, storage.md, http.md).
 *
 * @module
 */
export type { Anchor, AnchorEntry, Hsm, HmacKey, PartitionKey } from '../hsm/interface.ts';
export { SoftwareHsm, softwareHsmPaths, type SoftwareHsmPaths } from '../hsm/software.ts';
export type { Condition, Entry, Store, Transaction } from '../store/interface.ts';
export { MemoryStore } from '../store/memory.ts';
export { SqliteStore } from '../store/sqlite.ts';
export { checkVault, type Checked } from './check.ts';
export { CONFIG_FILE, readConfig, VARIABLES, VaultConfig } from './config.ts';
export { initVault, type InitOptions, type InitResult } from './init.ts';
export { installDescriptor, type Installed } from './install.ts';
export type { Observer, PartitionState } from './observe.ts';
export { rotate, type RotateOptions, type Rotation } from './rotate.ts';
export { serveVault, type ServeOptions, type VaultEvent, type VaultServer } from './server.ts';
export { Vault, type Exchanged, type VaultOptions } from './vault.ts';
