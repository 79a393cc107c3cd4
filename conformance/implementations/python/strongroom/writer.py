"""Writing a sealed object as a stream (container.md, "Writing")."""

import os

from .container import (
    MAGIC,
    MAX_CONTENT,
    TRAILER,
    ZEROS,
    Header,
    Release,
    check_key,
    plaintext_length,
    schedule,
)
from .errors import Refused


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
