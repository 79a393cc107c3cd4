"""Sealed objects: header, key schedule, chunks, reading and writing (container.md)."""

import hmac
import os
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
ZEROS = bytes(2**16)
Release = Callable[[bytes], object]


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


# Reading


class Reader:
    """Opens one object that comes in pieces. `release` gets content: provisional until `end`.

    Every call after an error throws it again; every call after `end` is refused with `closed`.
    """

    def __init__(
        self,
        object_key: bytes,
        release: Release,
        context: bytes = b"",
        object_length: int | None = None,
    ):
        check_key(object_key, context)
        self.key, self.context, self.length = object_key, context, object_length
        self.release = release
        self.header: Header | None = None
        self.engine: Engine | None = None
        self.buffer = bytearray()
        self.received = self.index = self.released = self.zeros = 0
        self.failed: Exception | None = None

    def push(self, piece: bytes) -> None:
        self._guarded(self._push, piece)

    def end(self) -> Trailer:
        trailer = self._guarded(self._end)
        self.failed = Refused("closed")
        return trailer

    def _guarded(self, step: Callable, *arguments: bytes):
        if self.failed:
            raise self.failed
        try:
            return step(*arguments)
        except Exception as error:
            self.failed = error
            raise

    def _push(self, piece: bytes) -> None:
        room = len(piece) if self.length is None else self.length - self.received
        self.received += len(piece)
        self.buffer += piece[: max(room, 0)]
        if self.header is None:
            self.header = read_header(self.buffer)
            if self.header:
                self.engine = engine_of(self.header, self.key, self.context)
                del self.buffer[: len(self.header)]
        if self.header and self.engine:
            size = self.header.chunk_size
            at = 0
            while len(self.buffer) - at >= size + TAG:
                if (self.index + 1) * size > MAX_PLAINTEXT:
                    raise Refused("limit-exceeded")
                chunk = self.engine.open(self.index, bytes(self.buffer[at : at + size + TAG]))
                self.index += 1
                at += size + TAG
                self._provisional(chunk)
            del self.buffer[:at]
        if self.length is not None and self.received > self.length:
            raise Refused("trailing-data")

    def _provisional(self, chunk: bytes) -> None:
        held = len(chunk) - len(chunk.rstrip(b"\0"))
        if held < len(chunk):
            self._release_zeros(self.zeros)
            self._release(chunk[: len(chunk) - held])
        self.zeros += held

    def _release(self, content: bytes) -> None:
        self.released += len(content)
        self.release(content)

    def _release_zeros(self, count: int) -> None:
        self.zeros -= count
        while count:
            piece = ZEROS[:count]
            self._release(piece)
            count -= len(piece)

    def _end(self) -> Trailer:
        header, engine = self.header, self.engine
        if not header or not engine or (self.length is not None and self.received < self.length):
            raise Refused("truncated")
        if len(self.buffer) < TAG + TRAILER:
            raise Refused("truncated")
        final = engine.open(self.index, bytes(self.buffer))
        before = self.index * header.chunk_size
        trailer = read_trailer(final, before + len(final), header.chunk_log2)
        inside = max(trailer.content_length - before, 0)
        if any(final[inside:-TRAILER]) or self.released > trailer.content_length:
            raise Refused("bad-padding")
        self._release_zeros(min(trailer.content_length, before) - self.released)
        if inside:
            self._release(final[:inside])
        return trailer


# Writing


class Writer:
    """Seals one object. `release` gets its bytes, in order."""

    draw = staticmethod(os.urandom)

    def __init__(
        self,
        object_key: bytes,
        type: int,
        chunk_log2: int,
        pad_scheme: int,
        release: Release,
        context: bytes = b"",
        extensions: list[tuple[int, bytes]] | None = None,
    ):
        check_key(object_key, context)
        area = encode_extensions(extensions or [])
        salt, grease = self.draw(32), self.draw(18)
        if grease[0] < 64:
            area = add_grease(extensions or [], area, grease)
        fixed = MAGIC + bytes([1, 1, chunk_log2, type]) + len(area).to_bytes(2) + b"\0\0"
        prefix = fixed + salt + area
        commitment, self.engine = schedule(object_key, prefix, context)
        self.header = Header(prefix, commitment)
        self.pad_scheme = pad_scheme
        self.release = release
        self.buffer = bytearray()
        self.content = self.index = 0
        self.failed: Refused | None = None
        release(self.header.encoded)

    def push(self, piece: bytes) -> None:
        self._check()
        if self.content + len(piece) > MAX_CONTENT:
            self.failed = Refused("limit-exceeded")
            raise self.failed
        self.content += len(piece)
        self._take(piece)

    def end(self) -> None:
        self._check()
        length = plaintext_length(self.header.chunk_log2, self.pad_scheme, self.content)
        padding = length - self.content - TRAILER
        while padding:
            zeros = ZEROS[:padding]
            self._take(zeros)
            padding -= len(zeros)
        self._take(self.content.to_bytes(8) + bytes([self.pad_scheme]) + bytes(7))
        self.release(self.engine.seal(self.index, bytes(self.buffer)))
        self.failed = Refused("closed")

    def abort(self) -> None:
        """Stops for good: no final chunk comes out any more."""
        self.failed = self.failed or Refused("cancelled")

    def _check(self) -> None:
        if self.failed:
            raise self.failed

    def _take(self, piece: bytes) -> None:
        self.buffer += piece
        size, at = self.header.chunk_size, 0
        while len(self.buffer) - at >= size:
            self.release(self.engine.seal(self.index, bytes(self.buffer[at : at + size])))
            self.index += 1
            at += size
        del self.buffer[:at]


def encode_extensions(extensions: list[tuple[int, bytes]]) -> bytes:
    types = [type for type, _ in extensions]
    if any(not 0x7F00 <= t <= 0x7FFF for t in types) or types != sorted(set(types)):
        raise Refused("bad-extension")
    return join(extensions)


def join(extensions: list[tuple[int, bytes]]) -> bytes:
    if any(len(value) > 4096 for _, value in extensions):
        raise Refused("bad-extension")
    area = b"".join(t.to_bytes(2) + len(v).to_bytes(2) + v for t, v in extensions)
    if len(area) > 4096:
        raise Refused("bad-extension")
    return area


def add_grease(extensions: list[tuple[int, bytes]], area: bytes, grease: bytes) -> bytes:
    added = (0x0A0A + grease[1] % 8 * 0x1010, grease[3 : 3 + grease[2] % 16])
    try:
        return join(sorted([*extensions, added]))
    except Refused:
        return area
