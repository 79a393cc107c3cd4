"""The adapter: requests of the runner, one JSON object a line, to operations of this package."""

import json
import sys
import traceback

from operations import FEATURES, OPERATIONS, ROLES
from strongroom.errors import Refused

HELLO = {
    "protocol": 1,
    "implementation": {"name": "strongroom-python", "version": "1.0.0", "language": "Python"},
    "testing": True,
    "roles": ROLES,
    "suites": [1],
    "features": FEATURES,
}


def answer(op: str, params: dict) -> dict:
    if op == "hello":
        return {"outcome": "ok", "result": HELLO}
    operation = OPERATIONS.get(op)
    if operation is None:
        return {"outcome": "unsupported", "feature": op}
    try:
        return {"outcome": "ok", "result": operation(params)}
    except Refused as refused:
        position = {} if refused.position is None else {"position": refused.position}
        return {"outcome": "reject", "error": refused.code, **position}
    except Exception:
        return {"outcome": "error", "detail": traceback.format_exc(limit=-4)}


def main() -> None:
    for line in sys.stdin.buffer:
        request = json.loads(line)
        reply = {"id": request["id"], **answer(request["op"], request.get("params", {}))}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
