"""The client of OPAQUE-3DH (RFC 9807) with ristretto255, and the sealed key (opaque.md)."""

import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from . import group, keys
from .errors import Refused
from .wire import Struct, constant, fixed, opaque, uint8, uint16, uint32, uint64

SUITE = 1
HASH = 64
STRETCH = Struct(algorithm=uint8, iterations=uint32, memory_kib=uint32, parallelism=uint16)
FLOOR = STRETCH(algorithm=1, iterations=3, memory_kib=65536, parallelism=1)
CEILING = STRETCH(algorithm=1, iterations=10, memory_kib=1048576, parallelism=16)
OPAQUE_CONTEXT = Struct(
    version=constant(uint8, 1),
    suite=uint8,
    oprf_key_id=fixed(8),
    opaque_key_id=fixed(8),
    stretch=STRETCH,
)
SEALED_KEY_BINDING = Struct(fleet_id=fixed(16), account=opaque(1, 64), generation=uint64)
RESPONSE = Struct(evaluated=fixed(32), server_public_key=fixed(32))
KE2 = Struct(
    evaluated=fixed(32),
    masking_nonce=fixed(32),
    masked_response=fixed(128),
    server_nonce=fixed(32),
    server_keyshare=fixed(32),
    server_mac=fixed(64),
)


def expand(prk: bytes, info: bytes, length: int = HASH) -> bytes:
    return HKDFExpand(hashes.SHA512(), length, info).derive(prk)


def mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha512")


