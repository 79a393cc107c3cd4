/**
 * What a new registration is made of, whoever asks for it (spec/client.md, "Registration", steps 4 to 6).
 *
 * @module
 */
import { nodeEngine } from '../crypto/node.ts';
import { StrongroomError } from '../errors.ts';
import type { Registered, RegisterStarted, Statement } from '../exchange/answer.ts';
import { registrationKey } from '../fleet/index.ts';
import type { BackupKey } from '../keys/backup-key.ts';
import { ownerPublicKey } from '../keys/owner-key.ts';
import { finishRegistrationWith, type RegistrationState } from '../opaque/client.ts';
import { sealBackupKey } from '../opaque/sealed-key.ts';
import { argon2idStretch, type StretchParams } from '../opaque/stretch.ts';
import type { Suite } from '../opaque/suite.ts';
import { equal, wipe, type Bytes } from '../wire/bytes.ts';
import { randomOf, type Session } from './session.ts';

/** The vault's signed word that the key is kept. */
export interface Receipt {
  readonly generation: number;
  /** SHA-256 of the registered record, 32 bytes: `status` names it ever after. */
  readonly recordHash: Bytes;
  readonly budget: number;
  readonly remaining: number;
}

/** What a vault is given to keep. */
export interface MadeRegistration {
  readonly registrationId: Bytes;
  readonly record: Bytes;
  readonly stretch: StretchParams;
  readonly sealedKey: Bytes;
  readonly ownerKey: Bytes;
}

/** @throws StrongroomError `usage` if the vault takes no such budget */
export function checkBudget({ descriptor }: Session, budget: number): void {
  const { maxBudget } = descriptor.policy;
  if (Number.isInteger(budget) && budget >= 0 && budget <= maxBudget) return;
  throw new StrongroomError('usage', `this vault takes a budget of 1 to ${maxBudget}`);
}

/** SHA-256, 32 bytes. */
export function sha256(bytes: Uint8Array): Bytes {
  return nodeEngine.hash('sha256', bytes);
}

/**
 * Finishes the registration of OPAQUE, and seals the key under what comes of it.
 *
 * @throws StrongroomError `server-authentication-failed` if the keys are not those of the descriptor
 */
export async function makeRegistration(
  session: Session,
  suite: Suite,
  key: BackupKey,
  state: RegistrationState,
  started: RegisterStarted,
): Promise<MadeRegistration> {
  const { account, descriptor } = session;
  const { registrationId, generation, oprfKeyId, opaqueKeyId } = started;
  const { publicKey } = registrationKey(descriptor, oprfKeyId, opaqueKeyId, session.now());
  const { stretch } = descriptor.policy;
  const { record, exportKey } = await finishRegistrationWith(randomOf(session), {
    suite,
    state,
    response: started.registrationResponse,
    serverPublicKey: publicKey,
    stretch: argon2idStretch(stretch),
  });
  const raw = key.bytes();
  try {
    const sealedKey = sealBackupKey(exportKey, raw, { fleetId: descriptor.fleetId, account, generation });
    return { registrationId, record, stretch, sealedKey, ownerKey: ownerPublicKey(key) };
  } finally {
    wipe(raw, exportKey);
  }
}

/** @throws StrongroomError `bad-answer` if the vault has taken another record than the one that was sent */
export function checkHash(registered: Registered, expected: Bytes): void {
  if (!equal(registered.recordHash, expected)) {
    throw new StrongroomError('bad-answer', 'the vault has registered another record');
  }
}

/** The receipt in an answer. @throws StrongroomError `bad-answer` if it speaks of another registration */
export function receiptOf(answer: Statement, generation: number, recordHash: Bytes): Receipt {
  const isLive = answer.phase === 'active' || answer.phase === 'last-chance';
  if (!isLive || answer.generation !== generation) {
    throw new StrongroomError('bad-answer', 'the receipt speaks of another registration');
  }
  return { generation, recordHash, budget: answer.budget, remaining: answer.remaining };
}
