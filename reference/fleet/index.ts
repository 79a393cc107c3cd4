/**
 * The fleet descriptor (spec/fleet.md).
 *
 * @module
 */
export {
  AssertionMode,
  DESCRIPTOR_VERSION,
  descriptorHash,
  FleetDescriptor,
  FleetKey,
  keyId,
  KeyLocation,
  KeyState,
  OpaqueKey,
  Policy,
  ProtectionLevel,
  Refill,
  type DescriptorSignature,
} from './descriptor.ts';
export { assemble, type FleetPins } from './ceremony.ts';
export { changes, concerns, facts, type Change, type Fact } from './review.ts';
export { channelKey, opaqueKey, receiptKey, registrationKey } from './keys.ts';
export { DEFAULT_POLICY } from './policy.ts';
export { keyRules, type KeyRules } from './suites.ts';
export {
  assembleDescriptor,
  checkDescriptor,
  checkPolicy,
  pinnedSigners,
  readDescriptor,
  signDescriptor,
  verifyDescriptor,
  type DescriptorTrust,
} from './verify.ts';
