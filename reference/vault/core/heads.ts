/**
 * Heads of backup sets (spec/exchange.md, "Heads"): kept for the owner key, which outlives the generation.
 *
 * @module
 */
import { GetHead, isSetHead, KeptHead, PutHead } from '../../exchange/heads.ts';
import { equal, isZero, type Bytes } from '../../wire/bytes.ts';
import { decode, encode } from '../../wire/codec.ts';
import { say, type Decide } from './decision.ts';
import { sha256 } from './evaluate.ts';
import { isSignedByOwner } from './proofs.ts';

const kept = (head: Bytes): Bytes => encode(KeptHead, { head });

/** `get-head` (spec/exchange.md, "get-head"). */
// oxlint-disable-next-line require-yield -- it asks for nothing, and is a command like the others
export const getHead: Decide = function* (_fleet, request, record) {
  decode(GetHead, request.body);
  if (record.active.state === 'empty') return say('not-registered'); // 1
  return isSignedByOwner(request, record) ? say('ok', kept(record.head)) : say('not-authorised'); // 2
};

/** `put-head` (spec/exchange.md, "put-head"). */
// oxlint-disable-next-line require-yield -- it asks for nothing, and is a command like the others
export const putHead: Decide = function* (_fleet, request, record) {
  const { previousHash, head } = decode(PutHead, request.body);
  if (!isSetHead(head)) return say('malformed'); // 1
  if (record.active.state === 'empty') return say('not-registered'); // 2
  if (!isSignedByOwner(request, record)) return say('not-authorised'); // 3
  if (equal(record.head, head)) return say('ok', kept(head)); // 4
  const previous = isZero(record.head) ? new Uint8Array(32) : sha256(record.head);
  if (!equal(previous, previousHash)) return say('conflict'); // 5
  return say('ok', kept(head), { ...record, head }); // 6
};
