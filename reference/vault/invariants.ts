/**
 * The invariants of a record (spec/storage.md, "Invariants"), checked on every way in: load, commit and start.
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import { isSetHead } from '../exchange/heads.ts';
import { hex, isZero } from '../wire/bytes.ts';
import {
  EMPTY_SLOT,
  GenerationSlot,
  isLive,
  MAX_BUDGET,
  RECORD_VERSION,
  type AccountRecord,
} from './record.ts';

const SLOT_FIELDS = (Object.keys(EMPTY_SLOT) as (keyof GenerationSlot)[]).filter(
  (field) => field !== 'state',
);

/** True if every field but `state` and the named ones is zero. */
function slotHas(slot: GenerationSlot, ...fields: readonly (keyof GenerationSlot)[]): boolean {
  return SLOT_FIELDS.every((field) => fields.includes(field) || isEmpty(slot, field));
}

function isEmpty(slot: GenerationSlot, field: keyof GenerationSlot): boolean {
  const [value, empty] = [slot[field], EMPTY_SLOT[field]];
  if (value instanceof Uint8Array && empty instanceof Uint8Array)
    return value.length === empty.length && isZero(value);
  return typeof value === 'object' ? Object.values(value).every((part) => part === 0) : value === 0;
}

const STARTED = ['generation', 'nonce', 'oprfKeyId', 'opaqueKeyId', 'registrationId', 'requestHash'] as const;
const FINISHED = [
  ...STARTED,
  'stretch',
  'record',
  'sealedKey',
  'confirmHash',
  'ownerKey',
  'recordHash',
  'budget',
] as const;
const TOMBSTONE = ['generation', 'budget', 'charged', 'recordHash', 'ownerKey', 'deadline'] as const;

/** The rules of spec/storage.md, "Invariants", each with what it says. */
function* broken(record: AccountRecord): Generator<string> {
  const { active, pending, scheduled, open, closed, report, nextGeneration } = record;
  const { charged, budget } = active;
  if (record.version !== RECORD_VERSION) yield 'version';
  if (record.stateVersion < 1) yield 'state_version of a stored record';
  const slots = [active, scheduled, pending];
  if (slots.some((slot) => slot.budget > MAX_BUDGET)) yield 'budget above its limit';
  if (charged > budget) yield 'charged above budget';
  if (slots.some(({ generation }) => generation >= nextGeneration)) yield 'next_generation';
  switch (active.state) {
    case 'empty':
      if (!slotHas(active)) yield 'an empty slot is not zero';
      break;
    case 'active':
      if (!slotHas(active, ...FINISHED, 'charged', 'nextAttempt')) yield 'fields of an active slot';
      if (budget < 1 || charged === budget) yield 'an active slot without budget';
      break;
    case 'last-chance':
      if (!slotHas(active, ...FINISHED, 'charged', 'deadline')) yield 'fields of a last-chance slot';
      if (budget < 1 || charged !== budget) yield 'a last chance with budget left';
      if (open.length === 0 || active.deadline === 0) yield 'a last chance without an attempt or a deadline';
      break;
    case 'destroyed':
    case 'deleted':
      if (!slotHas(active, ...TOMBSTONE)) yield 'a tombstone holds more than it may';
      break;
    case 'started':
    case 'finished':
      yield 'state of the active slot';
  }
  switch (pending.state) {
    case 'empty':
      if (!slotHas(pending)) yield 'an empty slot is not zero';
      break;
    case 'started':
      if (!slotHas(pending, ...STARTED)) yield 'fields of a started slot';
      break;
    case 'finished':
      if (!slotHas(pending, ...FINISHED) || pending.budget < 1) yield 'fields of a finished slot';
      break;
    case 'active':
    case 'last-chance':
    case 'destroyed':
    case 'deleted':
      yield 'state of the pending slot';
  }
  if (pending.state !== 'empty' && pending.generation <= Math.max(active.generation, scheduled.generation))
    yield 'generation of the pending slot';
  switch (scheduled.state) {
    case 'empty':
      if (!slotHas(scheduled)) yield 'an empty slot is not zero';
      break;
    case 'finished':
      if (!slotHas(scheduled, ...FINISHED, 'effectiveAt') || scheduled.budget < 1)
        yield 'fields of a scheduled replacement';
      if (scheduled.generation <= active.generation) yield 'generation of the scheduled slot';
      break;
    case 'deleted':
      if (!slotHas(scheduled, 'generation', 'effectiveAt')) yield 'fields of a scheduled deletion';
      if (scheduled.generation !== active.generation) yield 'generation of the scheduled slot';
      break;
    case 'started':
    case 'active':
    case 'last-chance':
    case 'destroyed':
      yield 'state of the scheduled slot';
  }
  if (scheduled.state !== 'empty' && (!isLive(record) || scheduled.effectiveAt === 0))
    yield 'a scheduled change without a live generation or a time';
  if (!isZero(record.head) && (active.state === 'empty' || !isSetHead(record.head))) yield 'head';
  if (!isLive(record) && open.length + closed.length > 0) yield 'attempts without a live generation';
  if ([...open, ...closed].some(({ generation }) => generation !== active.generation))
    yield 'generation of an attempt';
  if (new Set(open.map(({ ke1Hash }) => hex(ke1Hash))).size !== open.length) yield 'two attempts of one KE1';
  if (open.some(({ refundable, reported }) => refundable > 1 || reported > 2)) yield 'flags of an attempt';
  if (record.shown > report.failed) yield 'report';
  if (report.failed === 0 ? report.first + report.last > 0 : report.first > report.last) yield 'report';
}

/**
 * Checks a record on its way in or out, wherever it comes from.
 *
 * @throws StrongroomError `record-invalid`
 */
export function checkInvariants(record: AccountRecord): void {
  for (const rule of broken(record)) throw new StrongroomError('record-invalid', rule, { subject: rule });
}
