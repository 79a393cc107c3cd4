"""ristretto255 and its OPRF (RFC 9497, mode OPRF), on libsodium."""

import hashlib

import rbcl

from .errors import Refused

CONTEXT = b"OPRFV1-\0-ristretto255-SHA512"
IDENTITY = bytes(32)
P = 2**255 - 19


def element(data: bytes) -> bytes:
    """The canonical encoding of an element that is not the identity, else `malformed`.

    libsodium does not look at the highest bit, so this does (RFC 9496, section 4.3.1).
    """
    canonical = len(data) == 32 and int.from_bytes(data, "little") < P
    if not canonical or data == IDENTITY or not rbcl.crypto_core_ristretto255_is_valid_point(data):
        raise Refused("malformed")
    return data


def scalar(data: bytes) -> bytes:
    """The canonical encoding of a scalar that is not zero, else `malformed`."""
    reduced = rbcl.crypto_core_ristretto255_scalar_reduce(data.ljust(64, b"\0")[:64])
    if len(data) != 32 or data == bytes(32) or reduced != data:
        raise Refused("malformed")
    return data


def random_scalar() -> bytes:
    return rbcl.crypto_core_ristretto255_scalar_random()


def multiply(by: bytes, point: bytes) -> bytes:
    try:
        return element(rbcl.crypto_scalarmult_ristretto255(by, point))
    except (RuntimeError, ValueError):
        raise Refused("malformed") from None


def public_key(secret: bytes) -> bytes:
    return rbcl.crypto_scalarmult_ristretto255_base(secret)


def expand_message(message: bytes, tag: bytes, length: int = 64) -> bytes:
    """expand_message_xmd of RFC 9380 with SHA-512, for one block."""
    suffix = tag + bytes([len(tag)])
    first = hashlib.sha512(bytes(128) + message + length.to_bytes(2) + b"\0" + suffix).digest()
    return hashlib.sha512(first + b"\1" + suffix).digest()[:length]


def hash_to_group(data: bytes) -> bytes:
    uniform = expand_message(data, b"HashToGroup-" + CONTEXT)
    return rbcl.crypto_core_ristretto255_from_hash(uniform)


def derive_key(seed: bytes, info: bytes) -> bytes:
    """DeriveKeyPair, the secret part."""
    given = seed + len(info).to_bytes(2) + info
    for counter in range(256):
        uniform = expand_message(given + bytes([counter]), b"DeriveKeyPair" + CONTEXT)
        secret = rbcl.crypto_core_ristretto255_scalar_reduce(uniform)
        if secret != bytes(32):
            return secret
    raise Refused("malformed")


def blind(data: bytes, by: bytes) -> bytes:
    return multiply(by, hash_to_group(data))


def finalize(data: bytes, by: bytes, evaluated: bytes) -> bytes:
    inverse = rbcl.crypto_core_ristretto255_scalar_invert(by)
    unblinded = multiply(inverse, evaluated)
    framed = len(data).to_bytes(2) + data + len(unblinded).to_bytes(2) + unblinded
    return hashlib.sha512(framed + b"Finalize").digest()
