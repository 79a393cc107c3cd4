//! Strongroom adapter: reads one request a line from stdin, writes one answer a line to stdout.

const HELLO: &str = r#""outcome": "ok", "result": {"protocol": 1, "testing": false, "suites": [1],
 "implementation": {"name": "my-reader", "version": "0.1.0", "language": "Rust"},
 "roles": ["container-reader"], "features": ["container"]}"#;
const MAGIC: &str = "8953424f0d0a1a0a";

/// The first text member `name`, or nothing. Enough for text without quotes in it, such as
/// hexadecimal; serde_json is the right tool once you ask for more.
fn text<'a>(json: &'a str, name: &str) -> &'a str {
    let parts: Vec<&str> = json.split('"').collect();
    let mut members = parts.windows(3);
    let found = members.find(|part| part[0] == name && part[1].trim() == ":");
    found.map_or("", |part| part[2])
}

fn open(request: &str) -> String {
    let object = text(request, "object");
    if !MAGIC.starts_with(&object[..object.len().min(16)]) {
        return r#""outcome": "reject", "error": "not-an-object""#.into();
    }
    // Your reader goes on here. It appends content to the file `sink` as it releases it, and ends with
    // "ok" and "result": {"type": "blob", "contentLength": 5}, or "reject". Until then, the honest answer:
    unsupported("container.open")
}

fn unsupported(feature: &str) -> String {
    format!(r#""outcome": "unsupported", "feature": "{feature}""#)
}

fn main() {
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let answer = match text(&line, "op") {
            "hello" => HELLO.replace('\n', ""),
            "container.open" => open(&line),
            other => unsupported(other),
        };
        println!(r#"{{"id": "{}", {answer}}}"#, text(&line, "id"));
    }
}
