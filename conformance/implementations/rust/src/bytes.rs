//! Hexadecimal text, labels, and structures in the notation of spec/conventions.md.

use crate::error::{Result, ensure, error};

/// Largest number of the protocol, 2^53 − 1.
pub const MAX_NUMBER: u64 = (1 << 53) - 1;

/// `label(name)` of spec/conventions.md.
pub fn label(name: &str) -> Vec<u8> {
    [b"strongroom/v1/", name.as_bytes(), &[0]].concat()
}

pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|d| DIGITS[d as usize] as char).collect()
}

/// Bytes of lower-case hexadecimal text; `None` if it is none.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

/// Reads a structure field by field; every refusal is `malformed`.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(length).ok_or(error("malformed"))?;
        self.0 = tail;
        Ok(head)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N)?.try_into().expect("take gives what was asked for"))
    }

    /// A number of `N` bytes, at most 8.
    fn number<const N: usize>(&mut self) -> Result<u64> {
        Ok(self.array::<N>()?.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
    }

    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u16(&mut self) -> Result<u16> {
        Ok(self.number::<2>()? as u16)
    }

    pub fn u32(&mut self) -> Result<u32> {
        Ok(self.number::<4>()? as u32)
    }

    pub fn u64(&mut self) -> Result<u64> {
        let number = self.number::<8>()?;
        ensure(number <= MAX_NUMBER, "malformed")?;
        Ok(number)
    }

    /// `opaque x<min..max>`.
    pub fn vector(&mut self, min: usize, max: usize) -> Result<&'a [u8]> {
        let length = match length_bytes(max) {
            1 => usize::from(self.u8()?),
            _ => usize::from(self.u16()?),
        };
        ensure((min..=max).contains(&length), "malformed")?;
        self.take(length)
    }

    /// `T x<min..max>`, its items read by `item`.
    pub fn items<T>(
        &mut self,
        min: usize,
        max: usize,
        mut item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut inner = Reader(self.vector(min, max)?);
        let mut items = Vec::new();
        while !inner.is_empty() {
            items.push(item(&mut inner)?);
        }
        Ok(items)
    }

    /// An enumerated value of one byte.
    pub fn one_of(&mut self, values: std::ops::RangeInclusive<u8>) -> Result<u8> {
        let value = self.u8()?;
        ensure(values.contains(&value), "malformed")?;
        Ok(value)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes that are left.
    pub fn remaining(&self) -> usize {
        self.0.len()
    }

    /// The end of the bytes.
    pub fn end(self) -> Result<()> {
        ensure(self.0.is_empty(), "malformed")
    }

    /// The rest of `padded<T, n>`.
    pub fn padding(self) -> Result<()> {
        ensure(self.0.iter().all(|&byte| byte == 0), "malformed")
    }
}

fn length_bytes(max: usize) -> usize {
    if max <= 255 { 1 } else { 2 }
}

/// Writes a structure field by field.
#[derive(Default)]
pub struct Writer(pub Vec<u8>);

impl Writer {
    pub fn put(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn u8(self, number: u8) -> Self {
        self.put(&[number])
    }

    pub fn u16(self, number: u16) -> Self {
        self.put(&number.to_be_bytes())
    }

    pub fn u32(self, number: u32) -> Self {
        self.put(&number.to_be_bytes())
    }

    pub fn u64(self, number: u64) -> Self {
        self.put(&number.to_be_bytes())
    }

    /// `opaque x<..max>`. The caller has checked the length.
    pub fn vector(self, max: usize, bytes: &[u8]) -> Self {
        debug_assert!(bytes.len() <= max);
        match length_bytes(max) {
            1 => self.u8(bytes.len() as u8).put(bytes),
            _ => self.u16(bytes.len() as u16).put(bytes),
        }
    }
}
