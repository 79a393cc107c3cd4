/**
 * The few cases of each role that the first contact is made with, simplest first: right input of each kind, and one
 * that must be refused.
 *
 * @module
 */
import type { Role } from '../schema/vector.ts';

/** Ids of cases. */
export const SMOKE: Readonly<Record<Role, readonly string[]>> = {
  'container-reader': [
    'keys.plain',
    'header.magic-first-byte',
    'header.blob',
    'header.wrong-key',
    'chunks.three',
  ],
  'container-writer': ['lengths.padme-small', 'writer.fresh', 'writer.blob', 'writer.padme'],
  'set-reader': ['records.one', 'manifest.tree', 'find.one', 'restore.album', 'restore.stray'],
  'set-writer': ['set-writer.empty', 'set-writer.first'],
  'chat-reader': ['chat.whole', 'chat.no-head'],
  'chat-writer': ['chat-writer.rows'],
  'vault-client': ['fleet.two-of-three', 'owner.delete', 'client.recover', 'client.wrong-password'],
  'vault-server': ['wire.request', 'vault.recover', 'vault.budget'],
};
