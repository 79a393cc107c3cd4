//! Requests, answers and their bodies (spec/exchange.md).

use sha2::{Digest, Sha256};

use crate::bytes::{Reader, Writer, label};
use crate::channel::PLAINTEXT;
use crate::error::{Result, ensure, error};
use crate::fleet::Descriptor;
use crate::keys::{Key, sign_as_owner};
use crate::opaque::{KeyIds, Stretch};

/// Bytes of a `SignedSetHead`.
pub const HEAD: usize = 132;

/// Commands of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    RegisterStart = 1,
    RegisterFinish,
    RegisterConfirm,
    RecoverStart,
    RecoverFinish,
    Status,
    Delete,
    Cancel,
    ChangeStart,
    ChangeFinish,
    GetHead,
    PutHead,
}

/// Outcomes of the registry, each with the code that a client reports.
const OUTCOMES: [&str; 10] = [
    "ok",
    "wrong-password",
    "not-registered",
    "try-later",
    "scheduled",
    "conflict",
    "destroyed",
    "not-authorised",
    "malformed",
    "unsupported",
];

/// Phases of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    None,
    Active,
    LastChance,
    Destroyed,
    Deleted,
}

impl Phase {
    pub fn is_live(self) -> bool {
        matches!(self, Self::Active | Self::LastChance)
    }
}

/// Scheduled changes of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    None,
    Replacement,
    Deletion,
}

/// What proves that a request comes from the owner of the account.
#[derive(Clone, Debug)]
pub enum Proof {
    None,
    Ke3 { ke1: [u8; 96], attempt_id: [u8; 32], ke3: [u8; 64] },
    Owner([u8; 64]),
}

/// What a request is about.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub fleet_id: &'a [u8; 16],
    pub account: &'a [u8],
}

/// The encoded `OwnerStatement`, which is also how a request begins after its version.
pub fn owner_statement(subject: Subject, command: u8, body: &[u8]) -> Vec<u8> {
    let start = Writer::default().put(subject.fleet_id).vector(64, subject.account);
    start.u8(command).vector(1280, body).0
}

impl Proof {
    /// The owner's signature over one request.
    pub fn owner(backup_key: &Key, subject: Subject, command: Command, body: &[u8]) -> Self {
        Self::Owner(sign_as_owner(backup_key, &owner_statement(subject, command as u8, body)))
    }
}

/// The 2048 bytes of a request.
pub fn encode_request(subject: Subject, command: Command, body: &[u8], proof: &Proof) -> Vec<u8> {
    let start = Writer::default().u8(1).put(&owner_statement(subject, command as u8, body));
    let mut request = match proof {
        Proof::None => start.u8(0),
        Proof::Ke3 { ke1, attempt_id, ke3 } => start.u8(1).put(&ke3_proof(ke1, attempt_id, ke3)),
        Proof::Owner(signature) => start.u8(2).put(signature),
    };
    request.0.resize(PLAINTEXT, 0);
    request.0
}

/// `Ke3Proof`, which is also how `RecoverFinish` and `ChangeFinish` begin.
pub fn ke3_proof(ke1: &[u8; 96], attempt_id: &[u8; 32], ke3: &[u8; 64]) -> Vec<u8> {
    Writer::default().vector(128, ke1).put(attempt_id).vector(128, ke3).0
}

/// The bytes of an `Exchange` in mode `none`.
pub fn encode_exchange(sealed_request: &[u8]) -> Vec<u8> {
    Writer::default().u8(1).u8(0).put(&[0; 192]).vector(3072, sealed_request).0
}

/// Failed attempts that nobody has acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    pub serial: u64,
    pub failed: u32,
    pub first: u64,
    pub last: u64,
}

