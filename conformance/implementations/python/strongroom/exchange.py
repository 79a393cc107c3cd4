"""Requests and answers of a vault (exchange.md)."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from . import keys
from .freshness import SIGNED_SET_HEAD
from .opaque import STRETCH
from .wire import (
    Struct,
    constant,
    fixed,
    one_of,
    opaque,
    padded,
    select,
    uint8,
    uint32,
    uint64,
)

REGISTER_START, REGISTER_FINISH, REGISTER_CONFIRM, RECOVER_START, RECOVER_FINISH = range(1, 6)
STATUS, DELETE, CANCEL, CHANGE_START, CHANGE_FINISH, GET_HEAD, PUT_HEAD = range(6, 13)
OUTCOMES = [
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
]
PHASES = ["none", "active", "last-chance", "destroyed", "deleted"]
SCHEDULED_CHANGES = ["none", "replacement", "deletion"]
NO_PROOF, KE3_PROOF, OWNER_PROOF = range(3)

EXCHANGE = Struct(
    version=constant(uint8, 1),
    mode=one_of(0, 1),
    assertion=fixed(192),
    sealed_request=opaque(1, 3072),
)
STATEMENT_OF_OWNER = Struct(
    fleet_id=fixed(16), account=opaque(1, 64), command=uint8, body=opaque(0, 1280)
)
PROOF = select(
    {
        NO_PROOF: Struct(),
        KE3_PROOF: Struct(ke1=opaque(1, 128), attempt_id=fixed(32), ke3=opaque(1, 128)),
        OWNER_PROOF: Struct(signature=fixed(64)),
    }
)
REQUEST = padded(Struct(version=uint8, **STATEMENT_OF_OWNER.fields, proof=PROOF), 2048)
REPORT = Struct(serial=uint64, failed=uint32, first=uint64, last=uint64)
STATEMENT = Struct(
    version=constant(uint8, 1),
    fleet_id=fixed(16),
    account=opaque(0, 64),
    request_hash=fixed(32),
    vault_time=uint64,
    state_version=uint64,
    outcome=one_of(*range(len(OUTCOMES))),
    phase=one_of(*range(len(PHASES))),
    generation=uint64,
    budget=uint8,
    remaining=uint8,
    retry_after=uint64,
    effective_at=uint64,
    scheduled_change=one_of(*range(len(SCHEDULED_CHANGES))),
    report=REPORT,
    body=opaque(0, 1024),
)
ANSWER = padded(Struct(statement=STATEMENT, receipt_key_id=fixed(8), signature=fixed(64)), 2048)

EMPTY = Struct()
REGISTER_START_BODY = Struct(registration_request=opaque(1, 66))
REGISTER_STARTED = Struct(
    registration_id=fixed(32),
    generation=uint64,
    oprf_key_id=fixed(8),
    opaque_key_id=fixed(8),
    registration_response=opaque(1, 132),
)
REGISTER_FINISH_BODY = Struct(
    registration_id=fixed(32),
    record=opaque(1, 256),
    stretch=STRETCH,
    sealed_key=fixed(48),
    confirm_hash=fixed(32),
    owner_key=fixed(32),
    budget=uint8,
)
REGISTER_CONFIRM_BODY = Struct(registration_id=fixed(32), secret=fixed(32), record_hash=fixed(32))
REGISTERED = Struct(record_hash=fixed(32))
RECOVER_START_BODY = Struct(ke1=opaque(1, 128))
RECOVER_STARTED = Struct(
    attempt_id=fixed(32),
    oprf_key_id=fixed(8),
    opaque_key_id=fixed(8),
    stretch=STRETCH,
    ke2=opaque(1, 512),
)
RECOVER_FINISH_BODY = Struct(
    ke1=opaque(1, 128), attempt_id=fixed(32), ke3=opaque(1, 128), acknowledged=uint64
)
RECOVERED = Struct(sealed_key=fixed(48))
DELETE_BODY = Struct(state_version=uint64)
CANCEL_BODY = Struct(effective_at=uint64)
CHANGE_START_BODY = Struct(ke1=opaque(1, 128), registration_request=opaque(1, 66))
CHANGE_STARTED = Struct(attempt=RECOVER_STARTED, registration=REGISTER_STARTED)
CHANGE_FINISH_BODY = Struct(
    **RECOVER_FINISH_BODY.fields,
    registration_id=fixed(32),
    record=opaque(1, 256),
    stretch=STRETCH,
    sealed_key=fixed(48),
    owner_key=fixed(32),
    budget=uint8,
)
PUT_HEAD_BODY = Struct(previous_hash=fixed(32), head=SIGNED_SET_HEAD)
KEPT_HEAD = Struct(head=SIGNED_SET_HEAD)
STATUS_BODY = Struct(
    record_hash=fixed(32),
    pending_registration_id=fixed(32),
    pending_record_hash=fixed(32),
    scheduled_record_hash=fixed(32),
    open_attempts=uint8,
    erased_by=uint64,
)

ANSWER_BODIES = {
    REGISTER_START: REGISTER_STARTED,
    REGISTER_FINISH: REGISTERED,
    REGISTER_CONFIRM: REGISTERED,
    RECOVER_START: RECOVER_STARTED,
    RECOVER_FINISH: RECOVERED,
    STATUS: STATUS_BODY,
    DELETE: EMPTY,
    CANCEL: EMPTY,
    CHANGE_START: CHANGE_STARTED,
    CHANGE_FINISH: REGISTERED,
    GET_HEAD: KEPT_HEAD,
    PUT_HEAD: KEPT_HEAD,
}


def sign_as_owner(
    owner: Ed25519PrivateKey, fleet_id: bytes, account: bytes, command: int, body: bytes
) -> bytes:
    statement = STATEMENT_OF_OWNER.encode(
        fleet_id=fleet_id, account=account, command=command, body=body
    )
    return owner.sign(keys.label("owner-statement") + statement)
