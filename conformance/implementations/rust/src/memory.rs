//! What a client remembers, and the journal of a registration, in a folder of the device (spec/client.md).

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::bytes::{from_hex, to_hex};
use crate::error::{Result, ensure, error};
use crate::fleet::{Descriptor, Last};
use crate::keys::{Key, key};

/// Files of one account of one fleet.
pub struct Memory {
    folder: PathBuf,
    /// Names the fleet in files.
    fleet: String,
    /// Names the account in files.
    name: String,
}

/// Where a registration or a change has come to.
pub enum Entry {
    Begun { key: Key },
    Finishing(Finishing),
    Changing { generation: u64, finish: Vec<u8> },
}

/// A registration whose bytes are fixed.
#[derive(Clone)]
pub struct Finishing {
    pub key: Key,
    pub generation: u64,
    pub finish: Vec<u8>,
    pub confirm: Vec<u8>,
    /// The owner's signature over the confirmation.
    pub proof: Option<[u8; 64]>,
    /// The owner has neither key nor password of what is registered.
    pub unproved: bool,
    pub finished: bool,
    pub prepare: bool,
}

fn damaged<T>(_: T) -> crate::error::Error {
    error("state-damaged")
}

impl Memory {
    /// `io` if the folder cannot be made.
    pub fn open(folder: &Path, fleet_id: &[u8; 16], account: &[u8]) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|_| error("io"))?;
        let fleet = to_hex(fleet_id);
        Ok(Self { folder: folder.to_owned(), name: format!("{fleet}-{}", to_hex(account)), fleet })
    }

    /// Keeps other processes from the journal of the account until it is dropped.
    pub fn lock(&self) -> Result<File> {
        self.locked(&format!("{}.registering", self.name))
    }

    fn locked(&self, name: &str) -> Result<File> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.folder.join(format!("{name}.lock")));
        let file = file.map_err(|_| error("io"))?;
        file.lock().map_err(|_| error("io"))?;
        Ok(file)
    }

    fn read(&self, name: &str) -> Result<Option<Value>> {
        match fs::read(self.folder.join(name)).map(Zeroizing::new) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(damaged),
            Err(failure) if failure.kind() == ErrorKind::NotFound => Ok(None),
            Err(_) => Err(error("state-damaged")),
        }
    }

    /// Replaces a file as a whole, durably. What an earlier write has left behind is in the way of none.
    fn write(&self, name: &str, value: &Value) -> Result<()> {
        let text = Zeroizing::new(value.to_string());
        let temporary = self.folder.join(format!("{name}.new"));
        let written = (|| {
            let _ = fs::remove_file(&temporary);
            let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&temporary)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, self.folder.join(name))?;
            File::open(&self.folder)?.sync_all()
        })();
        written.map_err(|failure| {
            error(if failure.kind() == ErrorKind::StorageFull { "disk-full" } else { "io" })
        })
    }

    /// Changes one file of what is remembered, under a lock that other sessions and processes respect.
    fn change<T>(
        &self,
        name: &str,
        change: impl FnOnce(Option<Value>) -> Result<(Option<Value>, T)>,
    ) -> Result<T> {
        let _lock = self.locked(name)?;
        let (value, result) = change(self.read(name)?)?;
        if let Some(value) = value {
            self.write(name, &value)?;
        }
        Ok(result)
    }

    fn fleet_file(&self) -> String {
        format!("{}.fleet.json", self.fleet)
    }

    /// The newest descriptor that was accepted of the fleet.
    pub fn last(&self) -> Result<Option<Last>> {
        self.read(&self.fleet_file())?.map(last).transpose()
    }

    /// Remembers a descriptor that was accepted, unless a newer one was meanwhile.
    pub fn accept(&self, descriptor: &Descriptor) -> Result<()> {
        let Descriptor { serial, hash, level, .. } = descriptor;
        self.change(&self.fleet_file(), |before| {
            let before = before.map(last).transpose()?;
            let is_newer = before.is_none_or(|before| before.serial < *serial);
            Ok((is_newer.then(|| json!({ "serial": serial, "hash": to_hex(hash), "level": level })), ()))
        })
    }

    /// A number of the account that never goes down; 0 at first.
    fn number(&self, name: &str) -> Result<u64> {
        let value = self.read(&format!("{}.{name}.json", self.name))?;
        value.map_or(Ok(0), |value| value.as_u64().ok_or(error("state-damaged")))
    }

    /// Raises a number of the account to `now`; gives what it was before.
    fn raise(&self, name: &str, now: u64) -> Result<u64> {
        self.change(&format!("{}.{name}.json", self.name), |before| {
            let before = before.map_or(Some(0), |value| value.as_u64()).ok_or(error("state-damaged"))?;
            Ok(((now > before).then(|| json!(now)), before))
        })
    }

    /// `stale-answer` if a higher state version was seen.
    pub fn check(&self, state_version: u64) -> Result<()> {
        ensure(self.number("state-version")? <= state_version, "stale-answer")
    }

    /// Remembers the state version of a verified answer; `stale-answer` if a higher one was seen.
    pub fn see(&self, state_version: u64) -> Result<()> {
        ensure(self.raise("state-version", state_version)? <= state_version, "stale-answer")
    }

    /// Serial of the last report that was shown to the owner.
    pub fn report_serial(&self) -> Result<u64> {
        self.number("report")
    }

    pub fn report_shown(&self, serial: u64) -> Result<()> {
        self.raise("report", serial).map(|_| ())
    }

    fn journal_file(&self) -> String {
        format!("{}.journal.json", self.name)
    }

    pub fn journal(&self) -> Result<Option<Entry>> {
        let Some(value) = self.read(&self.journal_file())? else { return Ok(None) };
        let bytes = |field: &str| from_hex(value[field].as_str()?).map(Zeroizing::new);
        let backup_key = || key(&bytes("key")?).ok();
        let generation = value["generation"].as_u64();
        let read = || match value["state"].as_str()? {
            "begun" => Some(Entry::Begun { key: backup_key()? }),
            "changing" => {
                Some(Entry::Changing { generation: generation?, finish: bytes("finish")?.to_vec() })
            }
            "finishing" => Some(Entry::Finishing(Finishing {
                key: backup_key()?,
                generation: generation?,
                finish: bytes("finish")?.to_vec(),
                confirm: bytes("confirm")?.to_vec(),
                proof: match &value["proof"] {
                    Value::Null => None,
                    _ => Some(bytes("proof")?.as_slice().try_into().ok()?),
                },
                unproved: value["unproved"].as_bool()?,
                finished: value["finished"].as_bool()?,
                prepare: value["prepare"].as_bool()?,
            })),
            _ => None,
        };
        read().map(Some).ok_or(error("state-damaged"))
    }

    pub fn note(&self, entry: &Entry) -> Result<()> {
        let value = match entry {
            Entry::Begun { key } => json!({ "state": "begun", "key": to_hex(&**key) }),
            Entry::Changing { generation, finish } => {
                json!({ "state": "changing", "generation": generation, "finish": to_hex(finish) })
            }
            Entry::Finishing(one) => json!({
                "state": "finishing",
                "key": to_hex(&*one.key),
                "generation": one.generation,
                "finish": to_hex(&one.finish),
                "confirm": to_hex(&one.confirm),
                "proof": one.proof.map(|proof| to_hex(&proof)),
                "unproved": one.unproved,
                "finished": one.finished,
                "prepare": one.prepare,
            }),
        };
        self.write(&self.journal_file(), &value)
    }

    pub fn erase_journal(&self) -> Result<()> {
        for name in [format!("{}.new", self.journal_file()), self.journal_file()] {
            match fs::remove_file(self.folder.join(name)) {
                Err(failure) if failure.kind() != ErrorKind::NotFound => return Err(error("io")),
                _ => {}
            }
        }
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(|_| error("io"))
    }
}

fn last(value: Value) -> Result<Last> {
    let read = || {
        Some(Last {
            serial: value["serial"].as_u64()?,
            hash: Some(from_hex(value["hash"].as_str()?)?.try_into().ok()?),
            level: value["level"].as_u64()?.try_into().ok()?,
        })
    };
    read().ok_or(error("state-damaged"))
}