/// What a vault says, signed.
#[derive(Clone, Debug)]
pub struct Statement {
    version: u8,
    fleet_id: [u8; 16],
    account: Vec<u8>,
    request_hash: [u8; 32],
    pub vault_time: u64,
    pub state_version: u64,
    pub outcome: &'static str,
    pub phase: Phase,
    pub generation: u64,
    pub budget: u8,
    pub remaining: u8,
    /// Seconds until an attempt may begin.
    pub retry_after: u64,
    /// Vault time at which the scheduled change takes effect.
    pub effective_at: u64,
    pub scheduled_change: Change,
    pub report: Report,
    pub body: Vec<u8>,
}

impl Statement {
    /// The statement of an opened answer, after steps 2 to 5 of asking; `bad-answer`.
    pub fn verify(
        answer: &[u8],
        fleet: &Descriptor,
        subject: Subject,
        request_hash: &[u8; 32],
    ) -> Result<Self> {
        Self::read_verified(answer, fleet, subject, request_hash).map_err(|_| error("bad-answer"))
    }

    fn read_verified(answer: &[u8], fleet: &Descriptor, subject: Subject, hash: &[u8; 32]) -> Result<Self> {
        let mut reader = Reader::new(answer);
        let statement = Self::read(&mut reader)?;
        let encoded = &answer[..answer.len() - reader.remaining()];
        let (key_id, signature) = (reader.array()?, reader.array()?);
        reader.padding()?;
        let message = [&label("answer"), encoded].concat();
        ensure(fleet.has_signed(&key_id, &message, &signature), "bad-answer")?;
        let unread = statement.outcome == "malformed" && statement.account.is_empty();
        let fits = statement.version == 1
            && statement.fleet_id == *subject.fleet_id
            && statement.request_hash == *hash
            && (unread || statement.account == subject.account)
            && statement.remaining <= statement.budget;
        ensure(fits, "bad-answer")?;
        Ok(statement)
    }

    fn read(reader: &mut Reader) -> Result<Self> {
        use {Change as C, Phase as P};
        Ok(Self {
            version: reader.u8()?,
            fleet_id: reader.array()?,
            account: reader.vector(0, 64)?.to_vec(),
            request_hash: reader.array()?,
            vault_time: reader.u64()?,
            state_version: reader.u64()?,
            outcome: OUTCOMES[usize::from(reader.one_of(0..=9)?)],
            phase: [P::None, P::Active, P::LastChance, P::Destroyed, P::Deleted]
                [usize::from(reader.one_of(0..=4)?)],
            generation: reader.u64()?,
            budget: reader.u8()?,
            remaining: reader.u8()?,
            retry_after: reader.u64()?,
            effective_at: reader.u64()?,
            scheduled_change: [C::None, C::Replacement, C::Deletion][usize::from(reader.one_of(0..=2)?)],
            report: Report {
                serial: reader.u64()?,
                failed: reader.u32()?,
                first: reader.u64()?,
                last: reader.u64()?,
            },
            body: reader.vector(0, 1024)?.to_vec(),
        })
    }

    /// True for refusals that a vault makes before it reads the record of the account.
    pub fn is_without_record(&self) -> bool {
        self.state_version == 0 && matches!(self.outcome, "malformed" | "not-authorised")
    }

    /// The outcome as a result.
    pub fn ok(self) -> Result<Self> {
        if self.outcome == "ok" { Ok(self) } else { Err(error(self.outcome)) }
    }

    /// The body as the structure of its command; `bad-answer`.
    pub fn decode<T>(&self, read: impl FnOnce(&mut Reader) -> Result<T>) -> Result<T> {
        let mut reader = Reader::new(&self.body);
        let body = read(&mut reader).and_then(|body| reader.end().map(|()| body));
        body.map_err(|_| error("bad-answer"))
    }

