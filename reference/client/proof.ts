/**
 * Proving that an account is one's own (spec/client.md, "Proofs"): with the registered key, or with the password.
 *
 * @module
 */
import type { Statement } from '../exchange/answer.ts';
import { COMMANDS, OwnerStatement, RecoverFinish, type Command, type Proof } from '../exchange/request.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { label } from '../keys/labels.ts';
import { ownerSign } from '../keys/owner-key.ts';
import type { StretchBounds } from '../opaque/stretch.ts';
import { concat, type Bytes } from '../wire/bytes.ts';
import { encode } from '../wire/codec.ts';
import { withLogin } from './login.ts';
import type { Session } from './session.ts';

/** What the owner has: the key that is registered, or its password. A password is charged like every attempt. */
export type Credential =
  | { readonly key: BackupKey }
  | { readonly password: string; readonly stretchBounds?: StretchBounds | undefined };

/** The signature of the owner of `key` under a request. */
export function ownerProof(
  { account, descriptor }: Session,
  key: BackupKey,
  command: Command,
  body: Bytes,
): Extract<Proof, { kind: 'owner' }> {
  const statement = { fleetId: descriptor.fleetId, account, command: COMMANDS[command], body };
  const message = concat(label('owner-statement'), encode(OwnerStatement, statement));
  return { kind: 'owner', signature: ownerSign(key, message) };
}

/** Makes the proof of a request from its body. */
export type ProofOf = (body: Bytes) => Proof;

/**
 * Gives `ask` what proves requests of one command, and the newest answer of the vault.
 *
 * @param latest the newest answer before this
 * @returns the answer that `ask` got
 * @throws StrongroomError every code of `withLogin`, if the credential is a password
 */
export function withProof(
  session: Session,
  credential: Credential,
  command: Command,
  latest: Statement,
  ask: (proofOf: ProofOf, latest: Statement) => Promise<Statement>,
  signal: AbortSignal | undefined,
): Promise<Statement> {
  if ('key' in credential) {
    return ask((body) => ownerProof(session, credential.key, command, body), latest);
  }
  return withLogin(session, { ...credential, signal }, async ({ statement, started, ke1, ke3 }) => {
    const proof = { ke1, attemptId: started.attemptId, ke3 };
    const answer = await ask(() => ({ kind: 'ke3', ...proof }), statement);
    if (isBeforeProof(answer, statement)) {
      // The password is right: its charge goes back. Nothing depends on whether it does.
      const finish = { ...proof, acknowledged: 0 };
      await session.ask('recover-finish', RecoverFinish, finish, { signal }).catch(() => undefined);
    }
    return answer;
  });
}

/** True if the vault has answered before it looked at the proof, so that the attempt is open still. */
function isBeforeProof({ outcome, stateVersion }: Statement, started: Statement): boolean {
  return outcome === 'conflict' || (outcome === 'ok' && stateVersion === started.stateVersion);
}
