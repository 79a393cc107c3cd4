/**
 * One lie each: what a client must refuse, with which error, and after which requests.
 *
 * @module
 */
import { CHEAP, type HostileVault } from '../hostile/vault.ts';
import { cat, fresh, utf8, zeros, type Bytes } from '../peer/primitives.ts';
import { destroyed, flipLast, lie, type ClientScenario } from './client-stage.ts';

const START = 4;
const FINISH = 5;

function lastKe1(vault: HostileVault): Bytes {
  return (vault.requests.at(-1)?.body ?? zeros(97)).slice(1);
}

/** KE2 lies behind attempt id, two key ids, stretching and a length. */
function reflect(body: Uint8Array, ke1: Uint8Array): Bytes {
  const at = 32 + 8 + 8 + 11 + 2;
  return cat(body.slice(0, at), ke1.slice(0, 32), body.slice(at + 32));
}

/** Lies of a vault, and of those on the way. */
export const clientLies: readonly ClientScenario[] = [
  lie(
    'client.stretch-lowered',
    'The vault lowers the stretching',
    'A cheap hash of the password makes every later theft of the record worth while.',
    ['CLI-33', 'OPQ-11'],
    (vault) => ({
      statement: (honest, command) =>
        command === START
          ? { ...honest, body: vault.recoverStarted(lastKe1(vault), { stretch: { ...CHEAP, memoryKib: 8 } }) }
          : honest,
    }),
    ['stretch-out-of-bounds'],
    [START],
  ),
  lie(
    'client.stretch-raised',
    'The vault asks for four TiB of memory',
    'A vault must not be able to bring the device down.',
    ['CLI-33', 'OPQ-11'],
    (vault) => ({
      statement: (honest, command) =>
        command === START
          ? {
              ...honest,
              body: vault.recoverStarted(lastKe1(vault), {
                stretch: { ...CHEAP, memoryKib: 2 ** 32 - 1 },
                ke2: zeros(320),
              }),
            }
          : honest,
    }),
    ['stretch-out-of-bounds'],
    [START],
  ),
  lie(
    'client.server-mac',
    'The vault cannot prove that it holds the registration',
    'A client that sends KE3 all the same hands a guess to whoever asks.',
    ['OPQ-20', 'CLI-23'],
    () => ({
      statement: (honest, command) =>
        command === START ? { ...honest, body: flipLast(honest.body ?? zeros(1)) } : honest,
    }),
    ['server-authentication-failed'],
    [START],
  ),
  lie(
    'client.unknown-keys',
    'KE2 names an OPRF key that the fleet does not have',
    'Only the keys of the descriptor are those of the fleet.',
    ['FLT-11'],
    (vault) => ({
      statement: (honest, command) =>
        command === START
          ? { ...honest, body: vault.recoverStarted(lastKe1(vault), { oprfKeyId: fresh(8) }) }
          : honest,
    }),
    ['server-authentication-failed'],
    [START],
  ),
  lie(
    'client.reflected',
    'KE2 carries the blinded element back',
    'The key of the OPRF is then 1: whoever has the answer can guess at the password alone.',
    ['OPQ-17'],
    (vault) => ({
      statement: (honest, command) =>
        command === START ? { ...honest, body: reflect(honest.body ?? zeros(1), lastKe1(vault)) } : honest,
    }),
    ['malformed', 'bad-answer'],
    [START],
  ),
  lie(
    'client.sealed-key',
    'The vault gives back a key that is not of this registration',
    'The password was right: a client that says otherwise makes its owner try again.',
    ['OPQ-27', 'OPQ-28'],
    () => ({
      statement: (honest, command) => (command === FINISH ? { ...honest, body: fresh(48) } : honest),
    }),
    ['bad-sealed-key'],
    [START, FINISH],
  ),
  lie(
    'client.bad-signature',
    'A statement whose signature does not verify',
    'A relay could make up every outcome.',
    ['XCH-16', 'CLI-18', 'CLI-22'],
    () => ({ statement: destroyed, signature: (honest) => flipLast(honest) }),
    ['bad-answer'],
    [START],
  ),
  lie(
    'client.unknown-signer',
    'A statement signed by a key that is not in the descriptor',
    'A good signature of anybody is no signature.',
    ['FLT-12', 'XCH-16'],
    () => ({ statement: destroyed, receiptSecret: fresh(32) }),
    ['bad-answer'],
    [START],
  ),
  lie(
    'client.other-account',
    'A signed outcome of another account',
    'The loss of one account must not be shown to another.',
    ['XCH-16'],
    () => ({ statement: (honest) => ({ ...destroyed(honest), account: utf8('mallory') }) }),
    ['bad-answer'],
    [START],
  ),
  lie(
    'client.other-fleet',
    'A signed outcome of another fleet',
    'Keys may be shared by mistake; statements name their fleet.',
    ['XCH-16'],
    () => ({ statement: (honest) => ({ ...destroyed(honest), fleetId: fresh(16) }) }),
    ['bad-answer'],
    [START],
  ),
  lie(
    'client.other-request',
    'A signed answer to another request',
    'Answers that are kept and played back later are true, and lies.',
    ['XCH-16'],
    () => ({ statement: destroyed, requestHash: () => fresh(32) }),
    ['bad-answer'],
    [START],
  ),
  lie(
    'client.answer-damaged',
    'An answer that does not open',
    'Nothing of it is used, and nothing follows from it.',
    ['CHN-11', 'CHN-12'],
    () => ({ answer: (honest) => flipLast(honest) }),
    ['bad-answer'],
    [START],
  ),
  lie(
    'client.more-than-budget',
    'More attempts are left than the budget has',
    'One of the two numbers is a lie.',
    ['CLI-18'],
    () => ({ statement: (honest) => ({ ...honest, remaining: 200 }) }),
    ['bad-answer'],
    [START],
  ),
  lie(
    'client.destroyed',
    'The vault says, signed, that the key is destroyed',
    'This is the one way to learn it.',
    ['CLI-22'],
    () => ({ statement: destroyed }),
    ['destroyed'],
    [START],
  ),
  lie(
    'client.unknown-fleet-signers',
    'A descriptor that nobody signed who is pinned',
    'Whoever answers at the address would be the vault.',
    ['CLI-16', 'FLT-4'],
    () => ({ signers: [fresh(32), fresh(32)] }),
    ['descriptor-not-trusted'],
    [],
  ),
  lie(
    'client.one-fleet-signer',
    'A descriptor with one signature where two are asked for',
    'One signer alone is not the fleet.',
    ['CLI-16', 'FLT-4'],
    (vault) => ({ signers: vault.signers.slice(0, 1) }),
    ['descriptor-not-trusted'],
    [],
  ),
  lie(
    'client.expired-fleet',
    'A descriptor that has expired',
    'Whoever shows nothing newer must not win for ever.',
    ['CLI-16', 'FLT-4'],
    () => ({ descriptor: (honest) => ({ ...honest, notAfter: honest.notBefore + 1 }) }),
    ['descriptor-expired'],
    [],
  ),
  lie(
    'client.wrong-fleet',
    'The true descriptor of another fleet of these signers',
    'Signers may serve two fleets; the pins name one.',
    ['CLI-16', 'FLT-4'],
    () => ({ descriptor: (honest) => ({ ...honest, fleetId: fresh(16) }) }),
    ['wrong-fleet'],
    [],
  ),
];
