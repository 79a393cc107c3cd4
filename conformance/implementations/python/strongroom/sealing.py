"""Objects on their way into a storage: blobs, packs, and records of entries (backup.md)."""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

from .errors import Refused
from .manifest import CHUNK_LOG2, ENTRY, ENTRY_TYPE, MAX_ITEMS, NUMBERED_OBJECT, OBJECT_TYPE
from .records import RecordWriter
from .storage import FolderStorage, storage_name
from .writer import Writer


@dataclass
class Part:
    """A part of a content: a reference, which an open pack does not have yet, and a range."""

    object: SimpleNamespace
    range: SimpleNamespace | None = None


@dataclass
class Content:
    media_id: bytes
    length: int
    parts: list[Part]
    path: str
    stamp: bytes


def add_entries(add: Callable[[int, bytes], object], entries: list) -> list[SimpleNamespace]:
    """Writes entries with their contents, each object before the first that names it."""
    numbers: dict[bytes, int] = {}
    objects: list[SimpleNamespace] = []
    for entry, content in entries:
        if content is None:
            add(ENTRY_TYPE, ENTRY.write(entry))
            continue
        parts = []
        for part in content.parts:
            one = part.object
            if one.commitment not in numbers:
                if len(objects) == MAX_ITEMS:
                    raise Refused("limit-exceeded")
                numbers[one.commitment] = len(objects)
                objects.append(one)
                body = NUMBERED_OBJECT.encode(number=len(objects) - 1, object=one)
                add(OBJECT_TYPE, body)
            number = numbers[one.commitment]
            parts.append(SimpleNamespace(object=number, range=part.range))
        values = {**vars(entry), "media_id": content.media_id, "parts": parts}
        values["content_length"] = content.length
        add(ENTRY_TYPE, ENTRY.write(SimpleNamespace(**values)))
    return objects


class Pack:
    """The pack that is open. Its reference gets its fields when it is sealed."""

    def __init__(self, set_id: bytes):
        self.content = bytearray()
        self.records = RecordWriter(1 << CHUNK_LOG2, set_id, 2, self.content.extend)
        self.reference = SimpleNamespace()


class Sealing:
    """An object on its way into the storage."""

    def __init__(self, storage: FolderStorage, object_key: bytes, type: int, chunk_log2: int):
        self.upload = storage.put()
        self.length = 0
        self.writer = Writer(object_key, type, chunk_log2, 1, self.upload.write)
        self.upload.name = storage_name(self.writer.header.commitment)

    def push(self, data: bytes) -> None:
        self.length += len(data)
        self.writer.push(data)

    def end(self, key_epoch: int) -> SimpleNamespace:
        self.writer.end()
        self.upload.sync()
        return SimpleNamespace(
            commitment=self.writer.header.commitment,
            prefix=self.writer.header.prefix,
            length=self.upload.length,
            content_length=self.length,
            key_epoch=key_epoch,
        )
