//! Reading sealed objects as streams, in memory of one chunk (spec/container.md).

use aes_gcm::aead::AeadInPlace;
use aes_gcm::{Aes256Gcm, KeyInit, Tag};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::bytes::label;
use crate::error::{Error, Result, ensure, error};
use crate::keys::{Key, expand};

const MAGIC: [u8; 8] = [0x89, 0x53, 0x42, 0x4f, 0x0d, 0x0a, 0x1a, 0x0a];
const MAX_CONTENT: u64 = 1 << 40;
/// Bytes of the longest header.
pub const MAX_HEADER: usize = 88 + 4096;
/// Bytes of the longest plaintext, with padding and trailer.
pub const MAX_PLAINTEXT: u64 = MAX_CONTENT + (1 << 34) + 16;
/// Bytes of the tag of a chunk.
pub const TAG: usize = 16;
/// Bytes of a trailer.
pub const TRAILER: usize = 16;

/// Takes plaintext as it is given out. All of it is provisional until the object was verified (RDR-8).
pub type Sink<'a> = &'a mut dyn FnMut(&[u8]);

/// What a verified object is.
#[derive(Clone, Copy, Debug)]
pub struct Opened {
    pub kind: &'static str,
    pub content_length: u64,
}

/// The chunks alone, under one key and base nonce.
pub struct Engine {
    cipher: Aes256Gcm,
    base_nonce: [u8; 12],
}

impl Engine {
    pub fn new(key: &[u8; 32], base_nonce: [u8; 12]) -> Self {
        Self { cipher: Aes256Gcm::new(key.into()), base_nonce }
    }

    fn nonce(&self, index: u64) -> Result<[u8; 12]> {
        let index = u32::try_from(index).map_err(|_| error("limit-exceeded"))?;
        let mut nonce = self.base_nonce;
        for (byte, i) in nonce[8..].iter_mut().zip(index.to_be_bytes()) {
            *byte ^= i;
        }
        Ok(nonce)
    }

    /// Opens a chunk in its place; what is left is its plaintext. A damaged one gives nothing.
    pub fn open<'a>(&self, index: u64, sealed: &'a mut [u8]) -> Result<&'a [u8]> {
        let nonce = self.nonce(index)?;
        let length = sealed.len().checked_sub(TAG).ok_or(error("chunk-damaged"))?;
        let (chunk, tag) = sealed.split_at_mut(length);
        let opened = self.cipher.decrypt_in_place_detached(&nonce.into(), b"", chunk, Tag::from_slice(tag));
        opened.map_err(|_| error("chunk-damaged"))?;
        Ok(chunk)
    }

    pub fn seal(&self, index: u64, plaintext: &[u8]) -> Result<Vec<u8>> {
        let nonce = self.nonce(index)?;
        let mut sealed = plaintext.to_vec();
        let tag = self.cipher.encrypt_in_place_detached(&nonce.into(), b"", &mut sealed);
        sealed.extend_from_slice(&tag.expect("a chunk is shorter than 2^36 bytes"));
        Ok(sealed)
    }
}

/// A header whose commitment is that of the key.
pub struct Header {
    pub kind: &'static str,
    /// Bytes before the chunks.
    pub length: usize,
    /// Bytes of plaintext of every chunk but the final one.
    pub chunk_length: usize,
    pub engine: Engine,
}

/// A reader of one object. The key schedule starts from the object key.
pub struct Reader {
    object_key: Key,
    context: Vec<u8>,
    known_length: Option<u64>,
    header: Option<Header>,
    /// Bytes that were not consumed yet: of the header, or of a chunk.
    have: Vec<u8>,
    seen: u64,
    index: u64,
    released: u64,
    /// Zeros at the end of what was opened: content or padding, which only the trailer tells.
    zeros: u64,
    state: Option<Error>,
}

impl Reader {
    pub fn new(object_key: Key, context: &[u8], known_length: Option<u64>) -> Result<Self> {
        ensure(context.len() <= 65535, "limit-exceeded")?;
        Ok(Self {
            object_key,
            context: context.to_vec(),
            known_length,
            header: None,
            have: Vec::new(),
            seen: 0,
            index: 0,
            released: 0,
            zeros: 0,
            state: None,
        })
    }

