//! The adapter: one request of the conformance runner a line, one answer a line (spec/conformance.md).

mod bytes;
mod channel;
mod client;
mod container;
mod error;
mod exchange;
mod fleet;
mod http;
mod keys;
mod memory;
mod opaque;
mod operations;
mod params;
mod password;
mod ranges;

use std::io::{BufRead, Write};

use params::{Failure, Params};
use serde_json::{Value, json};

fn hello() -> Value {
    json!({
        "protocol": 1,
        "implementation": {
            "name": env!("CARGO_PKG_NAME"),
            "version": env!("CARGO_PKG_VERSION"),
            "language": "Rust",
        },
        "testing": true,
        "roles": ["container-reader", "vault-client"],
        "suites": [1],
        "features": [
            "channel-client", "client", "container", "engine", "files", "fleet", "keys", "opaque-client", "owner",
            "ranges", "sweep",
        ],
    })
}

fn answer(request: &Value) -> Value {
    let (Some(id), Some(op)) = (request["id"].as_str(), request["op"].as_str()) else {
        return json!({ "id": "", "outcome": "error", "detail": "this line is no request" });
    };
    let outcome = match op {
        "hello" => Ok(hello()),
        _ => operations::run(op, Params(&request["params"])),
    };
    let mut answer = match outcome {
        Ok(result) => json!({ "outcome": "ok", "result": result }),
        Err(Failure::Refused(error)) => match error.position {
            Some(position) => json!({ "outcome": "reject", "error": error.code, "position": position }),
            None => json!({ "outcome": "reject", "error": error.code }),
        },
        Err(Failure::Unsupported) => json!({ "outcome": "unsupported", "feature": op }),
        Err(Failure::Fault(detail)) => json!({ "outcome": "error", "detail": detail }),
    };
    answer["id"] = json!(id);
    answer
}

fn main() -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?).unwrap_or_default();
        writeln!(output, "{}", answer(&request))?;
        output.flush()?;
    }
    Ok(())
}
