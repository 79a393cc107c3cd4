"""Strongroom adapter: reads one request a line from stdin, writes one answer a line to stdout."""

import json
import sys

HELLO = {
    "protocol": 1,
    "implementation": {"name": "my-reader", "version": "0.1.0", "language": "Python"},
    "testing": False,
    "roles": ["container-reader"],
    "suites": [1],
    "features": ["container"],
}
MAGIC = bytes.fromhex("8953424f0d0a1a0a")


def reject(code):
    return {"outcome": "reject", "error": code}


def container_open(params):
    sealed = bytes.fromhex(params["object"])
    if not MAGIC.startswith(sealed[:8]):
        return reject("not-an-object")
    # Your reader goes on here. It appends content to the file params["sink"] as it releases it, and ends with
    # "ok" and "result": {"type": "blob", "contentLength": 5}, or reject(code). Until then, the honest answer:
    return {"outcome": "unsupported", "feature": "container.open"}


OPERATIONS = {
    "hello": lambda params: {"outcome": "ok", "result": HELLO},
    "container.open": container_open,
}
for line in sys.stdin:
    request = json.loads(line)
    operation = OPERATIONS.get(request["op"])
    answer = operation(request["params"]) if operation else {"outcome": "unsupported", "feature": request["op"]}
    print(json.dumps({"id": request["id"], **answer}), flush=True)
