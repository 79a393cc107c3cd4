"""Parts of an object by random access: the pre-flight, and reading a range (container.md)."""

from typing import Protocol

from . import container
from .container import TAG, TRAILER, Engine, Header, Release, Trailer
from .errors import Refused
from .wire import MAX_NUMBER


class Source(Protocol):
    """Gives any part of an object, shorter only if the object ends, and says its length."""

    length: int

    def read(self, start: int, end: int) -> bytes: ...


class RangeReader:
    """Reads ranges of the content of one object. What a manifest tells of it need not be read."""

    def __init__(
        self,
        object_key: bytes,
        source: Source,
        context: bytes = b"",
        object_length: int | None = None,
        content_length: int | None = None,
        header: Header | None = None,
    ):
        container.check_key(object_key, context)
        self.key, self.context, self.source = object_key, context, source
        self.length, self.content_length = object_length, content_length
        self.header = header
        self.engine: Engine | None = None
        self.trailer: Trailer | None = None

    def probe(self) -> Trailer:
        """The pre-flight. The length of the object is in `length` afterwards."""
        self._open_header()
        if self.trailer is None:
            self.trailer = self._preflight()
        return self.trailer

    def read(self, offset: int, length: int, release: Release) -> None:
        self._open_header()
        if not 0 <= offset <= offset + length <= MAX_NUMBER or length < 0:
            raise Refused("bad-range")
        if self.length is None or self.content_length is None:
            self.content_length = self.probe().content_length
        if offset + length > self.content_length:
            raise Refused("bad-range")
        if length == 0:
            return
        first, last, start, end = plan(
            len(self.header), self.header.chunk_log2, self.length, offset, length
        )
        data, size = self.source.read(start, end), self.header.chunk_size
        for i in range(first, last + 1):
            begin = len(self.header) + i * (size + TAG)
            sealed = data[begin - start : begin - start + size + TAG]
            if begin >= self.length or len(sealed) < min(size + TAG, self.length - begin):
                raise Refused("truncated")
            if begin + size + TAG > self.length:
                plaintext = self._final(i, sealed)[0]
            else:
                plaintext = self.engine.open(i, sealed)
            at = i * size
            release(plaintext[max(offset - at, 0) : min(offset + length - at, size)])

    def _open_header(self) -> None:
        if self.engine is None:
            most = container.MAX_HEADER
            if self.length is not None:
                most = min(most, self.length)
            data = self.header.encoded if self.header else self.source.read(0, most)
            self.header = container.whole_header(data)
            self.engine = container.engine_of(self.header, self.key, self.context)

    def _preflight(self) -> Trailer:
        there = self.source.length
        if self.length is not None and there > self.length:
            raise Refused("trailing-data")
        if self.length is not None and there < self.length:
            raise Refused("truncated")
        self.length = there
        size = self.header.chunk_size
        n, final = divmod(there - len(self.header), size + TAG)
        if n < 0 or final < TAG + TRAILER:
            raise Refused("truncated")
        if n * size > container.MAX_PLAINTEXT:
            raise Refused("limit-exceeded")
        sealed = self.source.read(there - final, there)
        if len(sealed) < final:
            raise Refused("truncated")
        return self._final(n, sealed)[1]

    def _final(self, index: int, sealed: bytes) -> tuple[bytes, Trailer]:
        final = self.engine.open(index, sealed)
        before = index * self.header.chunk_size
        trailer = container.read_trailer(final, before + len(final), self.header.chunk_log2)
        if any(final[max(trailer.content_length - before, 0) : -TRAILER]):
            raise Refused("bad-padding")
        if self.content_length not in (None, trailer.content_length):
            raise Refused("object-mismatch")
        return final, trailer


def plan(header: int, chunk_log2: int, object_length: int, offset: int, length: int) -> tuple:
    """First and last chunk of a range, and start and end of the part that holds them."""
    first, last = offset >> chunk_log2, (offset + length - 1) >> chunk_log2
    sealed = (1 << chunk_log2) + TAG
    end = min(header + (last + 1) * sealed, object_length)
    return first, last, header + first * sealed, end
