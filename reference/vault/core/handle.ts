/**
 * The vault's core (spec/exchange.md, "Processing"): one opened request in, one signed answer out, every effect by
 * way of {@link Effect}.
 *
 * @module
 */
import { isStrongroomError, StrongroomError } from '../../errors.ts';
import { Answer, Statement, type Outcome } from '../../exchange/answer.ts';
import { COMMANDS, EXCHANGE_VERSION, Request } from '../../exchange/request.ts';
import { label } from '../../keys/labels.ts';
import { concat, equal, type Bytes } from '../../wire/bytes.ts';
import { decode, encode } from '../../wire/codec.ts';
import { emptyRecord, phaseOf, scheduledChange, type AccountRecord } from '../record.ts';
import { waitOf } from './attempts.ts';
import { changeFinish, changeStart } from './change.ts';
import { settle } from './changes.ts';
import { say, type Decide, type Decision, type Reply } from './decision.ts';
import { cancel, deleteAccount } from './delete.ts';
import { perform, type Step } from './effects.ts';
import type { Call, Caller, Fleet } from './fleet.ts';
import { getHead, putHead } from './heads.ts';
import { recoverFinish, recoverStart } from './recover.ts';
import { registerConfirm, registerFinish, registerStart } from './register.ts';
import { status } from './status.ts';

const DECIDE: ReadonlyMap<number, Decide> = new Map([
  [COMMANDS['register-start'], registerStart],
  [COMMANDS['register-finish'], registerFinish],
  [COMMANDS['register-confirm'], registerConfirm],
  [COMMANDS['recover-start'], recoverStart],
  [COMMANDS['recover-finish'], recoverFinish],
  [COMMANDS.status, status],
  [COMMANDS.delete, deleteAccount],
  [COMMANDS.cancel, cancel],
  [COMMANDS['change-start'], changeStart],
  [COMMANDS['change-finish'], changeFinish],
  [COMMANDS['get-head'], getHead],
  [COMMANDS['put-head'], putHead],
]);

/** What the vault did, for its log: nothing here is secret or names an account. */
export interface Handled {
  /** Encoding of an {@link Answer}. */
  readonly answer: Bytes;
  readonly command: number;
  readonly outcome: Outcome;
}

/** What the leaf index of an account is the HMAC of (spec/storage.md, "Leaf index"). */
export function leafInput(account: Bytes): Bytes {
  return concat(label('leaf'), account);
}

/** Handles one request. */
export function* handle(fleet: Fleet, call: Call): Step<Handled> {
  const now = yield* perform({ kind: 'now' });
  const nobody = new Uint8Array(0);
  const request = parse(call.plaintext);
  if (request === undefined)
    return yield* answer(fleet, call, 0, emptyRecord(nobody), { outcome: 'malformed' }, now);
  const { account, command } = request;
  const refuse = (outcome: Outcome): Step<Handled> =>
    answer(fleet, call, command, emptyRecord(account), { outcome }, now);
  if (request.version !== EXCHANGE_VERSION || !equal(request.fleetId, fleet.fleetId))
    return yield* refuse('malformed');
  if (!speaksFor(call.caller, account)) return yield* refuse('not-authorised');
  return yield* decideAndCommit(fleet, call, request);
}

function* decideAndCommit(fleet: Fleet, call: Call, request: Request): Step<Handled> {
  const leaf = yield* perform({ kind: 'hmac', key: 'index', data: leafInput(request.account) });
  for (;;) {
    const { record: stored, token } = yield* perform({ kind: 'load', leaf });
    // After the load, which may wait: no commit that the record holds is later than this.
    const now = yield* perform({ kind: 'now' });
    const record = stored ?? emptyRecord(request.account);
    if (!equal(record.account, request.account)) {
      throw new StrongroomError('record-invalid', 'a record is under the leaf of another account');
    }
    const settled = settle(fleet.policy, record, now);
    const decision = settled === undefined ? yield* decide(fleet, request, record, now) : undefined;
    const changed = settled ?? decision?.record;
    const next = changed && { ...changed, stateVersion: record.stateVersion + 1 };
    const committed = next === undefined || (yield* perform({ kind: 'commit', leaf, token, record: next })); // [D]
    // Another commit came first, or what was due had to be done first: the request starts over.
    if (!committed || decision === undefined) continue;
    const { reply: said } = decision;
    const reply = typeof said === 'function' ? yield* said() : said;
    return yield* answer(fleet, call, request.command, next ?? record, reply, now);
  }
}

function parse(plaintext: Bytes): Request | undefined {
  try {
    return decode(Request, plaintext);
  } catch {
    return undefined;
  }
}

function speaksFor(caller: Caller, account: Bytes): boolean {
  return caller.kind === 'anyone' || (caller.kind === 'account' && equal(caller.account, account));
}

/** A body that does not decode changes nothing. */
function* decide(fleet: Fleet, request: Request, record: AccountRecord, now: number): Step<Decision> {
  const command = DECIDE.get(request.command);
  if (command === undefined) return say('unsupported');
  try {
    return yield* command(fleet, request, record, now);
  } catch (error) {
    if (isStrongroomError(error, 'malformed')) return say('malformed');
    throw error;
  }
}

/** Signs what there is to say, with where the account stands after it. */
function* answer(
  fleet: Fleet,
  call: Call,
  command: number,
  record: AccountRecord,
  { outcome, body = new Uint8Array(0) }: Reply,
  now: number,
): Step<Handled> {
  const { active } = record;
  const statement: Statement = {
    version: EXCHANGE_VERSION,
    fleetId: fleet.fleetId,
    account: record.account,
    requestHash: call.requestHash,
    vaultTime: now,
    stateVersion: record.stateVersion,
    outcome,
    phase: phaseOf(record),
    generation: active.generation,
    budget: active.budget,
    remaining: active.budget - active.charged,
    retryAfter: waitOf(fleet.policy, record, now),
    effectiveAt: record.scheduled.effectiveAt,
    scheduledChange: scheduledChange(record),
    report: record.report,
    body,
  };
  const message = concat(label('answer'), encode(Statement, statement));
  const { receiptKeyId } = fleet;
  const signature = yield* perform({ kind: 'sign', receiptKeyId, message });
  const signed = encode(Answer, { statement, receiptKeyId, signature });
  return { answer: signed, command, outcome };
}

/** Does what is due for an account (spec/attempts.md, "What is due"). */
export function* sweep({ policy }: Fleet, leaf: Bytes): Step<void> {
  for (;;) {
    const { record, token } = yield* perform({ kind: 'load', leaf });
    const now = yield* perform({ kind: 'now' });
    const settled = record && settle(policy, record, now);
    if (settled === undefined) return;
    const next = { ...settled, stateVersion: settled.stateVersion + 1 };
    if (yield* perform({ kind: 'commit', leaf, token, record: next })) return;
  }
}
