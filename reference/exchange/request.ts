/**
 * Requests of the vault exchange (spec/exchange.md, "Requests").
 *
 * @module
 */
import { StretchParams } from '../opaque/stretch.ts';
import type { Bytes } from '../wire/bytes.ts';
import { bytes, enumeration, opaque, padded, select, struct, u64, u8, type Codec } from '../wire/codec.ts';

/** Size of every request before sealing, in bytes. */
export const REQUEST_SIZE = 2048;
/** Longest account name, in bytes. */
export const ACCOUNT_MAX = 64;
/** Version of the exchange. */
export const EXCHANGE_VERSION = 1;

/** What a request asks for. The body is decoded only by a vault that knows the command. */
export type Command =
  | 'register-start'
  | 'register-finish'
  | 'register-confirm'
  | 'recover-start'
  | 'recover-finish'
  | 'status'
  | 'delete'
  | 'cancel'
  | 'change-start'
  | 'change-finish'
  | 'get-head'
  | 'put-head';

/** Numbers of the commands (spec/registries.md). */
export const COMMANDS: Readonly<Record<Command, number>> = {
  'register-start': 1,
  'register-finish': 2,
  'register-confirm': 3,
  'recover-start': 4,
  'recover-finish': 5,
  status: 6,
  delete: 7,
  cancel: 8,
  'change-start': 9,
  'change-finish': 10,
  'get-head': 11,
  'put-head': 12,
};

/** `Command` on the wire: one byte. */
export const Command: Codec<Command> = enumeration<Command>('Command', 1, COMMANDS);

/** Proof of ownership that a request may carry. */
export type Proof =
  | { readonly kind: 'none' }
  /** The KE3 of an attempt that is open at the vault; the commit that uses it closes the attempt. */
  | { readonly kind: 'ke3'; readonly ke1: Bytes; readonly attemptId: Bytes; readonly ke3: Bytes }
  /** An owner-key signature over {@link OwnerStatement}. */
  | { readonly kind: 'owner'; readonly signature: Bytes };

/** What a KE3 proof says. */
export type Ke3Proof = Omit<Extract<Proof, { kind: 'ke3' }>, 'kind'>;

/** `Ke3Proof` on the wire. */
export const Ke3Proof: Codec<Ke3Proof> = struct<Ke3Proof>('Ke3Proof', {
  ke1: bytes(1, 128, 'ke1'),
  attemptId: opaque(32, 'attempt_id'),
  ke3: bytes(1, 128, 'ke3'),
});

/** `Proof` on the wire. */
export const Proof: Codec<Proof> = select<Proof>('Proof', 1, {
  none: [0, struct<object>('NoProof', {})],
  ke3: [1, Ke3Proof],
  owner: [
    2,
    struct<Omit<Extract<Proof, { kind: 'owner' }>, 'kind'>>('OwnerProof', { signature: opaque(64) }),
  ],
});

/** One request, before padding. */
export interface Request {
  readonly version: number;
  readonly fleetId: Bytes;
  readonly account: Bytes;
  /** Number of a {@link Command}; a number here, so that unknown ones can be answered `unsupported`. */
  readonly command: number;
  /** Encoding of the command's own structure. */
  readonly body: Bytes;
  readonly proof: Proof;
}

/** `Request`, padded with zeros to {@link REQUEST_SIZE} bytes. */
export const Request: Codec<Request> = padded(
  struct<Request>('Request', {
    version: u8,
    fleetId: opaque(16, 'fleet_id'),
    account: bytes(1, ACCOUNT_MAX, 'account'),
    command: u8,
    body: bytes(0, 1280, 'body'),
    proof: Proof,
  }),
  REQUEST_SIZE,
);

/** What an owner-key signature covers: `label("owner-statement") || OwnerStatement`. */
export interface OwnerStatement {
  readonly fleetId: Bytes;
  readonly account: Bytes;
  readonly command: number;
  readonly body: Bytes;
}