    /// Takes the next piece of the object.
    pub fn push(&mut self, piece: &[u8], sink: Sink) -> Result<()> {
        self.going_on()?;
        let outcome = self.push_piece(piece, sink);
        self.state = outcome.err();
        outcome
    }

    /// Takes the end of the object.
    pub fn finish(&mut self, sink: Sink) -> Result<Opened> {
        self.going_on()?;
        let outcome = self.finish_object(sink);
        self.state = Some(outcome.err().unwrap_or(error("closed")));
        outcome
    }

    fn going_on(&self) -> Result<()> {
        self.state.map_or(Ok(()), Err)
    }

    fn push_piece(&mut self, piece: &[u8], sink: Sink) -> Result<()> {
        let left = self.known_length.map_or(u64::MAX, |known| known - self.seen);
        let (mut mine, beyond) = piece.split_at(piece.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
        self.seen += mine.len() as u64;
        while !mine.is_empty() {
            // Never more than one chunk: what a piece holds beyond it waits in the piece.
            let wanted = match &self.header {
                Some(header) => header.chunk_length + TAG,
                None => header_length(&self.have),
            };
            let (now, later) = mine.split_at(mine.len().min(wanted - self.have.len()));
            self.have.extend_from_slice(now);
            mine = later;
            match &self.header {
                None => {
                    self.header = Header::read(&self.have, &self.object_key, &self.context)?;
                    if self.header.is_some() {
                        self.have.clear();
                    }
                }
                Some(_) if self.have.len() == wanted => self.open_chunk(sink)?,
                Some(_) => {}
            }
        }
        ensure(beyond.is_empty(), "trailing-data")
    }

    /// Step 13: a chunk that is not the final one.
    fn open_chunk(&mut self, sink: Sink) -> Result<()> {
        let Some(header) = &self.header else { return Ok(()) };
        let end = (self.index + 1) * header.chunk_length as u64;
        ensure(end <= MAX_PLAINTEXT, "limit-exceeded")?;
        let chunk = header.engine.open(self.index, &mut self.have)?;
        self.index += 1;
        let zeros = chunk.iter().rev().take_while(|&&byte| byte == 0).count();
        if zeros < chunk.len() {
            give_zeros(self.zeros, sink);
            sink(&chunk[..chunk.len() - zeros]);
            self.zeros = zeros as u64;
            self.released = end - self.zeros;
        } else {
            self.zeros += zeros as u64;
        }
        self.have.clear();
        Ok(())
    }

    /// Steps 15 to 22.
    fn finish_object(&mut self, sink: Sink) -> Result<Opened> {
        let header = self.header.as_ref().ok_or(error("truncated"))?;
        ensure(self.known_length.is_none_or(|known| known == self.seen), "truncated")?;
        ensure(self.have.len() >= TRAILER + TAG, "truncated")?;
        let last = header.engine.open(self.index, &mut self.have)?;
        let before = self.index * header.chunk_length as u64;
        let (Trailer { content_length, .. }, rest) = Trailer::read(last, before, header.chunk_length)?;
        let here = content_length.saturating_sub(before) as usize;
        ensure(self.released <= content_length, "bad-padding")?;
        give_zeros(content_length.min(before) - self.released, sink);
        sink(&rest[..here]);
        Ok(Opened { kind: header.kind, content_length })
    }
}

impl Header {
    /// Steps 1 to 12 with the first bytes of an object, as far as they are there; `None` if some are missing.
    pub fn read(have: &[u8], object_key: &Key, context: &[u8]) -> Result<Option<Self>> {
        let holds = |at: usize, valid: &dyn Fn(u8) -> bool, code| {
            ensure(have.get(at).is_none_or(|&byte| valid(byte)), code)
        };
        ensure(have.iter().zip(MAGIC).all(|(&a, b)| a == b), "not-an-object")?;
        holds(8, &|version| version == 1, "unsupported-version")?;
        holds(9, &|suite| suite == 1, "unsupported-suite")?;
        holds(10, &|log2| [14, 16, 18, 20].contains(&log2), "unsupported-chunk-size")?;
        holds(11, &|kind| (1..=3).contains(&kind), "unsupported-type")?;
        holds(14, &|byte| byte == 0, "reserved-not-zero")?;
        holds(15, &|byte| byte == 0, "reserved-not-zero")?;
        if have.len() < 16 {
            return Ok(None);
        }
        let length = header_length(have);
        ensure(length <= MAX_HEADER, "bad-extension")?;
        let Some(header) = have.get(..length) else { return Ok(None) };
        let (bound, check) = header.split_at(length - 8);
        ensure(header_check(bound) == *check, "header-damaged")?;
        let (prefix, commitment) = bound.split_at(length - 40);
        check_extensions(&prefix[48..])?;
        let context_length = (context.len() as u16).to_be_bytes();
        let info = [&label("stream"), prefix, &context_length, context, &[0]].concat();
        let mut okm = Zeroizing::new([0; 76]);
        expand(&**object_key, &info, &mut *okm);
        ensure(bool::from(okm[..32].ct_eq(commitment)), "wrong-key")?;
        let key: &[u8; 32] = okm[32..64].try_into().expect("32 bytes");
        Ok(Some(Self {
            kind: ["manifest", "records", "blob"][usize::from(prefix[11]) - 1],
            length,
            chunk_length: 1 << prefix[10],
            engine: Engine::new(key, okm[64..].try_into().expect("12 bytes")),
        }))
    }
}

/// What the end of an object says.
#[derive(Clone, Copy)]
pub struct Trailer {
    pub content_length: u64,
    pub is_padded: bool,
}

impl Trailer {
    /// Steps 19 to 21 with the plaintext of the final chunk, and with the number of bytes before it; and that chunk without
    /// its trailer. Earlier chunks are for the caller.
    pub fn read(last: &[u8], before: u64, chunk_length: usize) -> Result<(Self, &[u8])> {
        let (rest, trailer) = last.split_at(last.len() - TRAILER);
        let content_length = u64::from_be_bytes(trailer[..8].try_into().expect("8 bytes"));
        let scheme = trailer[8];
        ensure(scheme <= 1 && trailer[9..].iter().all(|&byte| byte == 0), "bad-trailer")?;
        ensure(content_length <= MAX_CONTENT.min(before + rest.len() as u64), "bad-trailer")?;
        let padded = padded_length(content_length, scheme, chunk_length as u64);
        ensure(before + last.len() as u64 == padded, "bad-padding")?;
        let here = content_length.saturating_sub(before) as usize;
        ensure(rest[here..].iter().all(|&byte| byte == 0), "bad-padding")?;
        Ok((Self { content_length, is_padded: scheme == 1 }, rest))
    }
}

/// The first 8 bytes of the hash of prefix and commitment.
pub fn header_check(bound: &[u8]) -> [u8; 8] {
    Sha256::digest(bound)[..8].try_into().expect("8 bytes")
}

/// Length of the header of which these are the first bytes; of the fields before the salt if more is not known yet.
fn header_length(have: &[u8]) -> usize {
    match have.get(12..16) {
        Some(length) => 88 + usize::from(u16::from_be_bytes([length[0], length[1]])),
        None => 16,
    }
}

/// Steps 9 to 11.
fn check_extensions(area: &[u8]) -> Result<()> {
    let mut types = Vec::new();
    let mut reader = crate::bytes::Reader::new(area);
    while !reader.is_empty() {
        let extension = reader.u16().and_then(|kind| reader.vector(0, 65535).map(|_| kind));
        types.push(extension.map_err(|_| error("bad-extension"))?);
    }
    ensure(types.is_sorted_by(|a, b| a < b), "bad-extension")?;
    ensure(types.iter().all(|kind| kind & 0x8000 == 0), "unknown-critical-extension")
}

fn give_zeros(mut count: u64, sink: Sink) {
    const ZEROS: [u8; 4096] = [0; 4096];
    while count > 0 {
        let now = count.min(ZEROS.len() as u64);
        sink(&ZEROS[..now as usize]);
        count -= now;
    }
}

/// Length of the plaintext of a content: with trailer, and padded.
fn padded_length(content: u64, scheme: u8, chunk: u64) -> u64 {
    let length = content + TRAILER as u64;
    let padded = if scheme == 0 { length } else { padme(length) };
    let rest = padded % chunk;
    if rest >= TRAILER as u64 { padded } else { padded - rest + TRAILER as u64 }
}

fn padme(length: u64) -> u64 {
    let exponent = length.ilog2();
    let step = 1u64 << (exponent - (exponent.ilog2() + 1));
    length.next_multiple_of(step)
}
