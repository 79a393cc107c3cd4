"""The descriptor of a fleet: its structure, and how a client comes to believe it (fleet.md)."""

from dataclasses import dataclass
from types import SimpleNamespace

from . import ed25519, group, keys
from .channel import SUITES, key_id
from .errors import Refused
from .opaque import STRETCH
from .opaque import SUITE as OPAQUE_SUITE
from .wire import (
    Struct,
    constant,
    fixed,
    one_of,
    opaque,
    uint8,
    uint32,
    uint64,
    utf8,
    vector,
)

SOFTWARE, CURRENT, NO_ASSERTIONS, ED25519_ASSERTIONS = 1, 1, 0, 1
FLEET_KEY = Struct(
    id=fixed(8), state=one_of(1, 2), location=one_of(1, 2, 3), public_key=opaque(1, 2048)
)
OPAQUE_KEY = Struct(
    id=fixed(8),
    oprf_key_id=fixed(8),
    not_after_new=uint64,
    location=one_of(1, 2, 3),
    oprf_location=one_of(1, 2, 3),
    public_key=opaque(1, 255),
)
POLICY = Struct(
    default_budget=uint8,
    max_budget=uint8,
    refill=one_of(0, 1),
    delays=vector(uint32, 0, 400),
    last_chance_seconds=uint32,
    grace_seconds=uint32,
    ceiling=uint32,
    assertion_mode=one_of(0, 1),
    relay_keys=vector(fixed(32), 0, 512),
    stretch=STRETCH,
)
DESCRIPTOR = Struct(
    version=constant(uint8, 1),
    fleet_id=fixed(16),
    serial=uint64,
    not_before=uint64,
    not_after=uint64,
    channel_suite=uint8,
    opaque_suite=uint8,
    level=one_of(1, 2, 3),
    kem_keys=vector(FLEET_KEY, 1, 2**16 - 1),
    receipt_keys=vector(FLEET_KEY, 1, 2**16 - 1),
    opaque_keys=vector(OPAQUE_KEY, 1, 2**16 - 1),
    policy=POLICY,
    operator=utf8(0, 255),
    trust_domain=utf8(0, 255),
)
SIGNATURE = Struct(signer_id=fixed(8), signature=fixed(64))
SIGNED_DESCRIPTOR = Struct(
    magic=constant(fixed(8), b"SRMFLEET"),
    descriptor=opaque(1, 2**16 - 1),
    signatures=vector(SIGNATURE, 72, 4608),
)


@dataclass(frozen=True)
class Memory:
    """What is remembered of the newest descriptor of a fleet."""

    serial: int = 0
    hash: bytes | None = None
    level: int = 0


@dataclass(frozen=True)
class Pins:
    threshold: int
    signers: list[bytes]
    fleet_id: bytes | None = None

    def by_id(self) -> dict[bytes, bytes]:
        ids = {key_id(signer): signer for signer in self.signers}
        if len(ids) < len(self.signers) or not 1 <= self.threshold <= len(ids):
            raise Refused("invalid-config")
        return ids


def verify(
    data: bytes, pins: Pins, now: int, memory: Memory = Memory()
) -> tuple[SimpleNamespace, Memory]:
    """The descriptor, and what to remember of it."""
    signers = pins.by_id()
    signed = bad_if_refused(SIGNED_DESCRIPTOR, data)
    ids = [signature.signer_id for signature in signed.signatures]
    need(all(a < b for a, b in zip(ids, ids[1:], strict=False)))
    message = keys.label("fleet-descriptor") + signed.descriptor
    valid = sum(
        1
        for one in signed.signatures
        if one.signer_id in signers
        and ed25519.verifies(signers[one.signer_id], one.signature, message)
    )
    if valid < pins.threshold:
        raise Refused("descriptor-not-trusted")
    if signed.descriptor[0] != 1:
        raise Refused("unsupported-version")
    fleet = bad_if_refused(DESCRIPTOR, signed.descriptor)
    if fleet.channel_suite not in SUITES or fleet.opaque_suite != OPAQUE_SUITE:
        raise Refused("unsupported-suite")
    check_limits(fleet)
    if pins.fleet_id is not None and pins.fleet_id != fleet.fleet_id:
        raise Refused("wrong-fleet")
    made = Memory(fleet.serial, keys.sha256(signed.descriptor), fleet.level)
    twin = made.serial == memory.serial and memory.hash not in (None, made.hash)
    if made.serial < memory.serial or twin or made.level < memory.level:
        raise Refused("descriptor-rollback")
    if now < fleet.not_before:
        raise Refused("descriptor-not-yet-valid")
    if now > fleet.not_after:
        raise Refused("descriptor-expired")
    return fleet, made


def bad_if_refused(codec: Struct, data: bytes) -> SimpleNamespace:
    try:
        return codec.decode(data)
    except Refused:
        raise Refused("bad-descriptor") from None


def need(holds: bool) -> None:
    if not holds:
        raise Refused("bad-descriptor")


def check_limits(fleet: SimpleNamespace) -> None:
    suite, policy = SUITES[fleet.channel_suite], fleet.policy
    need(fleet.serial >= 1 and fleet.not_before <= fleet.not_after)
    for listed in (fleet.kem_keys, fleet.receipt_keys, fleet.opaque_keys):
        need(len({key.id for key in listed}) == len(listed))
        need(all(key.id == key_id(key.public_key) for key in listed))
    for listed in (fleet.kem_keys, fleet.receipt_keys):
        need(any(key.state == CURRENT for key in listed))
    need(all(accepts(suite.check, key.public_key) for key in fleet.kem_keys))
    need(all(suite.is_receipt_key(key.public_key) for key in fleet.receipt_keys))
    need(all(accepts(group.element, key.public_key) for key in fleet.opaque_keys))
    need(1 <= policy.default_budget <= policy.max_budget <= 100)
    need(policy.ceiling >= policy.max_budget)
    need(policy.assertion_mode != NO_ASSERTIONS or fleet.level == SOFTWARE)
    need((policy.assertion_mode == ED25519_ASSERTIONS) == bool(policy.relay_keys))
    need(all(map(ed25519.is_public_key, policy.relay_keys)))


def accepts(check, data: bytes) -> bool:
    try:
        check(data)
    except Refused:
        return False
    return True


def channel_key(fleet: SimpleNamespace) -> bytes:
    return next(key.public_key for key in fleet.kem_keys if key.state == CURRENT)
