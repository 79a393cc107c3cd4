//! Reading parts of sealed objects that a source gives in any order (spec/container.md).

use crate::bytes::MAX_NUMBER;
use crate::container::{Header, MAX_HEADER, MAX_PLAINTEXT, Sink, TAG, TRAILER, Trailer, header_check};
use crate::error::{Result, ensure, error};
use crate::keys::Key;

/// What gives any part of an object. Nothing that it says is believed.
pub trait Source {
    /// The length that it says the object has.
    fn length(&self) -> u64;

    /// Gives bytes from a place on, as many as it likes; none where the object ends.
    fn read(&self, offset: u64, target: &mut [u8]) -> Result<usize>;
}

/// What a manifest has told of the object.
#[derive(Default)]
pub struct Known {
    pub object_length: Option<u64>,
    pub content_length: Option<u64>,
    /// Prefix and commitment.
    pub header: Option<Vec<u8>>,
}

/// What a pre-flight has found.
#[derive(Clone, Copy)]
pub struct Probed {
    pub trailer: Trailer,
    pub object_length: u64,
}

/// Where the chunks of a range are.
#[derive(Clone, Copy)]
pub struct Plan {
    pub first: u64,
    pub last: u64,
    /// The part of the object, its end not in it.
    pub part: (u64, u64),
}

impl Plan {
    /// The chunks of a range that is not empty.
    pub fn new(header_length: u64, chunk_length: u64, object_length: u64, offset: u64, length: u64) -> Self {
        let (first, last) = (offset / chunk_length, (offset + length - 1) / chunk_length);
        let start = |index: u64| header_length + index * (chunk_length + TAG as u64);
        Self { first, last, part: (start(first), start(last + 1).min(object_length)) }
    }
}

/// A reader of parts of one object.
pub struct Ranges<S> {
    source: S,
    header: Header,
    known: Known,
}

impl<S: Source> Ranges<S> {
    /// Step 1 of a pre-flight.
    pub fn open(source: S, object_key: &Key, context: &[u8], known: Known) -> Result<Self> {
        ensure(context.len() <= 65535, "limit-exceeded")?;
        let bytes = match &known.header {
            Some(bound) => [&bound[..], &header_check(bound)].concat(),
            None => {
                // Not what the source says of its length, but what is known of it.
                let length =
                    known.object_length.map_or(MAX_HEADER as u64, |known| known.min(MAX_HEADER as u64));
                read_part(&source, 0, length as usize)?
            }
        };
        let header = Header::read(&bytes, object_key, context)?.ok_or(error("truncated"))?;
        Ok(Self { source, header, known })
    }

    fn sealed_chunk(&self) -> u64 {
        (self.header.chunk_length + TAG) as u64
    }

    /// Steps 2 to 8 of a pre-flight.
    pub fn probe(&self) -> Result<Probed> {
        let object_length = self.source.length();
        let known = self.known.object_length;
        ensure(known.is_none_or(|known| object_length <= known), "trailing-data")?;
        ensure(known.is_none_or(|known| object_length >= known), "truncated")?;
        let payload = object_length.checked_sub(self.header.length as u64).ok_or(error("truncated"))?;
        let (index, length) = (payload / self.sealed_chunk(), (payload % self.sealed_chunk()) as usize);
        ensure(length >= TRAILER + TAG, "truncated")?;
        let before = index.saturating_mul(self.header.chunk_length as u64);
        ensure(before <= MAX_PLAINTEXT, "limit-exceeded")?;
        let mut last = read_part(&self.source, object_length - length as u64, length)?;
        ensure(last.len() == length, "truncated")?;
        let trailer = self.check_final(index, self.header.engine.open(index, &mut last)?)?;
        Ok(Probed { trailer, object_length })
    }

    /// Steps 7 and 8 of a pre-flight, with the plaintext of the final chunk.
    fn check_final(&self, index: u64, last: &[u8]) -> Result<Trailer> {
        ensure(last.len() >= TRAILER, "bad-trailer")?;
        let chunk_length = self.header.chunk_length;
        let (trailer, _) = Trailer::read(last, index * chunk_length as u64, chunk_length)?;
        let known = self.known.content_length;
        ensure(known.is_none_or(|known| known == trailer.content_length), "object-mismatch")?;
        Ok(trailer)
    }

    /// Gives out content[offset : offset + length].
    pub fn read(&self, offset: u64, length: u64, sink: Sink) -> Result<()> {
        let end = offset.checked_add(length).filter(|&end| end <= MAX_NUMBER);
        let end = end.ok_or(error("bad-range"))?;
        let (object_length, content_length) = match (self.known.object_length, self.known.content_length) {
            (Some(object), Some(content)) => (object, content),
            _ => {
                let Probed { trailer, object_length } = self.probe()?;
                (object_length, trailer.content_length)
            }
        };
        ensure(end <= content_length, "bad-range")?;
        if length == 0 {
            return Ok(());
        }
        let chunk_length = self.header.chunk_length as u64;
        let plan = Plan::new(self.header.length as u64, chunk_length, object_length, offset, length);
        let mut at = plan.part.0;
        for index in plan.first..=plan.last {
            let sealed = plan.part.1.saturating_sub(at).min(self.sealed_chunk()) as usize;
            let mut chunk = read_part(&self.source, at, sealed)?;
            ensure(sealed > 0 && chunk.len() == sealed, "truncated")?;
            at += sealed as u64;
            let mut plaintext = self.header.engine.open(index, &mut chunk)?;
            if sealed < self.header.chunk_length + TAG {
                self.check_final(index, plaintext)?;
                plaintext = &plaintext[..plaintext.len() - TRAILER];
            }
            let start = index * chunk_length;
            let from = offset.saturating_sub(start) as usize;
            let to = (end - start).min(plaintext.len() as u64) as usize;
            sink(&plaintext[from..to]);
        }
        Ok(())
    }
}

/// A part of what a source has; shorter if it ends before.
fn read_part(source: &impl Source, offset: u64, length: usize) -> Result<Vec<u8>> {
    let mut part = vec![0; length];
    let mut have = 0;
    while have < length {
        match source.read(offset + have as u64, &mut part[have..])? {
            0 => break,
            more => have += more,
        }
    }
    part.truncate(have);
    Ok(part)
}