    /// `bad-answer` if the body of an `ok` answer is not the structure of its command.
    pub fn check_body(&self, command: Command) -> Result<()> {
        use Command as C;
        if self.outcome != "ok" {
            return Ok(());
        }
        self.decode(|reader| {
            match command {
                C::RegisterStart => drop(RegisterStarted::read(reader)?),
                C::RegisterFinish | C::RegisterConfirm | C::ChangeFinish => drop(reader.take(32)?),
                C::RecoverStart => drop(RecoverStarted::read(reader)?),
                C::RecoverFinish => drop(reader.take(48)?),
                C::Status => {
                    StatusBody::read(reader)?;
                }
                C::Delete | C::Cancel => {}
                C::ChangeStart => drop((RecoverStarted::read(reader)?, RegisterStarted::read(reader)?)),
                C::GetHead | C::PutHead => {
                    reader.take(16)?; // set id
                    reader.u64()?; // generation
                    reader.take(32)?; // manifest id
                    reader.u64()?; // created
                    reader.take(4 + 64)?; // key epoch, signature
                }
            }
            Ok(())
        })
    }

    /// The body as bytes of a fixed length; `bad-answer`.
    pub fn array<const N: usize>(&self) -> Result<[u8; N]> {
        self.decode(|reader| reader.array())
    }
}

fn read_key_ids(reader: &mut Reader) -> Result<KeyIds> {
    Ok(KeyIds { oprf: reader.array()?, opaque: reader.array()? })
}

/// `RegisterStarted`.
pub struct RegisterStarted {
    pub registration_id: [u8; 32],
    pub generation: u64,
    pub keys: KeyIds,
    pub response: Vec<u8>,
}

impl RegisterStarted {
    pub fn read(reader: &mut Reader) -> Result<Self> {
        Ok(Self {
            registration_id: reader.array()?,
            generation: reader.u64()?,
            keys: read_key_ids(reader)?,
            response: reader.vector(1, 132)?.to_vec(),
        })
    }
}

/// `RecoverStarted`.
pub struct RecoverStarted {
    pub attempt_id: [u8; 32],
    pub keys: KeyIds,
    pub stretch: Stretch,
    pub ke2: Vec<u8>,
}

impl RecoverStarted {
    pub fn read(reader: &mut Reader) -> Result<Self> {
        Ok(Self {
            attempt_id: reader.array()?,
            keys: read_key_ids(reader)?,
            stretch: Stretch::read(reader)?,
            ke2: reader.vector(1, 512)?.to_vec(),
        })
    }
}

/// What a client uses of `StatusBody`.
pub struct StatusBody {
    pub record_hash: [u8; 32],
    pub scheduled_record_hash: [u8; 32],
}

impl StatusBody {
    pub fn read(reader: &mut Reader) -> Result<Self> {
        let record_hash = reader.array()?;
        reader.take(64)?; // pending registration id and record hash
        let scheduled_record_hash = reader.array()?;
        reader.u8()?;
        reader.u64()?;
        Ok(Self { record_hash, scheduled_record_hash })
    }
}

/// The fields that `RegisterFinish` and `ChangeFinish` share.
pub struct NewRecord<'a> {
    pub registration_id: [u8; 32],
    pub record: &'a [u8; 192],
    pub stretch: Stretch,
    pub sealed_key: &'a [u8; 48],
    pub owner_key: [u8; 32],
    pub budget: u8,
}

impl NewRecord<'_> {
    fn start(&self) -> Writer {
        let start = Writer::default().put(&self.registration_id).vector(256, self.record);
        start.put(&self.stretch.encode()).put(self.sealed_key)
    }

    /// `RegisterFinish`.
    pub fn finish(&self, confirm_secret: &[u8; 32]) -> Vec<u8> {
        let hash = Sha256::digest([&label("confirm"), &confirm_secret[..]].concat());
        self.start().put(&hash).put(&self.owner_key).u8(self.budget).0
    }

    /// `ChangeFinish`.
    pub fn change(&self, proof: &[u8], acknowledged: u64) -> Vec<u8> {
        let start = Writer::default().put(proof).u64(acknowledged);
        start.put(&self.start().0).put(&self.owner_key).u8(self.budget).0
    }
}
