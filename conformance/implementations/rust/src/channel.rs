//! Sealing requests to a fleet and opening its answers (spec/channel.md).

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use hkdf::Hkdf;
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::{DhP256HkdfSha256, X25519HkdfSha256};
use hpke::rand_core::{CryptoRng, RngCore};
use hpke::{Deserializable, Kem, OpModeS, Serializable};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::bytes::{Writer, label};
use crate::error::{Result, ensure, error};
use crate::keys::{Key, expand, key_id};

/// Bytes of every plaintext.
pub const PLAINTEXT: usize = 2048;
const SEALED_ANSWER: usize = 32 + PLAINTEXT + 16;

/// A sealed request, and what opens the answers to it.
pub struct Sealed {
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes.
    pub hash: [u8; 32],
    enc: Vec<u8>,
    secret: Key,
}

/// The ephemeral key pair of HPKE comes from 32 bytes of this seed, and from nothing else.
struct Seed(Key);

impl RngCore for Seed {
    fn next_u32(&mut self) -> u32 {
        unreachable!("HPKE fills 32 bytes")
    }
    fn next_u64(&mut self) -> u64 {
        unreachable!("HPKE fills 32 bytes")
    }
    fn fill_bytes(&mut self, target: &mut [u8]) {
        target.copy_from_slice(&*self.0);
    }
}

impl CryptoRng for Seed {}

/// True if these bytes are a public key of the suite's KEM.
pub fn is_public_key(suite: u8, bytes: &[u8]) -> bool {
    match suite {
        1 => bytes.len() == 32,
        _ => is_p256_point(bytes),
    }
}

/// True for the uncompressed encoding of a point of P-256.
pub fn is_p256_point(bytes: &[u8]) -> bool {
    bytes.len() == 65 && bytes[0] == 4 && p256::PublicKey::from_sec1_bytes(bytes).is_ok()
}

/// Seals a plaintext of 2048 bytes under `hpke_ephemeral_seed`, which is used once.
pub fn seal(
    suite: u8,
    fleet_id: &[u8; 16],
    public_key: &[u8],
    plaintext: &[u8],
    seed: Key,
) -> Result<Sealed> {
    ensure(suite == 1 || suite == 2, "unsupported-suite")?;
    ensure(plaintext.len() == PLAINTEXT && is_public_key(suite, public_key), "malformed")?;
    let start = Writer::default().u8(1).u8(suite);
    let kem_key_id = key_id(public_key);
    let info = [&label("channel-request"), &start.0[..], fleet_id, &kem_key_id].concat();
    let (enc, ciphertext, secret) = match suite {
        1 => encrypt::<X25519HkdfSha256>(public_key, &info, plaintext, seed),
        _ => encrypt::<DhP256HkdfSha256>(public_key, &info, plaintext, seed),
    }
    .map_err(|_| error("malformed"))?;
    let bytes = start.put(&kem_key_id).vector(65535, &enc).vector(65535, &ciphertext).0;
    Ok(Sealed { hash: Sha256::digest(&bytes).into(), bytes, enc, secret })
}

type Encrypted = (Vec<u8>, Vec<u8>, Key);

fn encrypt<K: Kem>(
    public_key: &[u8],
    info: &[u8],
    plaintext: &[u8],
    seed: Key,
) -> std::result::Result<Encrypted, hpke::HpkeError> {
    let public_key = K::PublicKey::from_bytes(public_key)?;
    let (enc, mut context) = hpke::setup_sender::<AesGcm256, HkdfSha256, K, _>(
        &OpModeS::Base,
        &public_key,
        info,
        &mut Seed(seed),
    )?;
    let mut ciphertext = plaintext.to_vec();
    let tag = context.seal_in_place_detached(&mut ciphertext, b"")?;
    ciphertext.extend_from_slice(&tag.to_bytes());
    let mut secret = Key::default();
    context.export(&label("channel-answer"), &mut *secret)?;
    Ok((enc.to_bytes().to_vec(), ciphertext, secret))
}

impl Sealed {
    /// Opens an answer to this request; `bad-answer`.
    pub fn open(&self, answer: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        ensure(answer.len() == SEALED_ANSWER, "bad-answer")?;
        let (response_nonce, ciphertext) = answer.split_at(32);
        let salt = [&self.enc, response_nonce].concat();
        let (prk, _) = Hkdf::<Sha256>::extract(Some(&salt), &*self.secret);
        let (mut key, mut nonce) = (Key::default(), [0; 12]);
        expand(&prk, b"key", &mut *key);
        expand(&prk, b"nonce", &mut nonce);
        let payload = Payload { msg: ciphertext, aad: &self.hash };
        let opened = Aes256Gcm::new((&*key).into()).decrypt(&nonce.into(), payload);
        opened.map(Zeroizing::new).map_err(|_| error("bad-answer"))
    }
}
