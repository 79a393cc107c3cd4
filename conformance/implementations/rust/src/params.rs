//! Parameters of requests of the runner, and the random values that a request names.

use std::collections::VecDeque;

use rand_core::{CryptoRng, OsRng, RngCore};
use serde_json::Value;

use crate::bytes::from_hex;
use crate::error::{Error, error};

/// Why there is no result.
pub enum Failure {
    /// The implementation refused the input.
    Refused(Error),
    Unsupported,
    /// Anything else.
    Fault(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Fault(error.to_string())
    }
}

pub type Outcome<T> = Result<T, Failure>;

/// The parameters of one request.
#[derive(Clone, Copy)]
pub struct Params<'a>(pub &'a Value);

impl<'a> Params<'a> {
    fn wrong(name: &str) -> Failure {
        Failure::Fault(format!("the parameter {name} is missing or of another type"))
    }

    pub fn has(self, name: &str) -> bool {
        !self.0[name].is_null()
    }

    pub fn inner(self, name: &str) -> Params<'a> {
        Params(&self.0[name])
    }

    pub fn items(self, name: &str) -> Outcome<impl Iterator<Item = &'a Value>> {
        Ok(self.0[name].as_array().ok_or(Self::wrong(name))?.iter())
    }

    pub fn text(self, name: &str) -> Outcome<&'a str> {
        self.0[name].as_str().ok_or(Self::wrong(name))
    }

    pub fn bytes(self, name: &str) -> Outcome<Vec<u8>> {
        from_hex(self.text(name)?).ok_or(Self::wrong(name))
    }

    pub fn array<const N: usize>(self, name: &str) -> Outcome<[u8; N]> {
        self.bytes(name)?.try_into().map_err(|_| Self::wrong(name))
    }

    pub fn number<T: TryFrom<u64>>(self, name: &str) -> Outcome<T> {
        let number = self.0[name].as_u64().and_then(|number| number.try_into().ok());
        number.ok_or(Self::wrong(name))
    }

    /// The same, `None` if the parameter is absent.
    pub fn optional<T>(self, name: &str, read: impl FnOnce(Self, &str) -> Outcome<T>) -> Outcome<Option<T>> {
        if self.has(name) { read(self, name).map(Some) } else { Ok(None) }
    }
}

/// A generator that gives the values that a request injects, in the order in which the library draws them, and random
/// ones for the others. It stops the program if the library draws otherwise.
#[derive(Default)]
pub struct Draws(VecDeque<Vec<u8>>);

impl Draws {
    /// A value of 32 bytes.
    pub fn then(mut self, inject: Params, name: &str) -> Outcome<Self> {
        let value: [u8; 32] = match inject.optional(name, Params::array)? {
            Some(value) => value,
            None => {
                let mut value = [0; 32];
                OsRng.fill_bytes(&mut value);
                value
            }
        };
        self.0.push_back(value.to_vec());
        Ok(self)
    }

    /// A scalar. The library reduces 64 bytes; those of a scalar with zeros behind it are that scalar.
    pub fn blind(mut self, inject: Params) -> Outcome<Self> {
        let mut wide = [0; 64];
        match inject.optional("blind", Params::array::<32>)? {
            Some(blind) => {
                let scalar = curve25519_dalek::Scalar::from_canonical_bytes(blind).into_option();
                let is_blind = scalar.is_some_and(|scalar| scalar != curve25519_dalek::Scalar::ZERO);
                crate::error::ensure(is_blind, "malformed")?;
                wide[..32].copy_from_slice(&blind);
            }
            None => OsRng.fill_bytes(&mut wide),
        }
        self.0.push_back(wide.to_vec());
        Ok(self)
    }
}

impl RngCore for Draws {
    fn next_u32(&mut self) -> u32 {
        unreachable!("OPAQUE draws bytes")
    }
    fn next_u64(&mut self) -> u64 {
        unreachable!("OPAQUE draws bytes")
    }
    fn fill_bytes(&mut self, target: &mut [u8]) {
        target.copy_from_slice(&self.0.pop_front().expect("a value that was named"));
    }
    fn try_fill_bytes(&mut self, target: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(target);
        Ok(())
    }
}

impl CryptoRng for Draws {}

/// The code under which an outcome counts in a list.
pub fn code<T>(outcome: &crate::error::Result<T>) -> &'static str {
    outcome.as_ref().err().unwrap_or(&error("none")).code
}
