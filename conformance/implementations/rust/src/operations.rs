//! The operations of the adapter.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::bytes::to_hex;
use crate::client::{Client, Credential};
use crate::container::{Engine, Opened, Reader, Sink};
use crate::error::{Result, ensure, error};
use crate::exchange::{Change, owner_statement};
use crate::fleet::{Last, Pins};
use crate::opaque::{Binding, KeyIds, Login, Registration, Stretch};
use crate::params::{Draws, Failure, Outcome, Params, code};
use crate::ranges::{Known, Plan, Probed, Ranges, Source};
use crate::{channel, exchange, fleet, keys, opaque, password};

/// Runs an operation other than `hello`.
pub fn run(op: &str, params: Params) -> Outcome<Value> {
    match op {
        "keys.parse-recovery-key" => {
            Ok(json!({ "key": to_hex(&*keys::parse_recovery_key(params.text("text")?)?) }))
        }
        "keys.format-recovery-key" => {
            Ok(json!({ "text": keys::format_recovery_key(&params.bytes("key")?)? }))
        }
        "keys.derive" => {
            let derived = keys::derive(&params.bytes("key")?, params.text("label")?)?;
            let length: usize = params.number("length")?;
            let derived = derived.get(..length).ok_or(Failure::Fault("keys have 32 bytes".into()))?;
            Ok(json!({ "key": to_hex(derived) }))
        }
        "container.open" => open_object(params),
        "container.after-end" => after_end(params),
        "container.sweep" => sweep(params),
        "file.open" => open_file(params),
        "range.probe" => probe(params),
        "range.read" => read_range(params),
        "range.read-many" => read_many(params),
        "range.plan" => plan(params),
        "engine.open" => {
            let mut sealed = params.bytes("sealed")?;
            Ok(json!({ "plaintext": to_hex(engine(params)?.open(params.number("index")?, &mut sealed)?) }))
        }
        "engine.seal" => {
            let sealed = engine(params)?.seal(params.number("index")?, &params.bytes("plaintext")?)?;
            Ok(json!({ "sealed": to_hex(&sealed) }))
        }
        "opaque.prepare-password" => {
            Ok(json!({ "password": to_hex(&password::prepare(&params.bytes("text")?)?) }))
        }
        "opaque.check-stretch" => {
            stretch(params.inner("stretch"))?.check(&Stretch::FLOOR)?;
            Ok(json!({ "accepted": true }))
        }
        "opaque.registration-request" => Ok(json!({ "request": to_hex(&registration(params)?.0.request) })),
        "opaque.registration-record" => registration_record(params),
        "opaque.ke1" => Ok(json!({ "ke1": to_hex(&login(params)?.ke1) })),
        "opaque.ke3" => ke3(params),
        "opaque.seal-key" => {
            let backup_key = keys::key(&params.bytes("backupKey")?)?;
            let sealed = with_binding(params, |export_key, binding| {
                Ok(opaque::seal_key(export_key, &backup_key, binding))
            })?;
            Ok(json!({ "sealedKey": to_hex(&sealed) }))
        }
        "opaque.open-key" => {
            let sealed = params.bytes("sealedKey")?;
            let key =
                with_binding(params, |export_key, binding| opaque::open_key(export_key, &sealed, binding))?;
            Ok(json!({ "backupKey": to_hex(&*key) }))
        }
        "channel.seal-request" => Ok(json!({ "sealedRequest": to_hex(&sealed_request(params)?.bytes) })),
        "channel.open-answer" => {
            let opened = sealed_request(params)?.open(&params.bytes("answer")?)?;
            Ok(json!({ "plaintext": to_hex(&opened) }))
        }
        "fleet.verify" => verify_fleet(params),
        "owner.sign" => {
            let (fleet_id, account) = (params.array("fleetId")?, params.bytes("account")?);
            let subject = exchange::Subject { fleet_id: &fleet_id, account: &account };
            let statement = owner_statement(subject, params.number("command")?, &params.bytes("body")?);
            let signature = keys::sign_as_owner(&keys::key(&params.bytes("key")?)?, &statement);
            Ok(json!({ "signature": to_hex(&signature) }))
        }
        "client.run" => run_client(params),
        _ => Err(Failure::Unsupported),
    }
}

fn object_key(params: Params) -> Outcome<keys::Key> {
    Ok(match params.has("objectKey") {
        true => keys::key(&params.bytes("objectKey")?)?,
        false => keys::derive(&params.bytes("key")?, "object")?,
    })
}

fn reader(params: Params) -> Outcome<Reader> {
    let context = params.optional("context", Params::bytes)?.unwrap_or_default();
    Ok(Reader::new(object_key(params)?, &context, params.optional("objectLength", Params::number)?)?)
}