def sha512(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()


def framed(data: bytes) -> bytes:
    return len(data).to_bytes(2) + data


def diffie_hellman_key(seed: bytes) -> bytes:
    return group.derive_key(seed, b"OPAQUE-DeriveDiffieHellmanKeyPair")


# Stretching


def check_stretch(stretch: SimpleNamespace, floor: SimpleNamespace = FLOOR) -> None:
    for name in STRETCH.fields:
        if not getattr(floor, name) <= getattr(stretch, name) <= getattr(CEILING, name):
            raise Refused("stretch-out-of-bounds")


def stretched(data: bytes, stretch: SimpleNamespace) -> bytes:
    return Argon2id(
        salt=bytes(16),
        length=HASH,
        iterations=stretch.iterations,
        lanes=stretch.parallelism,
        memory_cost=stretch.memory_kib,
    ).derive(data)


def context(oprf_key_id: bytes, opaque_key_id: bytes, stretch: SimpleNamespace) -> bytes:
    return keys.label("opaque-context") + OPAQUE_CONTEXT.encode(
        version=1,
        suite=SUITE,
        oprf_key_id=oprf_key_id,
        opaque_key_id=opaque_key_id,
        stretch=stretch,
    )


# Envelope


@dataclass(frozen=True)
class Envelope:
    """What a randomized password and an envelope nonce yield."""

    auth_tag: bytes
    export_key: bytes
    client_private_key: bytes
    client_public_key: bytes


def envelope(randomized: bytes, nonce: bytes, server_public_key: bytes) -> Envelope:
    secret = diffie_hellman_key(expand(randomized, nonce + b"PrivateKey", 32))
    public = group.public_key(secret)
    bound = nonce + server_public_key + framed(server_public_key) + framed(public)
    tag = mac(expand(randomized, nonce + b"AuthKey"), bound)
    return Envelope(tag, expand(randomized, nonce + b"ExportKey"), secret, public)


class Password:
    """A prepared password and its blinded element: the start of a registration or a login."""

    def __init__(self, password: bytes, blind: bytes | None = None):
        self.password = password
        self.blind = group.scalar(blind) if blind else group.random_scalar()
        self.request = group.blind(password, self.blind)

    def randomized(self, evaluated: bytes, stretch: SimpleNamespace) -> bytes:
        output = group.finalize(self.password, self.blind, evaluated)
        return mac(b"", output + stretched(output, stretch))


def decode(codec: Struct, data: bytes, *elements: str) -> SimpleNamespace:
    """A message, its elements checked before anything of it is used."""
    message = codec.decode(data)
    for name in elements:
        group.element(getattr(message, name))
    return message


# Registration


def finish_registration(
    begun: Password,
    response: bytes,
    server_public_key: bytes,
    stretch: SimpleNamespace,
    draw: Callable[[int], bytes] = os.urandom,
) -> tuple[bytes, bytes]:
    """Record and export key."""
    message = decode(RESPONSE, response, "evaluated", "server_public_key")
    if message.evaluated == begun.request:
        raise Refused("malformed")
    if message.server_public_key != server_public_key:
        raise Refused("server-authentication-failed")
    randomized = begun.randomized(message.evaluated, stretch)
    nonce = draw(32)
    made = envelope(randomized, nonce, server_public_key)
    masking_key = expand(randomized, b"MaskingKey")
    return made.client_public_key + masking_key + nonce + made.auth_tag, made.export_key


# Login


@dataclass(frozen=True)
class Proved:
    ke3: bytes
    session_key: bytes
    export_key: bytes


class Login:
    """One login: KE1 to send, and what follows from KE2."""

    def __init__(
        self,
        password: bytes,
        draw: Callable[[int], bytes] = os.urandom,
        blind: bytes | None = None,
    ):
        self.begun = Password(password, blind)
        nonce, seed = draw(32), draw(32)
        self.secret = diffie_hellman_key(seed)
        self.ke1 = self.begun.request + nonce + group.public_key(self.secret)

    def finish(
        self,
        ke2: bytes,
        oprf_key_id: bytes,
        opaque_key_id: bytes,
        stretch: SimpleNamespace,
        server_public_key: bytes | None,
    ) -> Proved:
        """KE3 and the keys. The parameters were checked before; the key is that of the fleet."""
        message = decode(KE2, ke2, "evaluated", "server_keyshare")
        if message.evaluated == self.begun.request:
            raise Refused("malformed")
        randomized = self.begun.randomized(message.evaluated, stretch)
        masking_key = expand(randomized, b"MaskingKey")
        pad = expand(masking_key, message.masking_nonce + b"CredentialResponsePad", 128)
        clear = bytes(a ^ b for a, b in zip(pad, message.masked_response, strict=True))
        server, nonce, tag = clear[:32], clear[32:64], clear[64:]
        made = envelope(randomized, nonce, server)
        if not hmac.compare_digest(made.auth_tag, tag):
            raise Refused("wrong-password")
        group.element(server)
        if server_public_key is not None and server != server_public_key:
            raise Refused("server-authentication-failed")
        bound = context(oprf_key_id, opaque_key_id, stretch)
        preamble = (
            b"OPAQUEv1-"
            + framed(bound)
            + framed(made.client_public_key)
            + self.ke1
            + framed(server)
            + ke2[: 32 + 32 + 128 + 32 + 32]
        )
        shared = (
            group.multiply(self.secret, message.server_keyshare)
            + group.multiply(self.secret, server)
            + group.multiply(made.client_private_key, message.server_keyshare)
        )
        prk = mac(b"", shared)
        handshake = expand_label(prk, b"HandshakeSecret", sha512(preamble))
        session_key = expand_label(prk, b"SessionKey", sha512(preamble))
        server_mac = mac(expand_label(handshake, b"ServerMAC"), sha512(preamble))
        if not hmac.compare_digest(server_mac, message.server_mac):
            raise Refused("server-authentication-failed")
        key = expand_label(handshake, b"ClientMAC")
        return Proved(mac(key, sha512(preamble + server_mac)), session_key, made.export_key)


def expand_label(secret: bytes, name: bytes, transcript: bytes = b"") -> bytes:
    name = b"OPAQUE-" + name
    info = HASH.to_bytes(2) + bytes([len(name)]) + name + bytes([len(transcript)]) + transcript
    return expand(secret, info)


# Sealed key


def sealing(export_key: bytes) -> AESGCM:
    return AESGCM(expand(export_key, keys.label("sealed-key"), 32))


def seal_key(
    export_key: bytes, fleet_id: bytes, account: bytes, generation: int, backup_key: bytes
) -> bytes:
    bound = SEALED_KEY_BINDING.encode(fleet_id=fleet_id, account=account, generation=generation)
    return sealing(export_key).encrypt(bytes(12), keys.check(backup_key), bound)


def open_key(
    export_key: bytes, fleet_id: bytes, account: bytes, generation: int, sealed_key: bytes
) -> bytes:
    bound = SEALED_KEY_BINDING.encode(fleet_id=fleet_id, account=account, generation=generation)
    if len(sealed_key) != 48:
        raise Refused("bad-sealed-key")
    try:
        return sealing(export_key).decrypt(bytes(12), sealed_key, bound)
    except InvalidTag:
        raise Refused("bad-sealed-key") from None
