/**
 * The head of a set, kept by the vault (spec/client.md, "Heads").
 *
 * @module
 */
import { nodeEngine } from '../crypto/node.ts';
import { StrongroomError } from '../errors.ts';
import type { Statement } from '../exchange/answer.ts';
import { GetHead, KeptHead, PutHead } from '../exchange/heads.ts';
import type { Command } from '../exchange/request.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { SIGNED_HEAD_LENGTH, type HeadStore } from '../set/head-store.ts';
import { equal, type Bytes } from '../wire/bytes.ts';
import { encode, type Codec } from '../wire/codec.ts';
import { bodyOf } from './outcome.ts';
import { ownerProof } from './proof.ts';
import type { Session } from './session.ts';

const NO_HASH: Bytes = new Uint8Array(32);
const NO_HEAD: Bytes = new Uint8Array(SIGNED_HEAD_LENGTH);

/**
 * The vault of a session as a keeper of heads. It gives the head to whoever has the registered key, and to nobody else.
 *
 * @param key the key that is registered now, or was when the account was deleted or its key destroyed; not wiped
 * while the store is used
 */
export function vaultHeadStore(
  session: Session,
  key: BackupKey,
  options: { readonly signal?: AbortSignal } = {},
): HeadStore {
  async function ask<T>(command: Command, codec: Codec<T>, body: T): Promise<Bytes> {
    const proof = ownerProof(session, key, command, encode(codec, body));
    const answer: Statement = await session.ask(command, codec, body, { ...options, proof });
    return bodyOf(KeptHead, answer).head;
  }
  return {
    async get() {
      const head = await ask('get-head', GetHead, {});
      return equal(head, NO_HEAD) ? undefined : head;
    },
    async put(next, previous) {
      const previousHash = previous === undefined ? NO_HASH : nodeEngine.hash('sha256', previous);
      const kept = await ask('put-head', PutHead, { previousHash, head: next });
      if (!equal(kept, next)) throw new StrongroomError('bad-answer', 'the vault keeps another head');
    },
  };
}
