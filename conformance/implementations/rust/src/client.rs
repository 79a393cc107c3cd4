//! A client of a vault: what it does, in the order of spec/client.md.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand_core::{OsRng, RngCore};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::bytes::Writer;
use crate::channel::seal;
use crate::error::{Error, Result, ensure, error};
use crate::exchange::{
    Change, Command, HEAD, NewRecord, Phase, Proof, RecoverStarted, RegisterStarted, Statement, StatusBody,
    Subject, encode_exchange, encode_request, ke3_proof, owner_statement,
};
use crate::fleet::{Descriptor, Pins, verify};
use crate::http::Transport;
use crate::keys::{Key, owner_key, sign_as_owner};
use crate::memory::{Entry, Finishing, Memory};
use crate::opaque::{Binding, ExportKey, Login, Registration, Stretch, open_key, seal_key};
use crate::password::prepare;

/// Times that a request is made again after a `conflict` of the same generation.
const REPETITIONS: usize = 4;

/// What an owner has to prove an account with.
pub enum Credential<'a> {
    Nothing,
    /// The backup key that is registered.
    Key(&'a Key),
    Password(&'a [u8]),
}

/// Makes older backups readable with a new key.
pub type Prepare<'a> = &'a dyn Fn() -> Result<()>;

/// One session with a fleet.
pub struct Client {
    transport: Transport,
    fleet: Descriptor,
    account: Vec<u8>,
    memory: Memory,
    floor: Stretch,
    newest: Option<Statement>,
}

/// A login whose envelope has opened.
struct Proven {
    ke1: [u8; 96],
    attempt_id: [u8; 32],
    ke3: [u8; 64],
    export_key: ExportKey,
    generation: u64,
    budget: u8,
}

impl Proven {
    fn proof(&self) -> Proof {
        Proof::Ke3 { ke1: self.ke1, attempt_id: self.attempt_id, ke3: self.ke3 }
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

fn random<const N: usize>() -> Zeroizing<[u8; N]> {
    let mut bytes = Zeroizing::new([0; N]);
    OsRng.fill_bytes(&mut *bytes);
    bytes
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

impl Client {
    /// Begins a session: fetches and verifies the descriptor before anything else is sent.
    pub fn connect(
        url: &str,
        pins: &Pins,
        account: &[u8],
        folder: &Path,
        floor: Stretch,
        timeout: Duration,
    ) -> Result<Self> {
        let fleet_id = pins.fleet_id.ok_or(error("invalid-config"))?;
        ensure((1..=64).contains(&account.len()), "limit-exceeded")?;
        let transport = Transport::new(url, timeout)?;
        let memory = Memory::open(folder, &fleet_id, account)?;
        let fleet = verify(&transport.descriptor()?, pins, now(), memory.last()?)?;
        memory.accept(&fleet)?;
        Ok(Self { transport, fleet, account: account.to_vec(), memory, floor, newest: None })
    }

    /// The newest verified answer: what is left, what waits, and what is reported.
    pub fn newest(&self) -> Option<&Statement> {
        self.newest.as_ref()
    }

    /// Remembers that the owner was shown a report.
    pub fn report_shown(&self, serial: u64) -> Result<()> {
        self.memory.report_shown(serial)
    }

    fn subject(&self) -> Subject<'_> {
        Subject { fleet_id: &self.fleet.fleet_id, account: &self.account }
    }

    /// Asks, and does steps 1 to 7 with what comes back; a body that is none of the command is refused before anything is
    /// remembered. The outcome is for the caller.
    fn ask(&mut self, command: Command, body: &[u8], proof: &Proof) -> Result<Statement> {
        let request = Zeroizing::new(encode_request(self.subject(), command, body, proof));
        let Descriptor { channel_suite, fleet_id, .. } = &self.fleet;
        let key = &self.fleet.channel_key().public_key;
        let sealed = seal(*channel_suite, fleet_id, key, &request, random())?;
        let answer = sealed.open(&self.transport.exchange(&encode_exchange(&sealed.bytes))?)?;
        let statement = Statement::verify(&answer, &self.fleet, self.subject(), &sealed.hash)?;
        let of_record = !statement.is_without_record();
        if of_record {
            self.memory.check(statement.state_version)?;
        }
        statement.check_body(command)?;
        if of_record {
            self.memory.see(statement.state_version)?;
        }
        self.newest = Some(statement.clone());
        Ok(statement)
    }

    fn ask_plainly(&mut self, command: Command, body: &[u8]) -> Result<Statement> {
        self.ask(command, body, &Proof::None)?.ok()
    }

    /// Tells what the vault says of the account.
    pub fn status(&mut self) -> Result<Statement> {
        self.ask_plainly(Command::Status, b"")
    }

    /// Recovers the backup key with the password.
    pub fn recover(&mut self, password: &[u8]) -> Result<Key> {
        let login = Login::start(&mut OsRng, &prepare(password)?)?;
        let proven = self.start_recovery(login)?;
        let acknowledged = self.memory.report_serial()?;
        let proof = ke3_proof(&proven.ke1, &proven.attempt_id, &proven.ke3);
        let body = Writer(proof).u64(acknowledged).0;
        let sealed_key: [u8; 48] = self.ask_plainly(Command::RecoverFinish, &body)?.array()?;
        open_key(&proven.export_key, &sealed_key, &self.binding(proven.generation))
    }

    fn binding(&self, generation: u64) -> Binding<'_> {
        Binding { fleet_id: &self.fleet.fleet_id, account: &self.account, generation }
    }

    /// Steps 2 to 5 of a recovery, and step 8 after a wrong password.
    fn start_recovery(&mut self, login: Login) -> Result<Proven> {
        let body = Writer::default().vector(128, &login.ke1).0;
        let answer = self.ask_plainly(Command::RecoverStart, &body)?;
        self.prove(login, &answer, answer.decode(RecoverStarted::read)?)
    }

    /// Steps 3 to 5 of a recovery, and step 8 after a wrong password.
    fn prove(&mut self, login: Login, answer: &Statement, attempt: RecoverStarted) -> Result<Proven> {
        attempt.stretch.check(&self.floor)?;
        let server_public_key = self.fleet.opaque_key(attempt.keys)?.public_key.clone();
        let ke1 = login.ke1;
        match login.finish(&attempt.ke2, attempt.stretch, attempt.keys) {
            Err(Error { code: "wrong-password", .. }) => {
                Err(self.close_wrong_attempt(&ke1, &attempt.attempt_id))
            }
            Err(failure) => Err(failure),
            Ok(finished) => {
                ensure(finished.server_public_key == *server_public_key, "server-authentication-failed")?;
                Ok(Proven {
                    ke1,
                    attempt_id: attempt.attempt_id,
                    ke3: finished.ke3,
                    export_key: finished.export_key,
                    generation: answer.generation,
                    budget: answer.budget,
                })
            }
        }
    }

    /// Sends a KE3 that is none, so that a wrong password looks like a right one from outside.
    fn close_wrong_attempt(&mut self, ke1: &[u8; 96], attempt_id: &[u8; 32]) -> Error {
        let body = Writer(ke3_proof(ke1, attempt_id, &random())).u64(0).0;
        match self.ask(Command::RecoverFinish, &body, &Proof::None) {
            Ok(statement) if statement.outcome == "destroyed" => error("destroyed"),
            _ => error("wrong-password"),
        }
    }

    /// Registers a backup key behind a password. `registered` is what the owner has of a registration that is live
    /// already. True if the registration is live; false if it waits.
    pub fn register(
        &mut self,
        backup_key: &Key,
        password: &[u8],
        budget: u8,
        registered: Option<&Key>,
        prepare_backups: Option<Prepare>,
    ) -> Result<bool> {
        let password = self.check_registration(password)?;
        let _lock = self.memory.lock()?;
        match self.memory.journal()? {
            None => {}
            Some(Entry::Begun { key }) if key == *backup_key => {}
            Some(_) => return Err(error("registration-unfinished")),
        }
        self.begin(backup_key, &password, budget, registered, prepare_backups)
    }

    /// Step 1 of a registration: the password as it is registered.
    fn check_registration(&self, password: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        self.fleet.stretch.check(&self.floor)?;
        prepare(password)
    }

    /// Steps 3 to 7 of a registration, and what follows.
    fn begin(
        &mut self,
        backup_key: &Key,
        password: &[u8],
        budget: u8,
        registered: Option<&Key>,
        prepare_backups: Option<Prepare>,
    ) -> Result<bool> {
        self.memory.note(&Entry::Begun { key: backup_key.clone() })?;
        let registration = Registration::start(&mut OsRng, password)?;
        let body = Writer::default().vector(66, &registration.request).0;
        let answer = self.ask_plainly(Command::RegisterStart, &body)?;
        let started = answer.decode(RegisterStarted::read)?;
        let secret = random::<32>();
        let finish = self.finish_registration(registration, &started, backup_key, budget, |record| {
            record.finish(&secret)
        })?;
        let confirm = [&started.registration_id[..], &*secret, &sha256(&finish)].concat();
        let statement = owner_statement(self.subject(), Command::RegisterConfirm as u8, &confirm);
        let proof = registered.filter(|_| answer.phase.is_live()).map(|key| sign_as_owner(key, &statement));
        let finishing = Finishing {
            key: backup_key.clone(),
            generation: started.generation,
            finish,
            confirm,
            proof,
            unproved: registered.is_none(),
            finished: false,
            prepare: prepare_backups.is_some(),
        };
        self.memory.note(&Entry::Finishing(finishing))?;
        self.go_on(prepare_backups)
    }

    /// Steps 5 and 6 of a registration: the bytes that finish it.
    fn finish_registration(
        &self,
        registration: Registration,
        started: &RegisterStarted,
        backup_key: &Key,
        budget: u8,
        encode: impl FnOnce(&NewRecord) -> Vec<u8>,
    ) -> Result<Vec<u8>> {
        let key = self.fleet.opaque_key(started.keys)?;
        ensure(key.not_after_new >= now(), "server-authentication-failed")?;
        let stretch = self.fleet.stretch;
        let registered = registration.finish(&mut OsRng, &started.response, &key.public_key, stretch)?;
        let sealed_key = seal_key(&registered.export_key, backup_key, &self.binding(started.generation));
        Ok(encode(&NewRecord {
            registration_id: started.registration_id,
            record: &registered.record,
            stretch,
            sealed_key: &sealed_key,
            owner_key: owner_key(backup_key).verifying_key().to_bytes(),
            budget,
        }))
    }

    /// Goes on with what the journal holds. True if nothing is left to do; false if a registration waits.
    pub fn resume(
        &mut self,
        password: &[u8],
        registered: Option<&Key>,
        prepare_backups: Option<Prepare>,
    ) -> Result<bool> {
        let _lock = self.memory.lock()?;
        match self.memory.journal()? {
            None => self.status().map(|_| true),
            Some(Entry::Changing { generation, finish }) => {
                self.finish_change(generation, &finish).map(|()| true)
            }
            Some(Entry::Finishing(_)) => self.go_on(prepare_backups),
            Some(Entry::Begun { key }) => {
                let password = self.check_registration(password)?;
                self.begin(&key, &password, 0, registered, prepare_backups)
            }
        }
    }

    /// Steps 8 to 13 of a registration, as far as the journal says that they are to be done.
    fn go_on(&mut self, prepare_backups: Option<Prepare>) -> Result<bool> {
        let Some(Entry::Finishing(mut one)) = self.memory.journal()? else { return Ok(true) };
        let record_hash = sha256(&one.finish);
        if !one.finished {
            let answer = self.ask_plainly(Command::RegisterFinish, &one.finish)?;
            ensure(answer.array()? == record_hash, "bad-answer")?;
            one.finished = true;
            self.memory.note(&Entry::Finishing(one.clone()))?;
        }
        if one.prepare {
            prepare_backups.ok_or(error("registration-unfinished"))?()?;
            one.prepare = false;
            self.memory.note(&Entry::Finishing(one.clone()))?;
        }
        let proof = one.proof.map_or(Proof::None, Proof::Owner);
        for _ in 0..=REPETITIONS {
            let answer = self.ask(Command::RegisterConfirm, &one.confirm, &proof)?;
            if one.unproved && answer.outcome == "scheduled" {
                let status = self.status()?.decode(StatusBody::read)?;
                if status.record_hash == record_hash {
                    continue;
                }
                ensure(status.scheduled_record_hash == record_hash, "scheduled")?;
                return Ok(false);
            }
            self.receive(answer.ok()?, record_hash, one.generation)?;
            self.memory.erase_journal()?;
            return Ok(true);
        }
        Err(error("scheduled"))
    }

    /// Checks the receipt of a registration or of a change.
    fn receive(&self, answer: Statement, record_hash: [u8; 32], generation: u64) -> Result<()> {
        let names = answer.array()? == record_hash && answer.generation == generation;
        ensure(names && answer.phase.is_live(), "bad-answer")
    }

    /// Puts another password before the key that is registered, which stays the same.
    pub fn change_password(
        &mut self,
        password: &[u8],
        new_password: &[u8],
        backup_key: Option<&Key>,
        budget: Option<u8>,
    ) -> Result<()> {
        let (prepared, new_password) = (prepare(password)?, self.check_registration(new_password)?);
        let _lock = self.memory.lock()?;
        ensure(self.memory.journal()?.is_none(), "registration-unfinished")?;
        let backup_key = match backup_key {
            Some(key) => {
                self.get_head(key)?;
                key.clone()
            }
            None => self.recover(password)?,
        };
        let login = Login::start(&mut OsRng, &prepared)?;
        let registration = Registration::start(&mut OsRng, &new_password)?;
        let body = Writer::default().vector(128, &login.ke1).vector(66, &registration.request).0;
        let answer = self.ask_plainly(Command::ChangeStart, &body)?;
        let (attempt, started) =
            answer.decode(|reader| Ok((RecoverStarted::read(reader)?, RegisterStarted::read(reader)?)))?;
        let proven = self.prove(login, &answer, attempt)?;
        let acknowledged = self.memory.report_serial()?;
        let budget = budget.unwrap_or(proven.budget.min(self.fleet.max_budget));
        let finish = self.finish_registration(registration, &started, &backup_key, budget, |record| {
            record.change(&ke3_proof(&proven.ke1, &proven.attempt_id, &proven.ke3), acknowledged)
        })?;
        self.memory.note(&Entry::Changing { generation: started.generation, finish: finish.clone() })?;
        self.finish_change(started.generation, &finish)
    }

    /// Steps 7 and 8 of a change.
    fn finish_change(&mut self, generation: u64, finish: &[u8]) -> Result<()> {
        let answer = self.ask(Command::ChangeFinish, finish, &Proof::None)?;
        let decided = ["conflict", "wrong-password", "not-registered", "destroyed", "malformed"];
        let refused = answer.state_version != 0 && decided.contains(&answer.outcome);
        if refused {
            self.memory.erase_journal()?;
        }
        self.receive(answer.ok()?, sha256(finish), generation)?;
        self.memory.erase_journal()
    }

    /// Deletes the key, or has its deletion wait. True if it is deleted; false if that waits.
    pub fn delete(&mut self, credential: &Credential) -> Result<bool> {
        match self.status()?.phase {
            Phase::Deleted => return Ok(true),
            Phase::None => return Err(error("not-registered")),
            Phase::Destroyed => return Err(error("destroyed")),
            Phase::Active | Phase::LastChance => {}
        }
        let answer = self.ask_proved(Command::Delete, credential, |newest| newest.state_version)?;
        let waits = answer.outcome == "scheduled" && answer.scheduled_change == Change::Deletion;
        if waits && matches!(credential, Credential::Nothing) {
            return Ok(false);
        }
        ensure(answer.ok()?.phase == Phase::Deleted, "bad-answer")?;
        Ok(true)
    }

    /// Cancels what waits, if anything does.
    pub fn cancel(&mut self, credential: &Credential) -> Result<()> {
        let status = self.status()?;
        if status.scheduled_change == Change::None {
            return Ok(());
        }
        let answer = self.ask_proved(Command::Cancel, credential, |_| status.effective_at)?.ok()?;
        ensure(answer.generation == status.generation && answer.phase != Phase::Deleted, "conflict")?;
        ensure(answer.scheduled_change == Change::None, "bad-answer")
    }

    /// Asks for a deletion or a cancellation, whose body is one number, with what the owner has. A deletion is asked for
    /// again at another state version as long as the generation is the same.
    fn ask_proved(
        &mut self,
        command: Command,
        credential: &Credential,
        number: impl Fn(&Statement) -> u64,
    ) -> Result<Statement> {
        let proven = match credential {
            Credential::Password(password) => {
                Some(self.start_recovery(Login::start(&mut OsRng, &prepare(password)?)?)?)
            }
            _ => None,
        };
        let mut repetitions = 0;
        loop {
            let newest = self.newest.as_ref().ok_or(error("bad-answer"))?;
            let generation = newest.generation;
            let body = number(newest).to_be_bytes();
            let proof = match (&proven, credential) {
                (Some(proven), _) => proven.proof(),
                (None, Credential::Key(key)) => Proof::owner(key, self.subject(), command, &body),
                _ => Proof::None,
            };
            let answer = self.ask(command, &body, &proof)?;
            if answer.outcome != "conflict" {
                return Ok(answer);
            }
            if command == Command::Delete && answer.generation == generation && repetitions < REPETITIONS {
                repetitions += 1;
                continue;
            }
            // Nobody has looked at the proof: its attempt would stay charged.
            if let Some(Proven { ke1, attempt_id, ke3, .. }) = &proven {
                let body = Writer(ke3_proof(ke1, attempt_id, ke3)).u64(0).0;
                let _ = self.ask(Command::RecoverFinish, &body, &Proof::None);
            }
            return Ok(answer);
        }
    }

    /// The head that the vault keeps, if there is one.
    pub fn get_head(&mut self, backup_key: &Key) -> Result<Option<[u8; HEAD]>> {
        let proof = Proof::owner(backup_key, self.subject(), Command::GetHead, b"");
        let head = self.ask(Command::GetHead, b"", &proof)?.ok()?.array()?;
        Ok((head != [0; HEAD]).then_some(head))
    }

    /// Has the vault keep a head in the place of the previous one.
    pub fn put_head(
        &mut self,
        backup_key: &Key,
        head: &[u8; HEAD],
        previous: Option<&[u8; HEAD]>,
    ) -> Result<()> {
        let hash = previous.map_or([0; 32], |previous| sha256(previous));
        let body = [&hash[..], head].concat();
        let proof = Proof::owner(backup_key, self.subject(), Command::PutHead, &body);
        let kept = self.ask(Command::PutHead, &body, &proof)?.ok()?.array()?;
        ensure(kept == *head, "bad-answer")
    }
}