/** `OwnerStatement` on the wire. */
export const OwnerStatement: Codec<OwnerStatement> = struct<OwnerStatement>('OwnerStatement', {
  fleetId: opaque(16, 'fleet_id'),
  account: bytes(1, ACCOUNT_MAX, 'account'),
  command: u8,
  body: bytes(0, 1280, 'body'),
});

/** Body of `register-start`. */
export interface RegisterStart {
  /** `RegistrationRequest` of RFC 9807. */
  readonly registrationRequest: Bytes;
}

/** `RegisterStart` on the wire. */
export const RegisterStart: Codec<RegisterStart> = struct<RegisterStart>('RegisterStart', {
  registrationRequest: bytes(1, 66, 'registration_request'),
});

/** Body of `register-finish`; its hash names the record ever after. */
export interface RegisterFinish {
  readonly registrationId: Bytes;
  /** `RegistrationRecord` of RFC 9807. */
  readonly record: Bytes;
  readonly stretch: StretchParams;
  /** Backup key, sealed under the export key: 48 bytes. */
  readonly sealedKey: Bytes;
  /** `SHA-256(label("confirm") || secret)`. */
  readonly confirmHash: Bytes;
  /** Ed25519 public key that may later replace or delete. */
  readonly ownerKey: Bytes;
  /** Wrong passwords until destruction, 1 to 100; 0 asks for the policy's default. */
  readonly budget: number;
}

/** `RegisterFinish` on the wire. */
export const RegisterFinish: Codec<RegisterFinish> = struct<RegisterFinish>('RegisterFinish', {
  registrationId: opaque(32, 'registration_id'),
  record: bytes(1, 256, 'record'),
  stretch: StretchParams,
  sealedKey: opaque(48, 'sealed_key'),
  confirmHash: opaque(32, 'confirm_hash'),
  ownerKey: opaque(32, 'owner_key'),
  budget: u8,
});

/** Body of `register-confirm`. */
export interface RegisterConfirm {
  readonly registrationId: Bytes;
  readonly secret: Bytes;
  /** SHA-256 of the encoded {@link RegisterFinish}. */
  readonly recordHash: Bytes;
}

/** `RegisterConfirm` on the wire. */
export const RegisterConfirm: Codec<RegisterConfirm> = struct<RegisterConfirm>('RegisterConfirm', {
  registrationId: opaque(32, 'registration_id'),
  secret: opaque(32, 'secret'),
  recordHash: opaque(32, 'record_hash'),
});

/** Body of `recover-start`. */
export interface RecoverStart {
  readonly ke1: Bytes;
}

/** `RecoverStart` on the wire. */
export const RecoverStart: Codec<RecoverStart> = struct<RecoverStart>('RecoverStart', {
  ke1: bytes(1, 128, 'ke1'),
});

/** Body of `recover-finish`. */
export interface RecoverFinish {
  readonly ke1: Bytes;
  readonly attemptId: Bytes;
  readonly ke3: Bytes;
  /** Serial of the failed-attempt report that the owner has seen; 0 = none. */
  readonly acknowledged: number;
}

/** `RecoverFinish` on the wire. */
export const RecoverFinish: Codec<RecoverFinish> = struct<RecoverFinish>('RecoverFinish', {
  ke1: bytes(1, 128, 'ke1'),
  attemptId: opaque(32, 'attempt_id'),
  ke3: bytes(1, 128, 'ke3'),
  acknowledged: u64,
});

/** Body of `status`: empty. */
export const Status: Codec<object> = struct<object>('Status', {});

/** Body of `delete`. */
export interface Delete {
  /** The state version on which the client decided. */
  readonly stateVersion: number;
}

/** {@link Delete} on the wire. */
export const Delete: Codec<Delete> = struct<Delete>('Delete', { stateVersion: u64 });

/** Body of `cancel`. */
export interface Cancel {
  /** Vault time in seconds at which the change that is cancelled would take effect. */
  readonly effectiveAt: number;
}

/** {@link Cancel} on the wire. */
export const Cancel: Codec<Cancel> = struct<Cancel>('Cancel', { effectiveAt: u64 });
