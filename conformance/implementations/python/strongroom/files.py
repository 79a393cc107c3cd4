"""Reading the files of a set by its manifest (set.md)."""

from types import SimpleNamespace

from . import container
from .container import Header, Release
from .errors import Refused
from .manifest import FILE, MediaId
from .ranges import RangeReader
from .reader import Reader
from .records import decode, read_range
from .sets import Found
from .storage import FolderStorage, storage_name
from .wire import Struct, rest, utf8

PACKED_FILE_TYPE = 0x8020
PACKED_FILE = Struct(path=utf8(1, 4096), content=rest())


def read_file(
    storage: FolderStorage, found: Found, entry: SimpleNamespace, release: Release
) -> None:
    """Gives out the content of a file, which counts once this returns."""
    media_id = MediaId(found.manifest.head.media_key)

    def take(content: bytes) -> None:
        media_id.push(content)
        release(content)

    for part in entry.parts:
        read_part(storage, found, entry, part, take)
    if media_id.end() != entry.media_id:
        raise Refused("object-mismatch")


def read_part(
    storage: FolderStorage,
    found: Found,
    entry: SimpleNamespace,
    part: SimpleNamespace,
    release: Release,
) -> None:
    one = found.manifest.objects[part.object]
    expected = Header(one.prefix, one.commitment)
    object_key = found.key_of(one.key_epoch)
    with storage.open(storage_name(one.commitment)) as stored:
        start = stored.start()
        if container.whole_header(start) != expected:
            raise Refused("object-mismatch")
        if part.range is None:
            reader = Reader(object_key, release, object_length=one.length)
            reader.push(start)
            for piece in stored.pieces(len(start)):
                reader.push(piece)
            if reader.end().content_length != one.content_length:
                raise Refused("object-mismatch")
            return
        content = bytearray()
        reader = RangeReader(object_key, stored, b"", one.length, one.content_length, expected)
        reader.read(part.range.position, part.range.length, content.extend)
    position, length = part.range.position, part.range.length
    body = read_range(expected.chunk_size, PACKED_FILE_TYPE, position, length, bytes(content))
    packed = decode(PACKED_FILE, body)
    if len(packed.content) != entry.content_length:
        raise Refused("object-mismatch")
    release(packed.content)


def verify(storage: FolderStorage, found: Found) -> dict[str, str]:
    """Reads every file. The codes of the entries that fail, by their paths."""
    failed = {}
    for entry in found.manifest.entries:
        if entry.kind == FILE:
            try:
                read_file(storage, found, entry, lambda content: None)
            except Refused as refused:
                failed[entry.path] = refused.code
    return failed
