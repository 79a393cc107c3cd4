"""Structures in the notation of conventions.md: each codec reads one encoding and writes it back.

A codec refuses to write what it refuses to read, with `malformed`.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from .errors import Refused

MAX_NUMBER = 2**53 - 1


def malformed() -> Refused:
    return Refused("malformed")


class Cursor:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, length: int) -> bytes:
        if self.at + length > len(self.data):
            raise malformed()
        self.at += length
        return self.data[self.at - length : self.at]

    @property
    def done(self) -> bool:
        return self.at == len(self.data)


class Codec:
    def __init__(self, read: Callable[[Cursor], Any], write: Callable[[Any], bytes]):
        self.read, self.write = read, write

    def decode(self, data: bytes) -> Any:
        """The value that fills `data`, to its last byte."""
        cursor = Cursor(data)
        value = self.read(cursor)
        if not cursor.done:
            raise malformed()
        return value


def need(holds: bool) -> None:
    if not holds:
        raise malformed()


def number(size: int, low: int = 0, high: int | None = None, signed: bool = False) -> Codec:
    top = (1 << 8 * size) - 1 if high is None else high

    def check(value: int) -> int:
        need(low <= value <= top)
        return value

    return Codec(
        lambda c: check(int.from_bytes(c.take(size), signed=signed)),
        lambda v: check(v).to_bytes(size, signed=signed),
    )


uint8, uint16, uint24, uint32 = (number(size) for size in (1, 2, 3, 4))
uint64 = number(8, 0, MAX_NUMBER)
int64 = number(8, -MAX_NUMBER, MAX_NUMBER, signed=True)


def fixed(length: int) -> Codec:
    def write(value: bytes) -> bytes:
        need(len(value) == length)
        return value

    return Codec(lambda c: c.take(length), write)


def constant(codec: Codec, expected: Any) -> Codec:
    def check(value: Any) -> Any:
        need(value == expected)
        return value

    return Codec(lambda c: check(codec.read(c)), lambda v: codec.write(check(v)))


def one_of(*values: int) -> Codec:
    """An enumeration of one byte."""

    def check(value: int) -> int:
        need(value in values)
        return value

    return Codec(lambda c: check(c.take(1)[0]), lambda v: bytes([check(v)]))


def opaque(low: int, high: int) -> Codec:
    size = 1 if high < 2**8 else 2 if high < 2**16 else 3 if high < 2**24 else 4

    def check(data: bytes) -> bytes:
        need(low <= len(data) <= high)
        return data

    def read(c: Cursor) -> bytes:
        length = int.from_bytes(c.take(size))
        need(low <= length <= high)
        return c.take(length)

    return Codec(read, lambda v: len(check(v)).to_bytes(size) + v)


def utf8(low: int, high: int) -> Codec:
    data = opaque(low, high)

    def read(c: Cursor) -> str:
        try:
            return data.read(c).decode()
        except UnicodeDecodeError:
            raise malformed() from None

    return Codec(read, lambda v: data.write(v.encode()))


def vector(item: Codec, low: int, high: int) -> Codec:
    data = opaque(low, high)

    def read(c: Cursor) -> list:
        inner, items = Cursor(data.read(c)), []
        while not inner.done:
            items.append(item.read(inner))
        return items

    return Codec(read, lambda v: data.write(b"".join(map(item.write, v))))


def optional(item: Codec) -> Codec:
    def read(c: Cursor) -> Any:
        return item.read(c) if one_of(0, 1).read(c) else None

    return Codec(read, lambda v: b"\0" if v is None else b"\1" + item.write(v))


def padded(item: Codec, length: int) -> Codec:
    def read(c: Cursor) -> Any:
        inner = Cursor(c.take(length))
        value = item.read(inner)
        need(not any(inner.data[inner.at :]))
        return value

    def write(value: Any) -> bytes:
        data = item.write(value)
        need(len(data) <= length)
        return data.ljust(length, b"\0")

    return Codec(read, write)


def rest() -> Codec:
    """Bytes to the end of the structure."""
    return Codec(lambda c: c.take(len(c.data) - c.at), lambda v: v)


class Struct(Codec):
    """Fields in order. Calling it makes a value of it."""

    def __init__(self, **fields: Codec):
        self.fields = fields
        super().__init__(self._read, self._write)

    def __call__(self, **values: Any) -> SimpleNamespace:
        return SimpleNamespace(**values)

    def _read(self, c: Cursor) -> SimpleNamespace:
        return SimpleNamespace(**{name: field.read(c) for name, field in self.fields.items()})

    def _write(self, value: SimpleNamespace) -> bytes:
        return b"".join(f.write(getattr(value, name)) for name, f in self.fields.items())

    def encode(self, **values: Any) -> bytes:
        return self._write(SimpleNamespace(**values))


def select(cases: dict[int, Struct]) -> Codec:
    """A tag of one byte, which the value has as `kind`, and the fields of its case."""

    def read(c: Cursor) -> SimpleNamespace:
        kind = one_of(*cases).read(c)
        return SimpleNamespace(kind=kind, **vars(cases[kind].read(c)))

    return Codec(read, lambda v: one_of(*cases).write(v.kind) + cases[v.kind].write(v))
