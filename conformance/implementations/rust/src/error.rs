//! Errors: a code of spec/errors.md, and nothing secret.

/// A refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    pub code: &'static str,
    /// Of the first wrong character, counted from 1, in a recovery key.
    pub position: Option<usize>,
}

pub type Result<T> = std::result::Result<T, Error>;

/// The error of a code.
pub const fn error(code: &'static str) -> Error {
    Error { code, position: None }
}

/// Refuses with a code unless a condition holds.
pub fn ensure(holds: bool, code: &'static str) -> Result<()> {
    if holds { Ok(()) } else { Err(error(code)) }
}