/// Runs what gives out plaintext, which goes to the end of a file.
fn into_file<T>(file: Option<File>, run: impl FnOnce(Sink) -> Result<T>) -> Outcome<T> {
    let mut written = Ok(());
    let outcome = run(&mut |plaintext| {
        if let (Some(file), Ok(())) = (&file, &written) {
            written = (&*file).write_all(plaintext);
        }
    });
    written?;
    Ok(outcome?)
}

fn sink(params: Params) -> Outcome<Option<File>> {
    let Some(path) = params.optional("sink", Params::text)? else { return Ok(None) };
    Ok(Some(OpenOptions::new().create(true).append(true).open(path)?))
}

fn opened(Opened { kind, content_length }: Opened) -> Value {
    json!({ "type": kind, "contentLength": content_length })
}

fn open_object(params: Params) -> Outcome<Value> {
    let object = params.bytes("object")?;
    let mut reader = reader(params)?;
    let piece_length = params.optional("pieceLength", Params::number)?.unwrap_or(object.len());
    let whole = into_file(sink(params)?, |sink| {
        object.chunks(piece_length.max(1)).try_for_each(|piece| reader.push(piece, sink))?;
        reader.finish(sink)
    })?;
    Ok(opened(whole))
}

fn open_file(params: Params) -> Outcome<Value> {
    let mut source = File::open(params.text("source")?)?;
    let mut reader = reader(params)?;
    let target = File::create(params.text("target")?)?;
    let mut piece = vec![0; 1 << 20];
    let whole = into_file(Some(target), |sink| {
        loop {
            match source.read(&mut piece).map_err(|_| error("io"))? {
                0 => return reader.finish(sink),
                length => reader.push(&piece[..length], sink)?,
            }
        }
    })?;
    Ok(opened(whole))
}

/// The object of a request as a source, which says and gives what the request asks it to.
struct Object {
    bytes: Vec<u8>,
    length: u64,
    piece_length: usize,
}

impl Source for Object {
    fn length(&self) -> u64 {
        self.length
    }

    fn read(&self, offset: u64, target: &mut [u8]) -> Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.bytes.get(offset..)).unwrap_or(&[]);
        let length = rest.len().min(target.len()).min(self.piece_length);
        target[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

fn ranges(params: Params) -> Outcome<Ranges<Object>> {
    let bytes = params.bytes("object")?;
    let object = Object {
        length: params.optional("sourceLength", Params::number)?.unwrap_or(bytes.len() as u64),
        piece_length: params.optional("pieceLength", Params::number)?.unwrap_or(usize::MAX),
        bytes,
    };
    let header = match params.has("header") {
        true => {
            let header = params.inner("header");
            Some([header.bytes("prefix")?, header.bytes("commitment")?].concat())
        }
        false => None,
    };
    let known = Known {
        object_length: params.optional("objectLength", Params::number)?,
        content_length: params.optional("contentLength", Params::number)?,
        header,
    };
    let context = params.optional("context", Params::bytes)?.unwrap_or_default();
    Ok(Ranges::open(object, &object_key(params)?, &context, known)?)
}

/// A number of a range; what no `u64` holds is refused with `bad-range`.
fn place(value: &Value) -> Result<u64> {
    value.as_u64().ok_or(error("bad-range"))
}

fn pairs(params: Params) -> Outcome<Vec<(u64, u64)>> {
    params.items("ranges")?.map(|pair| Ok((place(&pair[0])?, place(&pair[1])?))).collect()
}

fn probe(params: Params) -> Outcome<Value> {
    let Probed { trailer, object_length } = ranges(params)?.probe()?;
    Ok(json!({
        "contentLength": trailer.content_length,
        "padding": if trailer.is_padded { "padme" } else { "none" },
        "objectLength": object_length,
    }))
}

fn read_range(params: Params) -> Outcome<Value> {
    if params.has("url") {
        return Err(Failure::Unsupported);
    }
    let ranges = ranges(params)?;
    let (offset, length) = (place(&params.0["offset"])?, place(&params.0["length"])?);
    into_file(sink(params)?, |sink| ranges.read(offset, length, sink))?;
    Ok(json!({ "length": length }))
}

/// Reads ranges on as many threads.
fn read_many(params: Params) -> Outcome<Value> {
    let (ranges, pairs) = (&ranges(params)?, pairs(params)?);
    let read = |(offset, length)| {
        let mut content = Vec::new();
        let outcome = ranges.read(offset, length, &mut |plaintext| content.extend_from_slice(plaintext));
        outcome.map_or_else(|failure| failure.code.to_owned(), |()| to_hex(&content))
    };
    let contents: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = pairs.into_iter().map(|pair| scope.spawn(move || read(pair))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread that ends")).collect()
    });
    Ok(json!({ "contents": contents }))
}

