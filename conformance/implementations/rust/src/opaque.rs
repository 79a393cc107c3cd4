//! OPAQUE as spec/opaque.md profiles it, on `opaque-ke`.

use std::cell::RefCell;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use argon2::Argon2;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use opaque_ke::errors::{InternalError, ProtocolError};
use opaque_ke::generic_array::{ArrayLength, GenericArray};
use opaque_ke::key_exchange::group::Group;
use opaque_ke::{
    CipherSuite, ClientLogin, ClientLoginFinishParameters, ClientRegistration,
    ClientRegistrationFinishParameters, CredentialResponse, RegistrationResponse, Ristretto255, TripleDh,
};
use rand_core::{CryptoRng, RngCore};
use sha2::Sha512;
use zeroize::{Zeroize, Zeroizing};

use crate::bytes::{Reader, Writer, label};
use crate::error::{Result, ensure, error};
use crate::keys::Key;

/// 64 secret bytes of one registration.
pub type ExportKey = Zeroizing<[u8; 64]>;

/// Stretching parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    pub algorithm: u8,
    pub iterations: u32,
    pub memory_kib: u32,
    pub parallelism: u16,
}

impl Stretch {
    pub const FLOOR: Self = Self { algorithm: 1, iterations: 3, memory_kib: 65_536, parallelism: 1 };
    pub const CEILING: Self = Self { algorithm: 1, iterations: 10, memory_kib: 1_048_576, parallelism: 16 };

    pub fn read(reader: &mut Reader) -> Result<Self> {
        Ok(Self {
            algorithm: reader.u8()?,
            iterations: reader.u32()?,
            memory_kib: reader.u32()?,
            parallelism: reader.u16()?,
        })
    }

    pub fn encode(&self) -> Vec<u8> {
        Writer::default().u8(self.algorithm).u32(self.iterations).u32(self.memory_kib).u16(self.parallelism).0
    }

    /// `stretch-out-of-bounds` unless these lie between a floor of the device and the ceiling of the table.
    pub fn check(&self, floor: &Self) -> Result<()> {
        let ceiling = Self::CEILING;
        let holds = self.algorithm == 1
            && (floor.iterations..=ceiling.iterations).contains(&self.iterations)
            && (floor.memory_kib..=ceiling.memory_kib).contains(&self.memory_kib)
            && (floor.parallelism..=ceiling.parallelism).contains(&self.parallelism);
        ensure(holds, "stretch-out-of-bounds")
    }
}

/// Names of a pair of keys of the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyIds {
    pub oprf: [u8; 8],
    pub opaque: [u8; 8],
}

struct Suite;

impl CipherSuite for Suite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, Sha512>;
    type Ksf = Stretching;
}

/// Stretches, and keeps what it was given and what it made: `opaque-ke` has one error for an envelope that does not
/// open and for a MAC that does not verify, and only `randomized_password` tells the two apart (OPQ-19, OPQ-20).
#[derive(Default)]
struct Stretching {
    parameters: Stretch,
    input_and_output: RefCell<Zeroizing<Vec<u8>>>,
}

impl opaque_ke::ksf::Ksf for Stretching {
    fn hash<L: ArrayLength<u8>>(
        &self,
        input: GenericArray<u8, L>,
    ) -> std::result::Result<GenericArray<u8, L>, InternalError> {
        let Stretch { iterations, memory_kib, parallelism, .. } = self.parameters;
        let parameters =
            argon2::Params::new(memory_kib, iterations, u32::from(parallelism), Some(input.len()))
                .map_err(|_| InternalError::KsfError)?;
        let mut output = GenericArray::default();
        Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, parameters)
            .hash_password_into(&input, &[0; 16], &mut output)
            .map_err(|_| InternalError::KsfError)?;
        *self.input_and_output.borrow_mut() = Zeroizing::new([&input[..], &output[..]].concat());
        Ok(output)
    }
}

impl Stretching {
    fn new(parameters: Stretch) -> Self {
        Self { parameters, ..Self::default() }
    }
}

