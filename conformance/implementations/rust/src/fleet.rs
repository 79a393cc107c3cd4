//! The signed description of a fleet of vaults (spec/fleet.md).

use std::collections::HashSet;

use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use opaque_ke::Ristretto255;
use opaque_ke::key_exchange::group::Group;
use sha2::{Digest, Sha256};

use crate::bytes::{Reader, label};
use crate::channel::{is_p256_point, is_public_key};
use crate::error::{Result, ensure, error};
use crate::keys::key_id;
use crate::opaque::{KeyIds, Stretch};

const SOFTWARE: u8 = 1;
const CURRENT: u8 = 1;

/// What a client is made for.
#[derive(Clone, Debug)]
pub struct Pins {
    pub fleet_id: Option<[u8; 16]>,
    pub signers: Vec<[u8; 32]>,
    pub threshold: usize,
}

/// The newest descriptor that was accepted of a fleet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Last {
    pub serial: u64,
    pub hash: Option<[u8; 32]>,
    pub level: u8,
}

/// A key of the channel or of receipts.
#[derive(Clone, Debug)]
pub struct FleetKey {
    pub id: [u8; 8],
    pub public_key: Vec<u8>,
    is_current: bool,
}

/// A pair of OPAQUE keys.
#[derive(Clone, Debug)]
pub struct OpaqueKey {
    pub ids: KeyIds,
    pub not_after_new: u64,
    pub public_key: Vec<u8>,
}

/// What a client uses of a verified descriptor.
#[derive(Clone, Debug)]
pub struct Descriptor {
    pub fleet_id: [u8; 16],
    pub serial: u64,
    pub hash: [u8; 32],
    pub channel_suite: u8,
    pub level: u8,
    pub max_budget: u8,
    pub stretch: Stretch,
    not_before: u64,
    not_after: u64,
    kem_keys: Vec<FleetKey>,
    receipt_keys: Vec<FleetKey>,
    opaque_keys: Vec<OpaqueKey>,
}

struct Policy {
    default_budget: u8,
    max_budget: u8,
    ceiling: u32,
    assertion_mode: u8,
    relay_keys: Vec<[u8; 32]>,
    stretch: Stretch,
}

/// Verifies a descriptor by the steps of the specification.
pub fn verify(bytes: &[u8], pins: &Pins, now: u64, last: Option<Last>) -> Result<Descriptor> {
    let ids: HashSet<[u8; 8]> = pins.signers.iter().map(|key| key_id(key)).collect();
    let pinned_well = ids.len() == pins.signers.len() && (1..=ids.len()).contains(&pins.threshold);
    ensure(pinned_well, "invalid-config")?;
    let (encoded, signatures) = decode_signed(bytes).map_err(|_| error("bad-descriptor"))?;
    ensure(signatures.is_sorted_by(|a, b| a.0 < b.0), "bad-descriptor")?;
    let message = [&label("fleet-descriptor"), encoded].concat();
    let signed = signatures.iter().filter(|(id, signature)| {
        let signer = pins.signers.iter().find(|key| key_id(*key) == *id);
        signer.is_some_and(|key| is_signed_by(key, &message, signature))
    });
    ensure(signed.count() >= pins.threshold, "descriptor-not-trusted")?;
    ensure(encoded[0] == 1, "unsupported-version")?;
    let descriptor = Descriptor::decode(encoded)?;
    ensure(pins.fleet_id.is_none_or(|id| id == descriptor.fleet_id), "wrong-fleet")?;
    if let Some(last) = last {
        let same = last.hash.is_none_or(|hash| hash == descriptor.hash);
        let newer = descriptor.serial > last.serial || (descriptor.serial == last.serial && same);
        ensure(newer && descriptor.level >= last.level, "descriptor-rollback")?;
    }
    ensure(now >= descriptor.not_before, "descriptor-not-yet-valid")?;
    ensure(now <= descriptor.not_after, "descriptor-expired")?;
    Ok(descriptor)
}

