"""Checkpoints, and marks: checkpoints that name nothing (backup.md, retention.md)."""

from dataclasses import dataclass
from types import SimpleNamespace

from .container import RECORDS
from .errors import Refused
from .manifest import CHUNK_LOG2, ENTRY, ENTRY_TYPE, FILE, OBJECT_TYPE, ManifestReader
from .reader import Reader
from .records import RecordReader, decode
from .sets import stored_header
from .storage import FolderStorage
from .wire import Struct, fixed, uint32

CHECKPOINT_HEAD_TYPE = 0x8030
CHECKPOINT_HEAD = Struct(media_key=fixed(32), key_epoch=uint32)


@dataclass
class Checkpoint:
    name: str
    set_id: bytes
    head: SimpleNamespace
    objects: list[SimpleNamespace]
    entries: list[SimpleNamespace]

    @property
    def is_mark(self) -> bool:
        return not self.objects and not self.entries


class CheckpointReader(ManifestReader):
    """Takes the records of a checkpoint by the rules that a manifest has for them."""

    def take(self, type: int, body: bytes) -> None:
        need(self.records.begin.schema == 3)
        if type == CHECKPOINT_HEAD_TYPE:
            need(self.head is None)
            self.head = decode(CHECKPOINT_HEAD, body)
            need(self.head.key_epoch > 0)
        elif type == OBJECT_TYPE:
            self.take_object(body)
        else:
            entry = decode(ENTRY, body)
            need(self.head is not None and entry.kind == FILE)
            self.check_parts(entry)
            self.entries.append(entry)

    def __post_init__(self) -> None:
        known = (CHECKPOINT_HEAD_TYPE, OBJECT_TYPE, ENTRY_TYPE)
        self.records = RecordReader(1 << CHUNK_LOG2, known, self.take)


def need(holds: bool) -> None:
    if not holds:
        raise Refused("bad-record")


def read_checkpoint(storage: FolderStorage, name: str, object_key: bytes) -> Checkpoint | None:
    """A checkpoint or mark; None if the object is none. `io` and `permission` are failures."""
    try:
        with storage.open(name) as stored:
            start = stored.start()
            header = stored_header(start, name)
            if (header.type, header.chunk_log2) != (RECORDS, CHUNK_LOG2):
                return None
            found = CheckpointReader()
            reader = Reader(object_key, found.records.push)
            reader.push(start)
            for piece in stored.pieces(len(start)):
                reader.push(piece)
            reader.end()
        found.records.end()
        need(found.records.begin.schema == 3 and found.head is not None)
    except Refused as refused:
        if refused.code in ("io", "permission"):
            raise
        return None
    return Checkpoint(name, found.set_id, found.head, found.objects, found.entries)
