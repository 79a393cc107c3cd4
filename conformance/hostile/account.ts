/**
 * The one account of the runner's vault: registered, and honest in all that it says.
 *
 * @module
 */
import { decodeChangeFinish, encodeStatusBody, HEAD_LENGTH } from '../peer/bodies.ts';
import { keyId } from '../peer/channel.ts';
import { COMMANDS, ownerMessage, type Said } from '../peer/exchange.ts';
import { verify } from '../peer/fleet.ts';
import { ownerKey } from '../peer/head.ts';
import {
  blindElement,
  deriveKeyPair,
  encodeStretch,
  evaluate,
  makeKe2,
  makeRecord,
  opaqueContext,
  sealKey,
  type Stretch,
} from '../peer/opaque.ts';
import { be, cat, fresh, prefixed, same, sha256, utf8, zeros, type Bytes } from '../peer/primitives.ts';
import { Reader } from '../peer/reader.ts';

/** The account that is registered here. */
export const ACCOUNT = 'alice@example.org';
/** Its password; no byte that a client sends may hold it. */
export const PASSWORD = 'unmistakable password 4711';
/** Its backup key; no byte that a client sends may hold it. */
export const BACKUP_KEY: Bytes = sha256(utf8('the backup key of the hostile vault'));
/** Vault time of every answer, and of what waits. */
const NOW = 1000;
const EFFECTIVE_AT = NOW + 604_800;

/** What a scenario can change in the body of an answer to `recover-start`. */
export interface RecoverStartedFields {
  readonly ke2: Bytes;
  readonly stretch: Stretch;
  readonly oprfKeyId: Bytes;
}

/** The proof of a request, as it came. */
export interface GivenProof {
  readonly kind: number;
  readonly rest: Bytes;
}

interface Generation {
  readonly number: number;
  readonly seed: Bytes;
  readonly record: Bytes;
  readonly sealedKey: Bytes;
  /** SHA-256 of the body that registered it. */
  readonly hash: Bytes;
}

/** What the vault keeps of the account. */
export class HostileAccount {
  stateVersion = 10;
  readonly #fleetId: Bytes;
  readonly #stretch: Stretch;
  readonly #opaque = deriveKeyPair(fresh(32));
  readonly #oprfKeyId = fresh(8);
  #live: Generation;
  #pending: { readonly id: Bytes; readonly seed: Bytes; readonly number: number };
  #phase: 'active' | 'deleted' = 'active';
  #waits: 'none' | 'replacement' | 'deletion' = 'none';
  #waitingHash: Bytes = zeros(32);
  #head: Bytes = zeros(HEAD_LENGTH);
  #ke3: Bytes = fresh(64);

  constructor(fleetId: Bytes, stretch: Stretch) {
    this.#fleetId = fleetId;
    this.#stretch = stretch;
    const seed = fresh(32);
    const blind = be(32, 0);
    blind[0] = 9;
    const { record, exportKey } = makeRecord({
      password: utf8(PASSWORD),
      blind,
      evaluated: evaluate(seed, blindElement(utf8(PASSWORD), blind)),
      serverPublicKey: this.#opaque.publicKey,
      envelopeNonce: fresh(32),
      stretch,
    });
    const sealedKey = sealKey(exportKey, BACKUP_KEY, { fleetId, account: utf8(ACCOUNT), generation: 1 });
    this.#live = { number: 1, seed, record, sealedKey, hash: sha256(record) };
    this.#pending = { id: fresh(32), seed: fresh(32), number: 1 };
  }

