"""The channel to a fleet: HPKE (RFC 9180) in two suites, and its answers (channel.md)."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from . import ed25519, keys
from .errors import Refused
from .wire import Struct, constant, fixed, opaque, uint8

PLAINTEXT = 2048
SEALED_ANSWER = 2096
CURVE = ec.SECP256R1()
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
INFO = Struct(version=constant(uint8, 1), suite=uint8, fleet_id=fixed(16), kem_key_id=fixed(8))
SEALED_REQUEST = Struct(
    version=constant(uint8, 1),
    suite=uint8,
    kem_key_id=fixed(8),
    enc=opaque(1, 2**16 - 1),
    ciphertext=opaque(2064, 2064),
)


def key_id(public_key: bytes) -> bytes:
    return keys.sha256(public_key)[:8]


def labeled_extract(salt: bytes, suite: bytes, name: bytes, data: bytes) -> bytes:
    return keys.mac(salt, b"HPKE-v1" + suite + name + data)


def labeled_expand(prk: bytes, suite: bytes, name: bytes, info: bytes, length: int) -> bytes:
    return keys.expand(prk, length.to_bytes(2) + b"HPKE-v1" + suite + name + info, length)


class X25519:
    """DHKEM(X25519, HKDF-SHA256), with receipts of Ed25519."""

    id = 0x0020

    def check(self, public_key: bytes) -> None:
        if len(public_key) != 32:
            raise Refused("malformed")

    def derive(self, prk: bytes, suite: bytes) -> tuple[X25519PrivateKey, bytes]:
        secret = X25519PrivateKey.from_private_bytes(labeled_expand(prk, suite, b"sk", b"", 32))
        return secret, secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def shared(self, secret: X25519PrivateKey, public_key: bytes) -> bytes:
        try:
            return secret.exchange(X25519PublicKey.from_public_bytes(public_key))
        except ValueError:
            raise Refused("malformed") from None

    def is_receipt_key(self, public_key: bytes) -> bool:
        return ed25519.is_public_key(public_key)

    def verifies(self, public_key: bytes, signature: bytes, message: bytes) -> bool:
        return ed25519.verifies(public_key, signature, message)


class P256:
    """DHKEM(P-256, HKDF-SHA256), with receipts of ECDSA."""

    id = 0x0010

    def check(self, public_key: bytes) -> None:
        self._point(public_key)

    def derive(self, prk: bytes, suite: bytes) -> tuple[ec.EllipticCurvePrivateKey, bytes]:
        for counter in range(256):
            candidate = labeled_expand(prk, suite, b"candidate", bytes([counter]), 32)
            if 0 < int.from_bytes(candidate) < ORDER:
                secret = ec.derive_private_key(int.from_bytes(candidate), CURVE)
                point = secret.public_key()
                return secret, point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        raise Refused("malformed")

    def shared(self, secret: ec.EllipticCurvePrivateKey, public_key: bytes) -> bytes:
        return secret.exchange(ec.ECDH(), self._point(public_key))

    def is_receipt_key(self, public_key: bytes) -> bool:
        try:
            self._point(public_key)
        except Refused:
            return False
        return True

    def verifies(self, public_key: bytes, signature: bytes, message: bytes) -> bool:
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        if not (0 < r < ORDER and 0 < s < ORDER):
            return False
        try:
            encoded = encode_dss_signature(r, s)
            self._point(public_key).verify(encoded, message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    def _point(self, data: bytes) -> ec.EllipticCurvePublicKey:
        if len(data) != 65 or data[0] != 4:
            raise Refused("malformed")
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, data)
        except ValueError:
            raise Refused("malformed") from None


SUITES = {1: X25519(), 2: P256()}


@dataclass(frozen=True)
class SealedRequest:
    """A request as it is sent, and what opens every answer to it."""

    data: bytes
    enc: bytes
    secret: bytes

    @property
    def hash(self) -> bytes:
        return keys.sha256(self.data)

    def open_answer(self, answer: bytes) -> bytes:
        if len(answer) != SEALED_ANSWER:
            raise Refused("bad-answer")
        prk = keys.mac(self.enc + answer[:32], self.secret)
        key, nonce = keys.expand(prk, b"key", 32), keys.expand(prk, b"nonce", 12)
        try:
            return AESGCM(key).decrypt(nonce, answer[32:], self.hash)
        except InvalidTag:
            raise Refused("bad-answer") from None


def seal_request(
    suite: int,
    fleet_id: bytes,
    public_key: bytes,
    plaintext: bytes,
    draw: Callable[[int], bytes] = os.urandom,
) -> SealedRequest:
    if suite not in SUITES:
        raise Refused("unsupported-suite")
    kem = SUITES[suite]
    if len(plaintext) != PLAINTEXT:
        raise Refused("malformed")
    kem.check(public_key)
    kem_key_id = key_id(public_key)
    fields = {"version": 1, "suite": suite, "fleet_id": fleet_id, "kem_key_id": kem_key_id}
    info = keys.label("channel-request") + INFO.encode(**fields)
    kem_suite = b"KEM" + kem.id.to_bytes(2)
    prk = labeled_extract(b"", kem_suite, b"dkp_prk", draw(32))
    ephemeral, enc = kem.derive(prk, kem_suite)
    eae = labeled_extract(b"", kem_suite, b"eae_prk", kem.shared(ephemeral, public_key))
    shared = labeled_expand(eae, kem_suite, b"shared_secret", enc + public_key, 32)
    hpke = b"HPKE" + kem.id.to_bytes(2) + b"\0\1\0\2"
    id_hash = labeled_extract(b"", hpke, b"psk_id_hash", b"")
    schedule = b"\0" + id_hash + labeled_extract(b"", hpke, b"info_hash", info)
    secret = labeled_extract(shared, hpke, b"secret", b"")
    key = labeled_expand(secret, hpke, b"key", schedule, 32)
    nonce = labeled_expand(secret, hpke, b"base_nonce", schedule, 12)
    exporter = labeled_expand(secret, hpke, b"exp", schedule, 32)
    answers = labeled_expand(exporter, hpke, b"sec", keys.label("channel-answer"), 32)
    data = SEALED_REQUEST.encode(
        version=1,
        suite=suite,
        kem_key_id=kem_key_id,
        enc=enc,
        ciphertext=AESGCM(key).encrypt(nonce, plaintext, None),
    )
    return SealedRequest(data, enc, answers)
