"""Backup key, recovery key, labels and derived keys (keys.md)."""

import hashlib
import hmac

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .errors import Refused

DIGITS = "0123456789abcdefABCDEF"
SEPARATORS = " -"


def label(name: str) -> bytes:
    return b"strongroom/v1/" + name.encode("ascii") + b"\0"


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def mac(key: bytes, data: bytes, digest: str = "sha256") -> bytes:
    return hmac.digest(key, data, digest)


def expand(prk: bytes, info: bytes, length: int) -> bytes:
    return HKDFExpand(hashes.SHA256(), length, info).derive(prk)


def check(key: bytes) -> bytes:
    if not isinstance(key, bytes) or len(key) != 32:
        raise Refused("invalid-key")
    return key


def derive(backup_key: bytes, name: str, length: int = 32) -> bytes:
    return expand(check(backup_key), label(name), length)


def object_key(backup_key: bytes) -> bytes:
    return derive(backup_key, "object")


def owner_key(backup_key: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(derive(backup_key, "owner-key"))


def owner_public_key(backup_key: bytes) -> bytes:
    return owner_key(backup_key).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def format_recovery_key(key: bytes) -> str:
    digits = check(key).hex()
    return " ".join(digits[i : i + 4] for i in range(0, 64, 4))


def parse_recovery_key(text: str) -> bytes:
    """The 32 bytes of a typed recovery key, or `invalid-recovery-key` with a position from 1."""
    digits = ""
    for position, character in enumerate(text, 1):
        if character in SEPARATORS:
            continue
        if character not in DIGITS or len(digits) == 64:
            raise Refused("invalid-recovery-key", position)
        digits += character
    if len(digits) < 64:
        raise Refused("invalid-recovery-key", len(text) + 1)
    return bytes.fromhex(digits)
