"""Records framed inside the content of a sealed object (records.md)."""

import zlib
from collections.abc import Callable, Iterable

from .errors import Refused
from .wire import Codec, Struct, fixed, uint16, uint32, uint64

BEGIN_TYPE, END_TYPE, GROUP_TYPE = 0x8001, 0x8002, 0x8003
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
MAX_RECORD = 2**20
BEGIN = Struct(set_id=fixed(16), volume=uint32, volumes=uint32, schema=uint16)
END = Struct(records=uint64, bytes=uint64)
END_LENGTH = 16


def bad() -> Refused:
    return Refused("bad-record")


def decode(codec: Codec, body: bytes):
    try:
        return codec.decode(body)
    except Refused:
        raise bad() from None


class Fragments:
    """Steps 1 to 8: content in pieces to whole records, each handed to `record` with its position.

    After a record for which `record` returns True no byte may follow.
    """

    def __init__(self, chunk_size: int, record: Callable[[bytes, int], bool], position: int = 0):
        self.chunk_size, self.record, self.position = chunk_size, record, position
        self.buffer = bytearray()
        self.open: bytearray | None = None
        self.start = 0
        self.zeros = self.last = False

    def push(self, data: bytes) -> None:
        self.buffer += data
        at = 0
        while (used := self._step(at)) is not None:
            at += used
            self.position += used
        del self.buffer[:at]

    def _step(self, at: int) -> int | None:
        """Takes zeros or a fragment at a place of the buffer; None if more bytes are needed."""
        there = len(self.buffer) - at
        left = self.chunk_size - self.position % self.chunk_size
        if left == self.chunk_size:
            self.zeros = False
        if there == 0:
            return None
        if self.last:
            raise bad()
        kind = self.buffer[at]
        if left <= 4 or self.zeros or kind == 0:
            self.zeros = True
            taken = self.buffer[at : at + left]
            if any(taken):
                raise bad()
            return len(taken)
        if kind > LAST:
            raise bad()
        if there < 4:
            return None
        length = int.from_bytes(self.buffer[at + 1 : at + 4])
        if not 0 < length <= left - 4 or (self.open is None) != (kind in (FULL, FIRST)):
            raise bad()
        if len(self.open or b"") + length > MAX_RECORD:
            raise bad()
        if there < 4 + length:
            return None
        if self.open is None:
            self.open, self.start = bytearray(), self.position
        self.open += self.buffer[at + 4 : at + 4 + length]
        if kind in (FULL, LAST):
            record, self.open = bytes(self.open), None
            self.last = self.record(check(record), self.start)
        return 4 + length


def check(record: bytes) -> bytes:
    """Step 8."""
    if len(record) < 3 or record[:2] in (b"\0\0", b"\x80\0"):
        raise bad()
    return record


class RecordReader:
    """Reads records of the types that the caller knows; `take` gets type and body of each."""

    def __init__(self, chunk_size: int, known: Iterable[int], take: Callable[[int, bytes], None]):
        self.known, self.take = set(known), take
        self.fragments = Fragments(chunk_size, self._record)
        self.begin = None
        self.ended = False
        self.records = self.bytes = 0

    def push(self, data: bytes) -> None:
        self.fragments.push(data)

    def end(self) -> None:
        if not self.ended:
            raise bad()

    def _record(self, record: bytes, position: int) -> bool:
        type, codec, body = int.from_bytes(record[:2]), record[2], record[3:]
        if (self.begin is None) != (type == BEGIN_TYPE):
            raise bad()
        if type == GROUP_TYPE:
            self._group(codec, body)
        elif type in (BEGIN_TYPE, END_TYPE) and codec:
            raise Refused("unsupported-codec")
        elif type == BEGIN_TYPE:
            self.begin = decode(BEGIN, body)
            if not 1 <= self.begin.volume <= self.begin.volumes:
                raise bad()
        elif type == END_TYPE:
            end = decode(END, body)
            if (end.records, end.bytes) != (self.records, self.bytes):
                raise bad()
            self.ended = True
        else:
            self._one(record)
        return self.ended

    def _one(self, record: bytes) -> None:
        """Steps 11, 12 and 15."""
        type = int.from_bytes(record[:2])
        if type not in self.known and type & 0x8000:
            raise Refused("unknown-critical-record")
        if type in self.known and record[2]:
            raise Refused("unsupported-codec")
        self.records += 1
        self.bytes += len(record)
        if type in self.known:
            self.take(type, record[3:])

    def _group(self, codec: int, body: bytes) -> None:
        raw, at = expand_group(codec, body), 0
        while at < len(raw):
            end = at + 3 + int.from_bytes(raw[at : at + 3])
            if end > len(raw) or at + 3 > len(raw):
                raise bad()
            record = check(raw[at + 3 : end])
            if int.from_bytes(record[:2]) in (BEGIN_TYPE, END_TYPE, GROUP_TYPE):
                raise bad()
            self._one(record)
            at = end


