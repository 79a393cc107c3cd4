/**
 * OPAQUE (RFC 9807, 3DH, ristretto255-SHA512) as Strongroom uses it (spec/opaque.md).
 *
 * @module
 */
export {
  finishLogin,
  finishRegistration,
  startLogin,
  startRegistration,
  type FinishLoginOptions,
  type FinishRegistrationOptions,
  type LoggedIn,
  type LoginState,
  type Registered,
  type RegistrationState,
} from './client.ts';
export type { DiffieHellman, KeyPair } from './dh.ts';
export type { Identities } from './envelope.ts';
export type { Group } from './group.ts';
export { nobleP256, nobleRistretto255 } from './noble-group.ts';
export { preparePassword } from './password.ts';
export {
  credentialIdentifier,
  OPAQUE_PROFILE_VERSION,
  OPAQUE_RISTRETTO255,
  opaqueContext,
  type CredentialIdentifier,
  type OpaqueContext,
} from './profile.ts';
export { openBackupKey, SEALED_KEY_LENGTH, sealBackupKey, type SealedKeyBinding } from './sealed-key.ts';
export {
  checkRecord,
  fakeRecord,
  generateServerKeyPair,
  oprfSeed,
  oprfSeedInput,
  serverFinish,
  serverKe2,
  serverRegistrationResponse,
  type Ke2Options,
  type Ke2Result,
  type RegistrationResponseOptions,
} from './server.ts';
export { sodiumRistretto255 } from './sodium-group.ts';
export {
  ARGON2ID,
  argon2idStretch,
  checkStretch,
  DEFAULT_STRETCH,
  DEFAULT_STRETCH_BOUNDS,
  identityStretch,
  nobleArgon2idStretch,
  StretchParams,
  type Stretch,
  type StretchBounds,
} from './stretch.ts';
export { nobleSuite, sodiumSuite, suiteOf, type Suite } from './suite.ts';