/// A registration that waits for its response.
pub struct Registration {
    state: ClientRegistration<Suite>,
    password: Zeroizing<Vec<u8>>,
    pub request: [u8; 32],
}

/// What a registration comes to.
pub struct Registered {
    pub record: [u8; 192],
    pub export_key: ExportKey,
}

impl Registration {
    /// Draws `blind`.
    pub fn start(rng: &mut (impl RngCore + CryptoRng), password: &[u8]) -> Result<Self> {
        let started = ClientRegistration::<Suite>::start(rng, password).map_err(|_| error("malformed"))?;
        Ok(Self {
            state: started.state,
            password: Zeroizing::new(password.to_vec()),
            request: started.message.serialize().into(),
        })
    }

    /// Draws `envelope_nonce`. The server's public key must be that of the descriptor.
    pub fn finish(
        self,
        rng: &mut (impl RngCore + CryptoRng),
        response: &[u8],
        server_public_key: &[u8],
        stretch: Stretch,
    ) -> Result<Registered> {
        ensure(response.len() == 64, "malformed")?;
        let message = RegistrationResponse::<Suite>::deserialize(response).map_err(|_| error("malformed"))?;
        ensure(response[..32] != self.request, "malformed")?;
        ensure(response[32..] == *server_public_key, "server-authentication-failed")?;
        let stretching = Stretching::new(stretch);
        let parameters = ClientRegistrationFinishParameters::new(Default::default(), Some(&stretching));
        let finished =
            self.state.finish(rng, &self.password, message, parameters).map_err(|_| error("malformed"))?;
        Ok(Registered {
            record: finished.message.serialize()[..].try_into().expect("192 bytes"),
            export_key: secret(finished.export_key.into()),
        })
    }
}

/// A login that waits for KE2.
pub struct Login {
    state: ClientLogin<Suite>,
    password: Zeroizing<Vec<u8>>,
    pub ke1: [u8; 96],
}

/// What a login comes to.
pub struct LoggedIn {
    pub ke3: [u8; 64],
    pub session_key: Zeroizing<[u8; 64]>,
    pub export_key: ExportKey,
    pub server_public_key: [u8; 32],
}

impl Login {
    /// Draws `blind`, `client_keyshare_seed` and `client_nonce`, in this order.
    pub fn start(rng: &mut (impl RngCore + CryptoRng), password: &[u8]) -> Result<Self> {
        let started = ClientLogin::<Suite>::start(rng, password).map_err(|_| error("malformed"))?;
        Ok(Self {
            state: started.state,
            password: Zeroizing::new(password.to_vec()),
            ke1: started.message.serialize()[..].try_into().expect("96 bytes"),
        })
    }

    /// `wrong-password`, `malformed`, or `server-authentication-failed`. The caller compares the key of the server with
    /// that of the descriptor before KE3 leaves.
    pub fn finish(self, ke2: &[u8], stretch: Stretch, keys: KeyIds) -> Result<LoggedIn> {
        ensure(ke2.len() == 320, "malformed")?;
        let message = CredentialResponse::<Suite>::deserialize(ke2).map_err(|_| error("malformed"))?;
        let context = context(stretch, keys);
        let stretching = Stretching::new(stretch);
        let parameters =
            ClientLoginFinishParameters::new(Some(&context), Default::default(), Some(&stretching));
        // The random values of a login were all drawn at its start.
        let finished = self.state.finish(&mut rand_core::OsRng, &self.password, message, parameters);
        let finished = finished.map_err(|failure| match failure {
            ProtocolError::InvalidLoginError => why_refused(&stretching, ke2),
            _ => error("malformed"),
        })?;
        let server_public_key: [u8; 32] = finished.server_s_pk.serialize().into();
        Ok(LoggedIn {
            ke3: finished.message.serialize().into(),
            session_key: secret(finished.session_key.into()),
            export_key: secret(finished.export_key.into()),
            server_public_key,
        })
    }
}

fn secret(mut bytes: [u8; 64]) -> Zeroizing<[u8; 64]> {
    let kept = Zeroizing::new(bytes);
    bytes.zeroize();
    kept
}

