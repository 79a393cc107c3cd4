/**
 * Entry points with injected randomness (`strongroom/testing`): for vectors and tests, never for backups. Production
 * entry points take no source of randomness.
 *
 * @module
 */
export { sealAnswerWith } from './channel/answer.ts';
export { sealRequestWith } from './channel/client.ts';
export { openRequestWith } from './channel/vault.ts';
export { exportChatWith } from './chat/export.ts';
export { connectWith } from './client/session.ts';
export { sealStreamWith } from './container/streams.ts';
export { sealerWith, sealWith } from './container/writer.ts';
export { sealFileWith } from './files/seal-file.ts';
export { runHsmContract, type HsmBackend } from './hsm/contract.ts';
export { generateWith } from './keys/backup-key.ts';
export { finishRegistrationWith, startLoginWith, startRegistrationWith } from './opaque/client.ts';
export { generateServerKeyPairWith } from './opaque/server.ts';
export { backupWith } from './set/backup.ts';
export { pruneWith } from './set/prune.ts';
export { beginWith, type WriterSources } from './set/set-writer.ts';
export { salvageWith } from './salvage/set.ts';
export type { RebuildSources } from './salvage/rebuild.ts';
export { TestAccount } from './vault/testing/account.ts';
export { MemoryDriver } from './vault/testing/memory-driver.ts';
