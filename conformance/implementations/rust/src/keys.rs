//! Backup key, derived keys, recovery key, owner key (spec/keys.md).

use ed25519_dalek::{Signer, SigningKey};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::bytes::label;
use crate::error::{Error, Result, ensure, error};

/// 32 secret bytes.
pub type Key = Zeroizing<[u8; 32]>;

/// A key of these bytes; `invalid-key` if they are not 32.
pub fn key(bytes: &[u8]) -> Result<Key> {
    bytes.try_into().map(Zeroizing::new).map_err(|_| error("invalid-key"))
}

/// SHA-256 of a public key, cut to the 8 bytes by which it is named.
pub fn key_id(public_key: &[u8]) -> [u8; 8] {
    Sha256::digest(public_key)[..8].try_into().expect("8 bytes")
}

/// HKDF-Expand-SHA-256. The key has at least 32 bytes, the output at most 255 · 32.
pub fn expand(key: &[u8], info: &[u8], output: &mut [u8]) {
    let hkdf = Hkdf::<Sha256>::from_prk(key).expect("a key of 32 bytes");
    hkdf.expand(info, output).expect("an output of some bytes");
}

/// `derive(name, 32)` of a backup key.
pub fn derive(backup_key: &[u8], name: &str) -> Result<Key> {
    let backup_key = key(backup_key)?;
    let mut derived = Key::default();
    expand(&*backup_key, &label(name), &mut *derived);
    Ok(derived)
}

/// The owner key of a backup key.
pub fn owner_key(backup_key: &Key) -> SigningKey {
    SigningKey::from_bytes(&derive(&**backup_key, "owner-key").expect("a key of 32 bytes"))
}

/// The signature of the owner over an encoded `OwnerStatement`.
pub fn sign_as_owner(backup_key: &Key, statement: &[u8]) -> [u8; 64] {
    owner_key(backup_key).sign(&[&*label("owner-statement"), statement].concat()).to_bytes()
}

/// The backup key of a typed recovery key; `invalid-recovery-key` with a position.
pub fn parse_recovery_key(text: &str) -> Result<Key> {
    let wrong = |position| Error { code: "invalid-recovery-key", position: Some(position) };
    let mut key = Key::default();
    let mut digits = 0;
    for (i, c) in text.chars().enumerate() {
        match c.to_digit(16) {
            Some(digit) if digits < 64 => {
                key[digits / 2] = key[digits / 2] << 4 | digit as u8;
                digits += 1;
            }
            None if c == ' ' || c == '-' => {}
            _ => return Err(wrong(i + 1)),
        }
    }
    if digits == 64 { Ok(key) } else { Err(wrong(text.chars().count() + 1)) }
}

/// A backup key as it is printed: sixteen groups of four digits.
pub fn format_recovery_key(backup_key: &[u8]) -> Result<String> {
    ensure(backup_key.len() == 32, "invalid-key")?;
    let groups: Vec<String> = backup_key.chunks(2).map(crate::bytes::to_hex).collect();
    Ok(groups.join(" "))
}