/// Why a login failed: steps 3 to 6 once more, as far as the error depends on them (RFC 9807, sections 4.1.3, 6.3.2.3).
fn why_refused(stretching: &Stretching, ke2: &[u8]) -> crate::error::Error {
    let expand = |hkdf: &Hkdf<Sha512>, info: &[&[u8]], output: &mut [u8]| {
        hkdf.expand_multi_info(info, output).expect("a few blocks");
    };
    let (_, randomized_password) = Hkdf::<Sha512>::extract(Some(b""), &stretching.input_and_output.borrow());
    let mut masking_key = Zeroizing::new([0; 64]);
    expand(&randomized_password, &[b"MaskingKey"], &mut *masking_key);
    let masking = Hkdf::<Sha512>::from_prk(&*masking_key).expect("a key of 64 bytes");
    let mut response = Zeroizing::new([0; 128]);
    expand(&masking, &[&ke2[32..64], b"CredentialResponsePad"], &mut *response);
    for (byte, masked) in response.iter_mut().zip(&ke2[64..192]) {
        *byte ^= masked;
    }
    let (server_public_key, envelope) = response.split_at(32);
    let (nonce, tag) = envelope.split_at(32);
    let mut seed = Zeroizing::new([0; 32]);
    expand(&randomized_password, &[nonce, b"PrivateKey"], &mut *seed);
    let Ok(private) = Ristretto255::derive_scalar((*seed).into()) else { return error("wrong-password") };
    let client_public_key = Ristretto255::serialize_pk(&Ristretto255::public_key(&private));
    let mut auth_key = Zeroizing::new([0; 64]);
    expand(&randomized_password, &[nonce, b"AuthKey"], &mut *auth_key);
    let mut mac = <Hmac<Sha512> as Mac>::new_from_slice(&*auth_key).expect("HMAC takes every length");
    let length = 32u16.to_be_bytes();
    for part in [nonce, server_public_key, &length, server_public_key, &length, &client_public_key] {
        mac.update(part);
    }
    if mac.verify_slice(tag).is_err() {
        error("wrong-password")
    } else if Ristretto255::deserialize_take_pk(&mut &*server_public_key).is_err() {
        error("malformed")
    } else {
        error("server-authentication-failed")
    }
}

fn context(stretch: Stretch, keys: KeyIds) -> Vec<u8> {
    let start = Writer(label("opaque-context")).u8(1).u8(1);
    start.put(&keys.oprf).put(&keys.opaque).put(&stretch.encode()).0
}

/// What a sealed key belongs to.
pub struct Binding<'a> {
    pub fleet_id: &'a [u8; 16],
    pub account: &'a [u8],
    pub generation: u64,
}

impl Binding<'_> {
    fn encode(&self) -> Vec<u8> {
        Writer::default().put(self.fleet_id).vector(64, self.account).u64(self.generation).0
    }
}

fn sealing(export_key: &ExportKey) -> Aes256Gcm {
    let hkdf = Hkdf::<Sha512>::from_prk(&**export_key).expect("a key of 64 bytes");
    let mut key = Key::default();
    hkdf.expand(&label("sealed-key"), &mut *key).expect("one block");
    Aes256Gcm::new((&*key).into())
}

/// Seals a backup key. The export key seals no other.
pub fn seal_key(export_key: &ExportKey, backup_key: &Key, binding: &Binding) -> [u8; 48] {
    let payload = Payload { msg: &**backup_key, aad: &binding.encode() };
    let sealed = sealing(export_key).encrypt(&[0; 12].into(), payload).expect("32 bytes");
    sealed.try_into().expect("32 bytes and a tag")
}

/// `bad-sealed-key`.
pub fn open_key(export_key: &ExportKey, sealed: &[u8], binding: &Binding) -> Result<Key> {
    ensure(sealed.len() == 48, "bad-sealed-key")?;
    let payload = Payload { msg: sealed, aad: &binding.encode() };
    let opened = sealing(export_key).decrypt(&[0; 12].into(), payload);
    crate::keys::key(&Zeroizing::new(opened.map_err(|_| error("bad-sealed-key"))?))
}
