/**
 * Taking the key away from the vault (spec/client.md, "Deletion"), and cancelling what is scheduled ("Cancelling").
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import type { Statement } from '../exchange/answer.ts';
import { Cancel, Delete, Status } from '../exchange/request.ts';
import { refusalOf } from './outcome.ts';
import { withProof, type Credential, type ProofOf } from './proof.ts';
import { scheduledIn, type Scheduled } from './scheduled.ts';
import type { Session } from './session.ts';
import { encode } from '../wire/codec.ts';

/** How to delete. */
export interface DeleteOptions {
  /** Proves that the account is the owner's: the key goes at once. Without it the deletion waits, and can be cancelled. */
  readonly credential?: Credential | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What came of a deletion. */
export interface Deletion {
  /** When it takes effect, if it was not proved; undefined if the key is gone. */
  readonly scheduled: Scheduled | undefined;
}

/**
 * Deletes the registration of the account. After a crash or a lost answer it may be called again: what is deleted stays
 * so, and what is scheduled is not scheduled anew.
 *
 * @throws StrongroomError `not-registered`, `destroyed`; `not-authorised` if the key is not the registered one;
 * `scheduled` if a replacement waits; `conflict` if the account is registered anew meanwhile; those of `withLogin`
 */
export async function deleteAccount(session: Session, options: DeleteOptions = {}): Promise<Deletion> {
  const { credential, signal } = options;
  const now = await session.ask('status', Status, {}, { signal });
  if (now.outcome !== 'ok') throw refusalOf(now);
  if (now.phase === 'deleted') return { scheduled: undefined };
  if (now.phase === 'none') throw refusalOf({ ...now, outcome: 'not-registered' });
  if (now.phase === 'destroyed') throw refusalOf({ ...now, outcome: 'destroyed' });
  if (credential === undefined) {
    return deletionOf(await askToDelete(session, () => ({ kind: 'none' }), now, signal), false);
  }
  const answer = await withProof(
    session,
    credential,
    'delete',
    now,
    (proofOf, latest) => askToDelete(session, proofOf, latest, signal),
    signal,
  );
  return deletionOf(answer, true);
}

/** How often a deletion is asked for anew because another request was faster. */
const RACES = 5;

/**
 * Asks to delete what was seen last. Attempts of others move the state version on; as long as the registration is the
 * same one, the owner still means this.
 */
async function askToDelete(
  session: Session,
  proofOf: ProofOf,
  latest: Statement,
  signal: AbortSignal | undefined,
): Promise<Statement> {
  let { stateVersion } = latest;
  for (let race = 1; ; race++) {
    const proof = proofOf(encode(Delete, { stateVersion }));
    const answer = await session.ask('delete', Delete, { stateVersion }, { proof, signal });
    const again = answer.outcome === 'conflict' && answer.generation === latest.generation && race < RACES;
    if (!again) return answer;
    ({ stateVersion } = answer);
  }
}

function deletionOf(answer: Statement, proved: boolean): Deletion {
  const scheduled = scheduledIn(answer);
  if (answer.outcome === 'ok' && answer.phase === 'deleted') return { scheduled: undefined };
  if (answer.outcome === 'scheduled' && !proved && scheduled !== undefined) {
    if (scheduled.change === 'deletion') return { scheduled };
    throw new StrongroomError(
      'scheduled',
      'a new registration waits already, and the deletion was not noted',
    );
  }
  if (answer.outcome === 'ok' || answer.outcome === 'scheduled') {
    throw new StrongroomError('bad-answer', 'the answer is not about a deletion');
  }
  throw refusalOf(answer);
}

/** How to cancel. */
export interface CancelOptions {
  readonly credential: Credential;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Cancels what is scheduled: the registration stays as it is.
 *
 * @returns what was cancelled; undefined if nothing was scheduled
 * @throws StrongroomError `conflict` if it has taken effect or was replaced by another change meanwhile, `not-authorised` if the key is not the
 * registered one, and those of `withLogin`
 */
export async function cancelScheduled(
  session: Session,
  { credential, signal }: CancelOptions,
): Promise<Scheduled | undefined> {
  const now = await session.ask('status', Status, {}, { signal });
  if (now.outcome !== 'ok') throw refusalOf(now);
  const scheduled = scheduledIn(now);
  if (scheduled === undefined) return undefined;
  const body = { effectiveAt: scheduled.effectiveAt };
  const answer = await withProof(
    session,
    credential,
    'cancel',
    now,
    (proofOf) => session.ask('cancel', Cancel, body, { proof: proofOf(encode(Cancel, body)), signal }),
    signal,
  );
  if (answer.outcome !== 'ok') throw refusalOf(answer);
  if (answer.generation !== now.generation || answer.phase === 'deleted') {
    throw new StrongroomError('conflict', `the ${scheduled.change} has taken effect already`);
  }
  if (scheduledIn(answer) !== undefined) {
    throw new StrongroomError('bad-answer', 'the change is still scheduled');
  }
  return scheduled;
}