fn plan(params: Params) -> Outcome<Value> {
    let chunk_length = 1u64 << params.number::<u32>("chunkLog2")?;
    let (header, object) = (params.number("headerLength")?, params.number("objectLength")?);
    let plans = pairs(params)?.into_iter().map(|(offset, length)| {
        let Plan { first, last, part } = Plan::new(header, chunk_length, object, offset, length);
        json!({ "first": first, "last": last, "start": part.0, "end": part.1 })
    });
    Ok(json!({ "plans": plans.collect::<Vec<_>>() }))
}

fn after_end(params: Params) -> Outcome<Value> {
    let object = params.bytes("object")?;
    let mut reader = reader(params)?;
    let mut sink = |_: &[u8]| {};
    let first = reader.push(&object, &mut sink).and_then(|()| reader.finish(&mut sink));
    let later = [code(&reader.push(&[0], &mut sink)), code(&reader.finish(&mut sink))];
    Ok(json!({ "first": code(&first), "later": later }))
}

fn sweep(params: Params) -> Outcome<Value> {
    let mut object = params.bytes("object")?;
    let (first, step, count): (usize, usize, usize) =
        (params.number("first")?, params.number("step")?, params.number("count")?);
    let edit = params.text("edit")?;
    let mut runs: Vec<(usize, &str, u64)> = Vec::new();
    for n in (0..count).map(|i| first + i * step) {
        let (at, byte, length) = match edit {
            "flip" => (n / 8, object.get(n / 8).map(|byte| byte ^ 1 << (n % 8)), object.len()),
            "byte" => (n / 256, Some((n % 256) as u8), object.len()),
            "cut" => (0, object.first().copied(), n),
            _ => return Err(Failure::Fault(format!("there is no edit {edit}"))),
        };
        let (Some(byte), Some(&was)) = (byte, object.get(at)) else {
            return Err(Failure::Fault(format!("there is no byte {at}")));
        };
        object[at] = byte;
        let (code, released) = count_released(params, &object[..length.min(object.len())])?;
        object[at] = was;
        match runs.last_mut() {
            Some(run) if (run.1, run.2) == (code, released) => run.0 += 1,
            _ => runs.push((1, code, released)),
        }
    }
    Ok(json!({ "runs": runs }))
}

fn count_released(params: Params, object: &[u8]) -> Outcome<(&'static str, u64)> {
    let mut reader = reader(params)?;
    let mut released = 0;
    let mut sink = |plaintext: &[u8]| released += plaintext.len() as u64;
    let opened = reader.push(object, &mut sink).and_then(|()| reader.finish(&mut sink));
    Ok((code(&opened), released))
}

fn engine(params: Params) -> Outcome<Engine> {
    Ok(Engine::new(&*keys::key(&params.bytes("key")?)?, params.array("baseNonce")?))
}

fn stretch(params: Params) -> Outcome<Stretch> {
    Ok(Stretch {
        algorithm: params.optional("algorithm", Params::number)?.unwrap_or(1),
        iterations: params.number("iterations")?,
        memory_kib: params.number("memoryKib")?,
        parallelism: params.number("parallelism")?,
    })
}

fn registration(params: Params) -> Outcome<(Registration, Draws)> {
    let inject = params.inner("inject");
    let mut draws = Draws::default().blind(inject)?.then(inject, "envelope_nonce")?;
    let registration = Registration::start(&mut draws, &params.bytes("password")?)?;
    Ok((registration, draws))
}

fn registration_record(params: Params) -> Outcome<Value> {
    let (registration, mut draws) = registration(params)?;
    let finished = registration.finish(
        &mut draws,
        &params.bytes("response")?,
        &params.bytes("serverPublicKey")?,
        stretch(params.inner("stretch"))?,
    )?;
    Ok(json!({ "record": to_hex(&finished.record), "exportKey": to_hex(&*finished.export_key) }))
}

fn login(params: Params) -> Outcome<Login> {
    let inject = params.inner("inject");
    let draws = Draws::default().blind(inject)?;
    let mut draws = draws.then(inject, "client_keyshare_seed")?.then(inject, "client_nonce")?;
    Ok(Login::start(&mut draws, &params.bytes("password")?)?)
}

fn ke3(params: Params) -> Outcome<Value> {
    let keys = KeyIds { oprf: params.array("oprfKeyId")?, opaque: params.array("opaqueKeyId")? };
    let stretch = stretch(params.inner("stretch"))?;
    let finished = login(params)?.finish(&params.bytes("ke2")?, stretch, keys)?;
    if let Some(expected) = params.optional("serverPublicKey", Params::bytes)? {
        ensure(finished.server_public_key[..] == expected, "server-authentication-failed")?;
    }
    Ok(json!({
        "ke3": to_hex(&finished.ke3),
        "sessionKey": to_hex(&*finished.session_key),
        "exportKey": to_hex(&*finished.export_key),
    }))
}