type SignatureOf = ([u8; 8], [u8; 64]);

fn decode_signed(bytes: &[u8]) -> Result<(&[u8], Vec<SignatureOf>)> {
    let mut reader = Reader::new(bytes);
    ensure(reader.take(8)? == b"SRMFLEET", "malformed")?;
    let descriptor = reader.vector(1, 65535)?;
    let signatures = reader.items(72, 4608, |item| Ok((item.array()?, item.array()?)))?;
    reader.end()?;
    Ok((descriptor, signatures))
}

/// True for the canonical encoding of a point that is not of small order.
pub fn is_ed25519_key(bytes: &[u8]) -> bool {
    let Ok(compressed) = CompressedEdwardsY::from_slice(bytes) else { return false };
    compressed.decompress().is_some_and(|point| !point.is_small_order() && point.compress() == compressed)
}

/// True for a signature that FLT-6 lets pass: R is compared as bytes, and S checked, by the library.
pub fn is_signed_by(public_key: &[u8], message: &[u8], signature: &[u8; 64]) -> bool {
    let Ok(bytes) = public_key.try_into() else { return false };
    is_ed25519_key(public_key)
        && VerifyingKey::from_bytes(bytes)
            .is_ok_and(|key| key.verify(message, &Signature::from_bytes(signature)).is_ok())
}

impl Descriptor {
    fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let decoded = Self::read(&mut reader).and_then(|decoded| reader.end().map(|()| decoded));
        let (mut descriptor, opaque_suite, policy) = decoded.map_err(|_| error("bad-descriptor"))?;
        let suites_known = [1, 2].contains(&descriptor.channel_suite) && opaque_suite == 1;
        ensure(suites_known, "unsupported-suite")?;
        ensure(descriptor.is_within_limits(&policy), "bad-descriptor")?;
        descriptor.hash = Sha256::digest(bytes).into();
        Ok(descriptor)
    }

    fn read(reader: &mut Reader) -> Result<(Self, u8, Policy)> {
        reader.one_of(1..=1)?;
        let fleet_id = reader.array()?;
        let serial = reader.u64()?;
        let not_before = reader.u64()?;
        let not_after = reader.u64()?;
        let channel_suite = reader.u8()?;
        let opaque_suite = reader.u8()?;
        let level = reader.one_of(1..=3)?;
        let kem_keys = reader.items(1, 65535, read_fleet_key)?;
        let receipt_keys = reader.items(1, 65535, read_fleet_key)?;
        let opaque_keys = reader.items(1, 65535, read_opaque_key)?;
        let policy = read_policy(reader)?;
        for _ in ["operator", "trust_domain"] {
            std::str::from_utf8(reader.vector(0, 255)?).map_err(|_| error("malformed"))?;
        }
        let Policy { max_budget, stretch, .. } = policy;
        let descriptor = Self {
            fleet_id,
            serial,
            hash: [0; 32],
            channel_suite,
            level,
            max_budget,
            stretch,
            not_before,
            not_after,
            kem_keys,
            receipt_keys,
            opaque_keys,
        };
        Ok((descriptor, opaque_suite, policy))
    }

    fn is_within_limits(&self, policy: &Policy) -> bool {
        let suite = self.channel_suite;
        let is_receipt_key = if suite == 1 { is_ed25519_key } else { is_p256_point };
        let opaque_ids: HashSet<_> = self.opaque_keys.iter().map(|key| key.ids.opaque).collect();
        let asserts = policy.assertion_mode != 0;
        self.serial >= 1
            && self.not_before <= self.not_after
            && are_fleet_keys(&self.kem_keys, |key| is_public_key(suite, key))
            && are_fleet_keys(&self.receipt_keys, is_receipt_key)
            && opaque_ids.len() == self.opaque_keys.len()
            && self.opaque_keys.iter().all(OpaqueKey::is_valid)
            && (1..=100).contains(&policy.max_budget)
            && (1..=policy.max_budget).contains(&policy.default_budget)
            && policy.ceiling >= u32::from(policy.max_budget)
            && (asserts || self.level == SOFTWARE)
            && asserts != policy.relay_keys.is_empty()
            && policy.relay_keys.iter().all(|key| is_ed25519_key(key))
    }

    /// The key to which requests are sealed.
    pub fn channel_key(&self) -> &FleetKey {
        self.kem_keys.iter().find(|key| key.is_current).expect("a descriptor has a current key")
    }

    /// True if a receipt key of the fleet made this signature.
    pub fn has_signed(&self, key_id: &[u8; 8], message: &[u8], signature: &[u8; 64]) -> bool {
        let Some(key) = self.receipt_keys.iter().find(|key| key.id == *key_id) else { return false };
        match self.channel_suite {
            1 => is_signed_by(&key.public_key, message, signature),
            _ => is_ecdsa_signed_by(&key.public_key, message, signature),
        }
    }

    /// The pair of OPAQUE keys of these names; `server-authentication-failed`.
    pub fn opaque_key(&self, ids: KeyIds) -> Result<&OpaqueKey> {
        let found = self.opaque_keys.iter().find(|key| key.ids == ids);
        found.ok_or(error("server-authentication-failed"))
    }
}

