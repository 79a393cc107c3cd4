/**
 * Vectors of the signatures of an owner: what they are over, and under which key.
 *
 * @module
 */
import { COMMANDS, ownerMessage, type Command } from '../../conformance/peer/exchange.ts';
import { sign } from '../../conformance/peer/fleet.ts';
import {
  be,
  cat,
  expand,
  label,
  named,
  toHex,
  utf8,
  zeros,
  type Bytes,
} from '../../conformance/peer/primitives.ts';
import type { VectorFile } from '../../conformance/schema/vector.ts';
import { Family } from './family.ts';

const KEY = named('backup key', 32);
const FLEET_ID = named('fleet id', 16);
const HEAD = cat(zeros(16), be(8, 3), named('manifest id', 32), be(8, 1_700_000_000), be(4, 1), zeros(64));

/** The family. */
export function owner(): VectorFile {
  const family = new Family('owner', {
    feature: 'owner',
    role: 'vault-client',
    op: 'owner.sign',
    description:
      'Owner proofs: Ed25519 by the owner key of a backup key over the owner statement of a request.',
  });
  const accept = (
    id: string,
    command: Command,
    body: Bytes,
    title: string,
    account = utf8('alice'),
  ): void => {
    const message = ownerMessage(FLEET_ID, account, COMMANDS[command], body);
    family.accept(id, {
      title,
      why: 'A signature over less than fleet, account, command and body can be used elsewhere.',
      requirements: ['PRF-1'],
      input: {
        key: toHex(KEY),
        fleetId: toHex(FLEET_ID),
        account: toHex(account),
        command: COMMANDS[command],
        body: toHex(body),
      },
      result: { signature: toHex(sign(expand(KEY, label('owner-key'), 32), message)) },
      intermediates: { message: toHex(message) },
    });
  };
  accept('register-confirm', 'register-confirm', named('confirm', 96), 'A confirmation that replaces a key');
  accept('delete', 'delete', be(8, 7), 'A deletion at version 7');
  accept('delete-version-zero', 'delete', be(8, 0), 'A deletion at version 0');
  accept('cancel', 'cancel', be(8, 7), 'A cancel of what takes effect at 7: the same body as a deletion');
  accept('get-head', 'get-head', zeros(0), 'Asking for the head: no body at all');
  accept('put-head', 'put-head', cat(zeros(32), HEAD), 'The first head');
  accept('account-of-64', 'delete', be(8, 7), 'An account of 64 bytes', named('long account', 64));
  accept('account-not-text', 'delete', be(8, 7), 'An account that is no text', Uint8Array.of(0xff, 0, 0xfe));
  return family.file();
}