fn with_binding<T>(
    params: Params,
    act: impl FnOnce(&opaque::ExportKey, &Binding) -> Result<T>,
) -> Outcome<T> {
    let (fleet_id, account) = (params.array("fleetId")?, params.bytes("account")?);
    let binding =
        Binding { fleet_id: &fleet_id, account: &account, generation: params.number("generation")? };
    Ok(act(&params.array("exportKey")?.into(), &binding)?)
}

fn sealed_request(params: Params) -> Outcome<channel::Sealed> {
    Ok(channel::seal(
        params.number("suite")?,
        &params.array("fleetId")?,
        &params.bytes("publicKey")?,
        &params.bytes("plaintext")?,
        params.inner("inject").array("hpke_ephemeral_seed")?.into(),
    )?)
}

fn pins(params: Params, threshold: &str) -> Outcome<Pins> {
    let signers = params.items("signers")?.map(|signer| Params(&json!({ "key": signer })).array("key"));
    Ok(Pins {
        fleet_id: params.optional("fleetId", Params::array)?,
        signers: signers.collect::<Outcome<_>>()?,
        threshold: params.number(threshold)?,
    })
}

fn verify_fleet(params: Params) -> Outcome<Value> {
    let last = Last { serial: params.number("lastSerial")?, ..Last::default() };
    let pins = pins(params, "k")?;
    let verified = fleet::verify(&params.bytes("descriptor")?, &pins, params.number("now")?, Some(last))?;
    Ok(json!({
        "serial": verified.serial,
        "fleetId": to_hex(&verified.fleet_id),
        "channelKey": to_hex(&verified.channel_key().public_key),
    }))
}

fn run_client(params: Params) -> Outcome<Value> {
    let password = params.text("password")?.as_bytes();
    let backup_key = keys::key(&params.bytes("backupKey")?)?;
    let mut client = Client::connect(
        params.text("url")?,
        &pins(params.inner("pins"), "threshold")?,
        params.text("account")?.as_bytes(),
        Path::new(params.text("state")?),
        Stretch { algorithm: 1, ..stretch(params.inner("stretchFloor"))? },
        Duration::from_millis(params.number("timeout")?),
    )?;
    let proof = params.optional("proof", Params::text)?.unwrap_or("key");
    let credential = match proof {
        "key" => Credential::Key(&backup_key),
        "password" => Credential::Password(password),
        _ => Credential::Nothing,
    };
    let works: &dyn Fn() -> Result<()> = &|| Ok(());
    let fails: &dyn Fn() -> Result<()> = &|| Err(error("io"));
    let prepare =
        params.optional("prepare", Params::text)?.map(|how| if how == "works" { works } else { fails });
    let mut result = json!({});
    match params.text("command")? {
        "recover" => result["backupKey"] = json!(to_hex(&*client.recover(password)?)),
        "register" => {
            let registered = match credential {
                Credential::Nothing => None,
                Credential::Key(key) => Some(key.clone()),
                Credential::Password(password) => Some(client.recover(password)?),
            };
            client.register(&backup_key, password, 0, registered.as_ref(), prepare)?;
        }
        "resume" => {
            let registered = (proof == "key").then_some(&backup_key);
            client.resume(password, registered, prepare)?;
        }
        "status" => {
            client.status()?;
        }
        "delete" => {
            client.delete(&credential)?;
        }
        "cancel" => client.cancel(&credential)?,
        "change-password" => {
            let key = (proof == "key").then_some(&backup_key);
            client.change_password(password, params.text("newPassword")?.as_bytes(), key, None)?;
        }
        "get-head" => result["head"] = json!(client.get_head(&backup_key)?.map(|head| to_hex(&head))),
        "put-head" => {
            let previous = params.optional("previous", Params::array)?;
            client.put_head(&backup_key, &params.array("head")?, previous.as_ref())?;
        }
        _ => return Err(Failure::Unsupported),
    }
    let newest = client.newest().ok_or(Failure::Fault("nothing was asked".into()))?;
    let waits = match newest.scheduled_change {
        Change::None => "none",
        Change::Replacement => "replacement",
        Change::Deletion => "deletion",
    };
    result["scheduled"] = json!(waits);
    result["remaining"] = json!(newest.remaining);
    if newest.report.failed > 0 {
        // Standard error is what an owner looks at here.
        let (report, left) = (newest.report, newest.effective_at.saturating_sub(newest.vault_time));
        eprintln!("{report:?}; {waits} takes effect in {left} s; wait {} s", newest.retry_after);
        client.report_shown(report.serial)?;
    }
    Ok(result)
}
