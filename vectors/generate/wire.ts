/**
 * Vectors of structures: there is one encoding of every value, and everything else is refused.
 *
 * @module
 */
import {
  changeFinishBody,
  changeStartBody,
  encodeStatusBody,
  registerFinishBody,
} from '../../conformance/peer/bodies.ts';
import { encodeHead } from '../../conformance/peer/head.ts';
import { be, cat, named, prefixed, utf8, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import {
  encodeAnswer,
  encodeExchange,
  encodeRequest,
  encodeStatement,
  ke3Proof,
} from '../../conformance/peer/exchange.ts';
import type { VectorFile } from '../../conformance/schema/vector.ts';
import { Family, pack, type Reject } from './family.ts';

const FLEET_ID = named('fleet id', 16);
const ACCOUNT = utf8('alice');
const KE1 = named('ke1', 96);
const ATTEMPT = named('attempt id', 32);
const KE3 = named('ke3', 64);
const FINISH = cat(prefixed(1, KE1), ATTEMPT, prefixed(1, KE3), be(8, 3));

/** The family. */
export function wire(): VectorFile {
  const family = new Family('wire', {
    feature: 'exchange',
    role: 'vault-server',
    op: 'exchange.decode',
    description:
      'Structures of the vault exchange: encodings that are valid, and ones that differ from them in one place.',
  });
  const accept = (
    id: string,
    structure: string,
    bytes: Bytes,
    title: string,
    requirements: string[],
  ): void => {
    family.accept(id, {
      title,
      why: 'Decoded and encoded again, it must give the same bytes: there is one encoding of every value.',
      requirements,
      input: { structure, bytes: pack(bytes) },
      result: { encoded: pack(bytes) },
    });
  };
  const request = encodeRequest({ fleetId: FLEET_ID, account: ACCOUNT, command: 5, body: FINISH });
  accept('request', 'Request', request, 'A request without proof', ['CNV-1', 'XCH-4']);
  accept(
    'request-ke3',
    'Request',
    encodeRequest({
      fleetId: FLEET_ID,
      account: ACCOUNT,
      command: 3,
      body: zeros(96),
      proof: ke3Proof(KE1, ATTEMPT, KE3),
    }),
    'A request with a KE3 as its proof',
    ['CNV-1'],
  );
  accept('recover-finish', 'RecoverFinish', FINISH, 'The body of recover-finish', ['CNV-1']);
  const registering = {
    registrationId: named('registration id', 32),
    record: named('record', 192),
    stretch: { algorithm: 1, iterations: 3, memoryKib: 65_536, parallelism: 4 },
    sealedKey: named('sealed key', 48),
    ownerKey: named('owner key', 32),
    budget: 10,
  };
  const registerFinish = registerFinishBody({ ...registering, confirmHash: named('confirm hash', 32) });
  accept('register-finish', 'RegisterFinish', registerFinish, 'The body of register-finish', ['CNV-1']);
  accept('delete', 'Delete', be(8, 7), 'The body of delete', ['CNV-1']);
  accept('cancel', 'Cancel', be(8, 2n ** 53n - 1n), 'The body of cancel, with the largest number', [
    'CNV-1',
    'CNV-10',
  ]);
  const changeStart = changeStartBody(KE1, named('registration request', 32));
  accept('change-start', 'ChangeStart', changeStart, 'The body of change-start', ['CNV-1']);
  const attempt = { ke1: KE1, attemptId: ATTEMPT, ke3: KE3, acknowledged: 3 };
  const changeFinish = changeFinishBody({ ...attempt, ...registering });
  accept('change-finish', 'ChangeFinish', changeFinish, 'The body of change-finish', ['CNV-1']);
  const keyIds = cat(named('oprf key id', 8), named('opaque key id', 8));
  const stretch = cat(be(1, 1), be(4, 3), be(4, 65_536), be(2, 4));
  const recoverStarted = cat(ATTEMPT, keyIds, stretch, prefixed(2, named('ke2', 320)));
  const registerStarted = cat(
    named('registration id', 32),
    be(8, 2),
    keyIds,
    prefixed(1, named('registration response', 64)),
  );
  accept(
    'change-started',
    'ChangeStarted',
    cat(recoverStarted, registerStarted),
    'The answer to change-start',
    ['CNV-1'],
  );
  const head = cat(
    encodeHead({
      setId: named('set id', 16),
      generation: 3,
      manifestId: named('manifest id', 32),
      created: 1_700_000_000,
      keyEpoch: 1,
    }),
    named('head signature', 64),
  );
  accept('put-head', 'PutHead', cat(named('previous hash', 32), head), 'The body of put-head', ['CNV-1']);
  accept('put-head-first', 'PutHead', cat(zeros(32), head), 'The body of the first put-head', ['CNV-1']);
  accept('kept-head', 'KeptHead', head, 'A head that is kept', ['CNV-1']);
  accept('kept-head-none', 'KeptHead', zeros(132), 'No head', ['CNV-1']);
  accept(
    'status-body',
    'StatusBody',
    encodeStatusBody({
      recordHash: named('record hash', 32),
      pendingRegistrationId: named('registration id', 32),
      pendingRecordHash: named('pending record hash', 32),
      scheduledRecordHash: named('scheduled record hash', 32),
      openAttempts: 2,
      erasedBy: 1_700_172_800,
    }),
    'The body of an answer to status',
    ['CNV-1'],
  );
  accept(
    'exchange',
    'Exchange',
    encodeExchange(named('sealed request', 2110)),
    'An exchange without an assertion',
    ['CNV-1'],
  );
  const statement = encodeStatement(named('request hash', 32), {
    fleetId: FLEET_ID,
    account: ACCOUNT,
    stateVersion: 7,
    outcome: 'try-later',
    phase: 'active',
    generation: 1,
    budget: 10,
    remaining: 4,
    retryAfter: 60,
    body: zeros(0),
  });
  accept(
    'answer',
    'Answer',
    encodeAnswer(statement, named('key id', 8), named('signature', 64)),
    'An answer that says try-later',
    ['CNV-1'],
  );
  accept(
    'answer-scheduled',
    'Answer',
    encodeAnswer(
      encodeStatement(named('request hash', 32), {
        fleetId: FLEET_ID,
        account: ACCOUNT,
        stateVersion: 9,
        outcome: 'scheduled',
        phase: 'active',
        generation: 1,
        budget: 10,
        remaining: 10,
        effectiveAt: 1_700_604_800,
        scheduledChange: 'deletion',
        reportSerial: 2,
        failed: 1,
      }),
      named('key id', 8),
      named('signature', 64),
    ),
    'An answer that says when a deletion takes effect',
    ['CNV-1'],
  );

  const no = (requirement: string, title: string, why: string): Reject => ({
    title,
    why,
    requirements: [requirement],
    errors: ['malformed'],
  });
  const field = 'bytes';
  family.cut(
    'request-short',
    'request',
    field,
    2047,
    no('CNV-5', 'A request of 2047 bytes', 'What is missing is not zero.'),
  );
  family.bytes(
    'request-long',
    'request',
    { field, offset: 2048, inserted: zeros(1) },
    no('CNV-6', 'A request of 2049 bytes', 'A structure that fills its place ends where its place ends.'),
  );
  family.flip(
    'request-padding',
    'request',
    { field, offset: 2047 },
    no(
      'CNV-12',
      'The last byte of the padding is not zero',
      'Padding is no place to hide data, and every value has one encoding.',
    ),
  );
  family.flip(
    'answer-padding',
    'answer',
    { field, offset: 2047 },
    no(
      'CNV-12',
      'The last byte of the padding of an answer is not zero',
      'Padding is no place to hide data, and every value has one encoding.',
    ),
  );
  // The account is at offset 17, behind version and fleet id.
  family.bytes(
    'account-empty',
    'request',
    { field, offset: 17, removed: 1, inserted: zeros(1) },
    no('CNV-7', 'An account of no bytes', 'Lengths have bounds, the lower one too.'),
  );
  family.bytes(
    'account-long',
    'request',
    { field, offset: 17, removed: 1, inserted: be(1, 65) },
    no('CNV-7', 'An account of 65 bytes', 'Lengths have bounds.'),
  );
  const proofAt = 17 + 1 + ACCOUNT.length + 1 + 2 + FINISH.length;
  family.bytes(
    'proof-kind',
    'request',
    { field, offset: proofAt, removed: 1, inserted: be(1, 9) },
    no('CNV-9', 'A kind of proof that does not exist', 'A tag that is not named means nothing.'),
  );
  const outcomeAt = 1 + 16 + 1 + ACCOUNT.length + 32 + 8 + 8;
  family.bytes(
    'outcome',
    'answer',
    { field, offset: outcomeAt, removed: 1, inserted: be(1, 10) },
    no(
      'CNV-9',
      'An outcome that does not exist',
      'A client that takes what it does not know for success is easily pleased.',
    ),
  );
  family.bytes(
    'phase',
    'answer',
    { field, offset: outcomeAt + 1, removed: 1, inserted: be(1, 5) },
    no('CNV-9', 'A phase that does not exist', 'A value that is not named means nothing.'),
  );
  // Behind phase, generation, budget, remaining, retry_after and effective_at.
  family.bytes(
    'scheduled-change',
    'answer-scheduled',
    { field, offset: outcomeAt + 2 + 8 + 1 + 1 + 8 + 8, removed: 1, inserted: be(1, 3) },
    no('CNV-9', 'A change that does not exist', 'An owner who is told nothing of it cannot cancel it.'),
  );
  family.cut(
    'delete-short',
    'delete',
    field,
    7,
    no('CNV-5', 'A delete that is one byte short', 'A number of seven bytes is another number.'),
  );
  family.bytes(
    'delete-edge',
    'delete',
    { field, offset: 0, removed: 8, inserted: be(8, 2n ** 53n) },
    no('CNV-10', 'A delete that names the version 2^53', 'One above the largest that is allowed.'),
  );
  family.bytes(
    'change-start-without-request',
    'change-start',
    { field, offset: 97, removed: 33, inserted: zeros(1) },
    no('CNV-7', 'A change-start whose registration is empty', 'Lengths have bounds, the lower one too.'),
  );
  family.bytes(
    'change-start-long-request',
    'change-start',
    { field, offset: 97, removed: 33, inserted: prefixed(1, named('registration request', 67)) },
    no('CNV-7', 'A change-start whose registration has 67 bytes', 'Lengths have bounds.'),
  );
  family.cut(
    'change-finish-without-budget',
    'change-finish',
    field,
    changeFinish.length - 1,
    no('CNV-5', 'A change-finish that ends before its budget', 'What is missing is not zero.'),
  );
  family.bytes(
    'change-finish-with-confirm-hash',
    'change-finish',
    { field, offset: changeFinish.length - 33, inserted: named('confirm hash', 32) },
    no(
      'CNV-6',
      'A change-finish with the hash of a confirmation secret, as register-finish has it',
      'What one command has is not what another has.',
    ),
  );
  family.cut(
    'put-head-short',
    'put-head',
    field,
    163,
    no('CNV-5', 'A put-head that is one byte short', 'A signature of 63 bytes is none.'),
  );
  family.bytes(
    'put-head-created',
    'put-head',
    { field, offset: 32 + 56, removed: 1, inserted: be(1, 0x20) },
    no(
      'CNV-10',
      'A put-head of a head whose time is above 2^53 − 1',
      'Kept as bytes, it goes to clients that cannot open it, and take it for damage.',
    ),
  );
  family.bytes(
    'put-head-long',
    'put-head',
    { field, offset: 164, inserted: zeros(1) },
    no(
      'CNV-6',
      'A put-head with one byte too many',
      'A structure that fills its place ends where its place ends.',
    ),
  );
  family.cut(
    'status-body-old',
    'status-body',
    field,
    97,
    no('CNV-5', 'A status without its last two fields', 'What is missing is not zero.'),
  );
  family.bytes(
    'uint64-large',
    'recover-finish',
    { field, offset: FINISH.length - 8, removed: 1, inserted: be(1, 0xff) },
    no('CNV-10', 'A number above 2^53 - 1', 'Numbers that some languages cannot hold are no numbers here.'),
  );
  family.bytes(
    'uint64-edge',
    'recover-finish',
    { field, offset: FINISH.length - 8, removed: 8, inserted: be(8, 2n ** 53n) },
    no('CNV-10', 'The number 2^53', 'One above the largest that is allowed.'),
  );
  family.cut(
    'body-short',
    'recover-finish',
    field,
    FINISH.length - 1,
    no('CNV-5', 'A body that is one byte short', 'What is missing is not zero.'),
  );
  family.bytes(
    'body-long',
    'recover-finish',
    { field, offset: FINISH.length, inserted: zeros(1) },
    no(
      'CNV-6',
      'A body with one byte too many',
      'A structure that fills its place ends where its place ends.',
    ),
  );
  family.bytes(
    'ke1-past-end',
    'recover-finish',
    { field, offset: 0, removed: 1, inserted: be(1, 128) },
    no(
      'CNV-5',
      'A length that makes the rest too short',
      'A parser that reads on takes one field for another.',
    ),
  );
  family.bytes(
    'sealed-request-empty',
    'exchange',
    { field, offset: 194, removed: 2112, inserted: zeros(2) },
    no('CNV-7', 'An exchange whose sealed request is empty', 'Lengths have bounds, the lower one too.'),
  );
  return family.file();
}
