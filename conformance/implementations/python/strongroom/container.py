"""Sealed objects: lengths, header, key schedule, chunks and trailer (container.md)."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from . import keys
from .errors import Refused

MAGIC = bytes.fromhex("8953424f0d0a1a0a")
CHUNK_LOG2S = (14, 16, 18, 20)
MANIFEST, RECORDS, BLOB = TYPES = (1, 2, 3)
TAG = 16
TRAILER = 16
MAX_HEADER = 88 + 4096
MAX_CONTENT = 2**40
MAX_PLAINTEXT = 2**40 + 2**34 + 16
Release = Callable[[bytes], object]
ZEROS = bytes(2**16)


# Lengths


def padme(length: int) -> int:
    e = length.bit_length() - 1
    step = 1 << (e - e.bit_length())
    return -(-length // step) * step


def plaintext_length(chunk_log2: int, pad_scheme: int, content: int) -> int:
    length = content + TRAILER
    if pad_scheme == 1:
        length = padme(length)
    rest = length % (1 << chunk_log2)
    return length if rest >= TRAILER else length - rest + TRAILER


def object_length(chunk_log2: int, pad_scheme: int, content: int, extensions: int = 0) -> int:
    """Length of the whole object; `limit-exceeded` beyond 2^40 bytes of content."""
    if content > MAX_CONTENT:
        raise Refused("limit-exceeded")
    length = plaintext_length(chunk_log2, pad_scheme, content)
    return 88 + extensions + length + TAG * (length // (1 << chunk_log2) + 1)


# Header


@dataclass(frozen=True)
class Header:
    prefix: bytes
    commitment: bytes

    @property
    def type(self) -> int:
        return self.prefix[11]

    @property
    def chunk_log2(self) -> int:
        return self.prefix[10]

    @property
    def chunk_size(self) -> int:
        return 1 << self.chunk_log2

    @property
    def encoded(self) -> bytes:
        bound = self.prefix + self.commitment
        return bound + keys.sha256(bound)[:8]

    def __len__(self) -> int:
        return len(self.prefix) + 40


FIELDS: list[tuple[int, Callable[[bytes], bool], str]] = [
    (9, lambda h: h[8] == 1, "unsupported-version"),
    (10, lambda h: h[9] == 1, "unsupported-suite"),
    (11, lambda h: h[10] in CHUNK_LOG2S, "unsupported-chunk-size"),
    (12, lambda h: h[11] in TYPES, "unsupported-type"),
    (15, lambda h: h[14] == 0, "reserved-not-zero"),
    (16, lambda h: h[15] == 0, "reserved-not-zero"),
    (16, lambda h: int.from_bytes(h[12:14]) <= 4096, "bad-extension"),
]


def read_header(data: bytes) -> Header | None:
    """Steps 1 to 11 of Reading on the first bytes of an object; None if more are needed."""
    if data[:8] != MAGIC[: len(data)]:
        raise Refused("not-an-object")
    for needed, holds, code in FIELDS:
        if len(data) < needed:
            return None
        if not holds(data):
            raise Refused(code)
    end = 48 + int.from_bytes(data[12:14])
    if len(data) < end + 40:
        return None
    header = Header(bytes(data[:end]), bytes(data[end : end + 32]))
    if header.encoded[-8:] != data[end + 32 : end + 40]:
        raise Refused("header-damaged")
    types = extension_types(header.prefix[48:])
    if any(after <= before for before, after in zip(types, types[1:])):
        raise Refused("bad-extension")
    if any(t & 0x8000 for t in types):
        raise Refused("unknown-critical-extension")
    return header


def whole_header(data: bytes) -> Header:
    header = read_header(data)
    if header is None:
        raise Refused("truncated")
    return header


def extension_types(area: bytes) -> list[int]:
    types, at = [], 0
    while at < len(area):
        if len(area) < at + 4:
            raise Refused("bad-extension")
        types.append(int.from_bytes(area[at : at + 2]))
        at += 4 + int.from_bytes(area[at + 2 : at + 4])
    if at != len(area):
        raise Refused("bad-extension")
    return types


# Chunks


class Engine:
    """The bare chunk engine: seals and opens chunks under a key and a base nonce."""

    def __init__(self, key: bytes, base_nonce: bytes, chunk_size: int):
        self.cipher = AESGCM(key)
        self.base_nonce = int.from_bytes(base_nonce)
        self.chunk_size = chunk_size

    def _nonce(self, index: int) -> bytes:
        if not 0 <= index < 2**32:
            raise Refused("limit-exceeded")
        return (self.base_nonce ^ index).to_bytes(12)

    def seal(self, index: int, plaintext: bytes) -> bytes:
        if len(plaintext) > self.chunk_size:
            raise Refused("limit-exceeded")
        return self.cipher.encrypt(self._nonce(index), plaintext, None)

    def open(self, index: int, sealed: bytes) -> bytes:
        nonce = self._nonce(index)
        if not TAG <= len(sealed) <= self.chunk_size + TAG:
            raise Refused("chunk-damaged")
        try:
            return self.cipher.decrypt(nonce, sealed, None)
        except InvalidTag:
            raise Refused("chunk-damaged") from None


def schedule(object_key: bytes, prefix: bytes, context: bytes) -> tuple[bytes, Engine]:
    """Commitment of a prefix under a key, and the engine for its chunks."""
    info = keys.label("stream") + prefix + len(context).to_bytes(2) + context + b"\0"
    okm = keys.expand(object_key, info, 76)
    return okm[:32], Engine(okm[32:64], okm[64:], 1 << prefix[10])


def check_key(object_key: bytes, context: bytes) -> None:
    keys.check(object_key)
    if len(context) > 65535:
        raise Refused("limit-exceeded")


def engine_of(header: Header, object_key: bytes, context: bytes = b"") -> Engine:
    """Step 12 of Reading."""
    commitment, engine = schedule(object_key, header.prefix, context)
    if not hmac.compare_digest(commitment, header.commitment):
        raise Refused("wrong-key")
    return engine


@dataclass(frozen=True)
class Trailer:
    content_length: int
    pad_scheme: int


def read_trailer(final: bytes, length: int, chunk_log2: int) -> Trailer:
    """Steps 19 and 20, with the plaintext of the final chunk and len(P)."""
    if len(final) < TRAILER:
        raise Refused("bad-trailer")
    content_length, pad_scheme = int.from_bytes(final[-16:-8]), final[-8]
    if pad_scheme > 1 or any(final[-7:]) or content_length > min(MAX_CONTENT, length - TRAILER):
        raise Refused("bad-trailer")
    if plaintext_length(chunk_log2, pad_scheme, content_length) != length:
        raise Refused("bad-padding")
    return Trailer(content_length, pad_scheme)
