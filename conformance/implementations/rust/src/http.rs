//! Exchanges over HTTP, as a client makes them (spec/http.md, spec/client.md).

use std::net::IpAddr;
use std::time::Duration;

use ureq::http::Uri;
use ureq::{Agent, Error as HttpError};

use crate::error::{Result, ensure, error};

const MAX_ANSWER: u64 = 4096;
const MAX_DESCRIPTOR: u64 = 81_920;
const OCTETS: &str = "application/octet-stream";
/// Times that a request is sent before it counts as unanswered.
const TRIES: u32 = 3;

/// The way to one vault, or to the relay before it.
pub struct Transport {
    agent: Agent,
    base: String,
}

impl Transport {
    /// `insecure-url` unless the address is `https` or on this machine, without login, query and fragment.
    pub fn new(url: &str, timeout: Duration) -> Result<Self> {
        let uri: Uri = url.parse().map_err(|_| error("insecure-url"))?;
        let host = uri.host().ok_or(error("insecure-url"))?.trim_matches(['[', ']']);
        let loopback =
            host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => loopback,
            _ => false,
        };
        let plain = !url.contains(['?', '#', '@']);
        ensure(secure && plain, "insecure-url")?;
        let config = Agent::config_builder()
            .timeout_global(Some(timeout))
            .max_redirects(0)
            .max_idle_connections(0)
            .proxy(None)
            .user_agent("")
            .build();
        Ok(Self { agent: config.into(), base: url.trim_end_matches('/').to_owned() })
    }

    /// The descriptor that the vault shows; `unavailable`.
    pub fn descriptor(&self) -> Result<Vec<u8>> {
        let url = format!("{}/v1/fleet", self.base);
        repeated(|| {
            let mut answer = self.agent.get(&url).call()?;
            ensure_ok(answer.status().as_u16())?;
            answer.body_mut().with_config().limit(MAX_DESCRIPTOR).read_to_vec()
        })
    }

    /// The answer to one exchange, whose bytes are the same each time that they are sent; `unavailable`.
    pub fn exchange(&self, exchange: &[u8]) -> Result<Vec<u8>> {
        let url = format!("{}/v1/exchange", self.base);
        repeated(|| {
            let mut answer = self.agent.post(&url).content_type(OCTETS).send(exchange)?;
            ensure_ok(answer.status().as_u16())?;
            answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec()
        })
    }
}

/// A redirect is answered as it is, and no status but 200 is an answer.
fn ensure_ok(status: u16) -> std::result::Result<(), HttpError> {
    if status == 200 { Ok(()) } else { Err(HttpError::StatusCode(status)) }
}

fn repeated(attempt: impl Fn() -> std::result::Result<Vec<u8>, HttpError>) -> Result<Vec<u8>> {
    for tries in 1.. {
        match attempt() {
            Ok(bytes) => return Ok(bytes),
            // Somebody has answered, and would again.
            Err(HttpError::StatusCode(status)) if !matches!(status, 429 | 503) => break,
            Err(HttpError::BodyExceedsLimit(_)) => break,
            Err(_) if tries == TRIES => break,
            Err(_) => std::thread::sleep(Duration::from_millis(50) * tries),
        }
    }
    Err(error("unavailable"))
}