  /** Its pair of OPAQUE keys, as a descriptor names it. */
  get opaqueKey(): { readonly oprfKeyId: Bytes; readonly publicKey: Bytes } {
    return { oprfKeyId: this.#oprfKeyId, publicKey: this.#opaque.publicKey };
  }

  #keyIds(): Bytes {
    return cat(this.#oprfKeyId, keyId(this.#opaque.publicKey));
  }

  /** The body of an answer to `recover-start`, with what a scenario changes in it. */
  recoverStarted(ke1: Bytes, change: Partial<RecoverStartedFields> & { readonly seed?: Bytes } = {}): Bytes {
    const { stretch = this.#stretch, oprfKeyId = this.#oprfKeyId } = change;
    const opaqueKeyId = keyId(this.#opaque.publicKey);
    const made = makeKe2({
      ke1,
      record: this.#live.record,
      seed: change.seed ?? this.#live.seed,
      serverSecretKey: this.#opaque.secretKey,
      serverPublicKey: this.#opaque.publicKey,
      context: opaqueContext({ oprfKeyId, opaqueKeyId, stretch }),
      maskingNonce: fresh(32),
      serverNonce: fresh(32),
      keyshareSeed: fresh(32),
    });
    this.#ke3 = made.ke3;
    const ke2 = prefixed(2, change.ke2 ?? made.ke2);
    return cat(fresh(32), oprfKeyId, opaqueKeyId, encodeStretch(stretch), ke2);
  }

  /** A new pending registration; the generation before it goes on. */
  #registerStarted(request: Bytes, number: number): Bytes {
    this.#pending = { id: fresh(32), seed: fresh(32), number };
    const { id, seed } = this.#pending;
    const response = cat(evaluate(seed, request), this.#opaque.publicKey);
    return cat(id, be(8, number), this.#keyIds(), prefixed(1, response));
  }

  /** True if a proof holds; undefined if there is none. */
  #proved(command: number, body: Bytes, { kind, rest }: GivenProof): boolean | undefined {
    if (kind === 0) return undefined;
    if (kind === 2) {
      const message = ownerMessage(this.#fleetId, utf8(ACCOUNT), command, body);
      return verify(ownerKey(BACKUP_KEY), message, rest.slice(0, 64));
    }
    const reader = new Reader(rest);
    reader.prefixed(1);
    reader.take(32);
    return same(reader.prefixed(1), this.#ke3);
  }

  /** What it answers. */
  say(command: number, body: Bytes, proof: GivenProof): Said {
    switch (command) {
      case COMMANDS.status: {
        const scheduledRecordHash = this.#waitingHash;
        return this.#ok(encodeStatusBody({ recordHash: this.#live.hash, scheduledRecordHash }));
      }
      case COMMANDS['recover-start']:
        return this.#changed(this.recoverStarted(body.slice(1)));
      case COMMANDS['recover-finish']:
        return same(body.slice(1 + 96 + 32 + 1, 1 + 96 + 32 + 1 + 64), this.#ke3)
          ? { ...this.#changed(this.#live.sealedKey), remaining: 10 }
          : this.#no('wrong-password');
      case COMMANDS['register-start']:
        return this.#changed(this.#registerStarted(body.slice(1), 1));
      case COMMANDS['register-finish']:
        return this.#changed(sha256(body));
      case COMMANDS['register-confirm']:
        return this.#confirm(command, body, proof);
      case COMMANDS['change-start']: {
        const reader = new Reader(body);
        const attempt = this.recoverStarted(reader.prefixed(1));
        const registration = this.#registerStarted(reader.prefixed(1), this.#live.number + 1);
        return this.#changed(cat(attempt, registration));
      }
      case COMMANDS['change-finish']:
        return this.#changePassword(body);
      case COMMANDS.delete:
      case COMMANDS.cancel:
        return this.#deleteOrCancel(command, body, proof);
      case COMMANDS['get-head']:
      case COMMANDS['put-head']:
        return this.#keepHead(command, body, proof);
      default:
        return this.#no('unsupported');
    }
  }

  #confirm(command: number, body: Bytes, proof: GivenProof): Said {
    const proved = this.#proved(command, body, proof);
    if (proved === true) return { ...this.#changed(body.slice(64)), remaining: 10 };
    if (proved === false) return this.#no('not-authorised');
    this.#waits = 'replacement';
    this.#waitingHash = body.slice(64);
    return this.#no('scheduled');
  }

  #changePassword(body: Bytes): Said {
    if (same(this.#live.hash, sha256(body))) return this.#ok(sha256(body));
    const { ke3, registrationId, record, sealedKey } = decodeChangeFinish(body);
    if (!same(registrationId, this.#pending.id)) return this.#no('conflict');
    if (!same(ke3, this.#ke3)) return this.#no('wrong-password');
    const { seed, number } = this.#pending;
    this.#live = { number, seed, record, sealedKey, hash: sha256(body) };
    return { ...this.#changed(sha256(body)), remaining: 10 };
  }

  #deleteOrCancel(command: number, body: Bytes, proof: GivenProof): Said {
    const { stateVersion, effectiveAt } = this.#common();
    const named = command === COMMANDS.cancel ? effectiveAt : stateVersion;
    if (new Reader(body).uint(8) !== named) return this.#no('conflict');
    const proved = this.#proved(command, body, proof);
    if (proved === false || (proved === undefined && command === COMMANDS.cancel))
      return this.#no('not-authorised');
    if (command === COMMANDS.delete && proved === undefined) {
      this.#waits = 'deletion';
      return this.#no('scheduled');
    }
    this.#waits = 'none';
    if (command === COMMANDS.delete) this.#phase = 'deleted';
    return this.#changed(zeros(0));
  }

  #keepHead(command: number, body: Bytes, proof: GivenProof): Said {
    if (proof.kind !== 2 || this.#proved(command, body, proof) !== true) return this.#no('not-authorised');
    if (command === COMMANDS['get-head']) return this.#ok(this.#head);
    const none = this.#head.every((byte) => byte === 0);
    if (!same(body.slice(0, 32), none ? zeros(32) : sha256(this.#head))) return this.#no('conflict');
    this.#head = body.slice(32);
    return this.#changed(this.#head);
  }

  #no(outcome: Said['outcome'] & string): Said {
    if (outcome !== 'unsupported' && outcome !== 'conflict') this.stateVersion++;
    return { ...this.#common(), outcome };
  }

  #ok(body: Bytes): Said {
    return { ...this.#common(), outcome: 'ok', body };
  }

  #changed(body: Bytes): Said {
    this.stateVersion++;
    return this.#ok(body);
  }

  #common(): Said {
    return {
      fleetId: this.#fleetId,
      account: utf8(ACCOUNT),
      vaultTime: NOW,
      stateVersion: this.stateVersion,
      phase: this.#phase,
      generation: this.#live.number,
      budget: 10,
      remaining: 9,
      scheduledChange: this.#waits,
      effectiveAt: this.#waits === 'none' ? 0 : EFFECTIVE_AT,
    };
  }
}