def expand_group(codec: int, body: bytes) -> bytes:
    if codec > 1:
        raise Refused("unsupported-codec")
    length, raw = int.from_bytes(body[:4]), body[4:]
    if len(body) < 4 or not 0 < length <= MAX_RECORD:
        raise bad()
    if codec == 1:
        stream = zlib.decompressobj(-15)
        try:
            raw = stream.decompress(raw, length + 1)
        except zlib.error:
            raise bad() from None
        if not stream.eof or stream.unused_data:
            raise bad()
    if len(raw) != length:
        raise bad()
    return raw


def read_range(chunk_size: int, type: int, position: int, length: int, content: bytes) -> bytes:
    """The body of the one record of a range, which `content` holds from `position` on."""
    found: list[bytes] = []

    def one(record: bytes, start: int) -> bool:
        if start != position or int.from_bytes(record[:2]) != type:
            raise bad()
        found.append(record)
        return True

    fragments = Fragments(chunk_size, one, position)
    fragments.push(content)
    if not found or len(content) != length:
        raise bad()
    if found[0][2]:
        raise Refused("unsupported-codec")
    return found[0][3:]


class RecordWriter:
    """Frames records; `release` gets the content."""

    def __init__(
        self, chunk_size: int, set_id: bytes, schema: int, release: Callable[[bytes], object]
    ):
        self.chunk_size, self.release = chunk_size, release
        self.position = self.records = self.bytes = 0
        begin = BEGIN.encode(set_id=set_id, volume=1, volumes=1, schema=schema)
        self._frame(BEGIN_TYPE, begin)

    def add(self, type: int, body: bytes) -> tuple[int, int]:
        """Position and length of the range of the record."""
        if len(body) + 3 > MAX_RECORD:
            raise Refused("limit-exceeded")
        self.records += 1
        self.bytes += len(body) + 3
        start = self._start(self.position)
        self._frame(type, body)
        return start, self.position - start

    def end_after(self, length: int) -> int:
        """Where the content would end if a record with a body of this length came before END."""
        position = self.position
        for record in (length + 3, END_LENGTH + 3):
            while record:
                position = self._start(position)
                taken = min(record, self.chunk_size - position % self.chunk_size - 4)
                position, record = position + 4 + taken, record - taken
        return position

    def end(self) -> None:
        self._frame(END_TYPE, END.encode(records=self.records, bytes=self.bytes))

    def _start(self, position: int) -> int:
        """Where the next fragment begins: not where at most 4 bytes are left of a chunk."""
        left = self.chunk_size - position % self.chunk_size
        return position + left if left <= 4 else position

    def _frame(self, type: int, body: bytes) -> None:
        record, at = type.to_bytes(2) + b"\0" + body, 0
        while at < len(record):
            left = self.chunk_size - self.position % self.chunk_size
            if left <= 4:
                self._put(bytes(left))
                continue
            end = min(len(record), at + left - 4)
            kind = FULL if end - at == len(record) else FIRST if at == 0 else LAST
            kind = MIDDLE if at and end < len(record) else kind
            self._put(bytes([kind]) + (end - at).to_bytes(3) + record[at:end])
            at = end

    def _put(self, data: bytes) -> None:
        self.position += len(data)
        self.release(data)