fn are_fleet_keys(keys: &[FleetKey], is_valid: impl Fn(&[u8]) -> bool) -> bool {
    let ids: HashSet<_> = keys.iter().map(|key| key.id).collect();
    ids.len() == keys.len()
        && keys.iter().any(|key| key.is_current)
        && keys.iter().all(|key| key_id(&key.public_key) == key.id && is_valid(&key.public_key))
}

fn is_ecdsa_signed_by(public_key: &[u8], message: &[u8], signature: &[u8; 64]) -> bool {
    use p256::ecdsa::{Signature, VerifyingKey, signature::Verifier};
    let signature = Signature::from_slice(signature);
    let key = VerifyingKey::from_sec1_bytes(public_key);
    signature.is_ok_and(|signature| key.is_ok_and(|key| key.verify(message, &signature).is_ok()))
}

impl OpaqueKey {
    fn is_valid(&self) -> bool {
        let mut element = &self.public_key[..];
        key_id(&self.public_key) == self.ids.opaque
            && self.public_key.len() == 32
            && Ristretto255::deserialize_take_pk(&mut element).is_ok()
    }
}

fn read_fleet_key(reader: &mut Reader) -> Result<FleetKey> {
    let id = reader.array()?;
    let is_current = reader.one_of(1..=2)? == CURRENT;
    reader.one_of(1..=3)?;
    Ok(FleetKey { id, is_current, public_key: reader.vector(1, 2048)?.to_vec() })
}

fn read_opaque_key(reader: &mut Reader) -> Result<OpaqueKey> {
    let opaque = reader.array()?;
    let oprf = reader.array()?;
    let not_after_new = reader.u64()?;
    reader.one_of(1..=3)?;
    reader.one_of(1..=3)?;
    let public_key = reader.vector(1, 255)?.to_vec();
    Ok(OpaqueKey { ids: KeyIds { oprf, opaque }, not_after_new, public_key })
}

fn read_policy(reader: &mut Reader) -> Result<Policy> {
    let default_budget = reader.u8()?;
    let max_budget = reader.u8()?;
    reader.one_of(0..=1)?; // refill
    reader.items(0, 400, Reader::u32)?; // delays
    reader.u32()?; // last chance
    reader.u32()?; // grace
    Ok(Policy {
        default_budget,
        max_budget,
        ceiling: reader.u32()?,
        assertion_mode: reader.one_of(0..=1)?,
        relay_keys: reader.items(0, 512, Reader::array)?,
        stretch: Stretch::read(reader)?,
    })
}
