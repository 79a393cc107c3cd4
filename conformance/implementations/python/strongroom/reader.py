"""Reading a sealed object as a stream (container.md, "Reading")."""

from collections.abc import Callable

from .container import (
    MAX_PLAINTEXT,
    TAG,
    TRAILER,
    ZEROS,
    Engine,
    Header,
    Release,
    Trailer,
    check_key,
    engine_of,
    read_header,
    read_trailer,
)
from .errors import Refused


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
