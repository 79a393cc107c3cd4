/**
 * Vectors of structures: there is one encoding of every value, and everything else is refused.
 *
 * @module
 */
import { be, cat, named, prefixed, utf8, zeros, type Bytes } from '../../conformance/peer/primitives.ts';
import {
  encodeAnswer,
  encodeExchange,
  encodeRequest,
  encodeStatement,
  ke3Proof,
  registerFinishBody,
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
  accept(
    'register-finish',
    'RegisterFinish',
    registerFinishBody({
      registrationId: named('registration id', 32),
      record: named('record', 192),
      stretch: { algorithm: 1, iterations: 3, memoryKib: 65_536, parallelism: 4 },
      sealedKey: named('sealed key', 48),
      confirmHash: named('confirm hash', 32),
      ownerKey: named('owner key', 32),
      budget: 10,
    }),
    'The body of register-finish',
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
