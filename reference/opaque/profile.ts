/**
 * What Strongroom fixes in OPAQUE (spec/opaque.md, "Context" and "Credential identifier").
 *
 * @module
 */
import { label } from '../keys/labels.ts';
import { concat, type Bytes } from '../wire/bytes.ts';
import { bytes, encode, opaque, struct, u64, u8, type Codec } from '../wire/codec.ts';
import { StretchParams } from './stretch.ts';

/** Version of the profile. */
export const OPAQUE_PROFILE_VERSION = 1;
/** Number of ristretto255-SHA512 in the registry of OPAQUE suites. */
export const OPAQUE_RISTRETTO255 = 1;

/** What both sides of a login must agree on. */
export interface OpaqueContext {
  /** Number of the OPAQUE suite. */
  readonly suite: number;
  /** 8 bytes. */
  readonly oprfKeyId: Bytes;
  /** 8 bytes. */
  readonly opaqueKeyId: Bytes;
  readonly stretch: StretchParams;
}

const OpaqueContext: Codec<OpaqueContext & { version: number }> = struct<OpaqueContext & { version: number }>(
  'OpaqueContext',
  {
    version: u8,
    suite: u8,
    oprfKeyId: opaque(8, 'oprf_key_id'),
    opaqueKeyId: opaque(8, 'opaque_key_id'),
    stretch: StretchParams,
  },
);

/** The Context of RFC 9807, section 6.4: label and structure, 58 bytes. @throws StrongroomError `malformed` */
export function opaqueContext(context: OpaqueContext): Bytes {
  return concat(
    label('opaque-context'),
    encode(OpaqueContext, { ...context, version: OPAQUE_PROFILE_VERSION }),
  );
}

/** What names one registration to the OPRF. */
export interface CredentialIdentifier {
  /** 8 bytes. */
  readonly oprfKeyId: Bytes;
  /** 1 to 64 bytes. */
  readonly account: Bytes;
  readonly generation: number;
  /** 32 bytes, fresh for every `register-start`. */
  readonly nonce: Bytes;
}

const CredentialIdentifier: Codec<CredentialIdentifier> = struct<CredentialIdentifier>(
  'CredentialIdentifier',
  {
    oprfKeyId: opaque(8, 'oprf_key_id'),
    account: bytes(1, 64, 'account'),
    generation: u64,
    nonce: opaque(32, 'nonce'),
  },
);

/** The credential_identifier of RFC 9807: label and structure. @throws StrongroomError `malformed` */
export function credentialIdentifier(identifier: CredentialIdentifier): Bytes {
  return concat(label('credential'), encode(CredentialIdentifier, identifier));
}
