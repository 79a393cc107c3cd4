/**
 * A vault that is its core and a memory: for tests of one command after the other. Every answer is checked as a client
 * checks it.
 *
 * @module
 */
import { ed25519Verify } from '../../crypto/ed25519.ts';
import { systemRandom } from '../../crypto/random.ts';
import { Answer, Statement } from '../../exchange/answer.ts';
import type { Policy } from '../../fleet/descriptor.ts';
import { label } from '../../keys/labels.ts';
import type { Suite } from '../../opaque/index.ts';
import { concat, equal, utf8, type Bytes } from '../../wire/bytes.ts';
import { decode, encode } from '../../wire/codec.ts';
import type { Caller, Fleet } from '../core/fleet.ts';
import { handle, leafInput } from '../core/handle.ts';
import type { AccountRecord } from '../record.ts';
import { TestAccount } from './account.ts';
import { MemoryDriver } from './memory-driver.ts';

/** See above. */
export class CoreVault {
  readonly driver: MemoryDriver;
  /** What the core is told of its fleet; tests may change it. */
  fleet: Fleet;

  constructor(suite: Suite, policy: Partial<Policy> = {}) {
    this.driver = new MemoryDriver(policy, suite);
    this.fleet = this.driver.fleet;
  }

  /** Handles one request. */
  // oxlint-disable-next-line typescript/require-await -- errors are rejections
  async send(plaintext: Bytes, caller: Caller = { kind: 'anyone' }): Promise<Statement> {
    const requestHash = systemRandom('request_hash', 32);
    const { answer } = this.driver.run(handle(this.fleet, { caller, requestHash, plaintext }));
    const { statement, signature, receiptKeyId } = decode(Answer, answer);
    const signed = concat(label('answer'), encode(Statement, statement));
    if (
      !ed25519Verify(this.driver.receiptKey, signed, signature) ||
      !equal(receiptKeyId, this.fleet.receiptKeyId) ||
      !equal(statement.requestHash, requestHash) ||
      !equal(statement.fleetId, this.fleet.fleetId)
    )
      throw new Error('an answer that no client would take');
    return statement;
  }

  /** A client of an account. */
  account(name = 'alice'): TestAccount {
    return new TestAccount((request) => this.send(request), this.fleet.fleetId, name);
  }

  /** Leaf index of an account. */
  leaf(name = 'alice'): Bytes {
    return this.driver.perform({ kind: 'hmac', key: 'index', data: leafInput(utf8(name)) }) as Bytes;
  }

  /** The record of an account that has one. */
  record(name?: string): AccountRecord {
    const record = this.driver.record(this.leaf(name));
    if (record === undefined) throw new Error('no record');
    return record;
  }
}
