"""Manifests: their structures, their rules, and the identity of contents (manifest.md)."""

import hashlib
import hmac
from dataclasses import dataclass, field
from types import SimpleNamespace

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from . import container, keys
from .errors import Refused
from .records import RecordReader, decode
from .wire import (
    Struct,
    fixed,
    int64,
    opaque,
    optional,
    select,
    uint16,
    uint32,
    uint64,
    utf8,
    vector,
)

HEAD_TYPE, ENTRY_TYPE, KEY_TYPE, OBJECT_TYPE = 0x8010, 0x8011, 0x8012, 0x8014
FILE, DIRECTORY, SYMLINK = 1, 2, 3
CHUNK_LOG2 = 16
MAX_ITEMS = 2**20

ANCESTOR = Struct(generation=uint64, manifest_id=fixed(32), commitments=fixed(64))
HEAD = Struct(
    generation=uint64,
    created=uint64,
    key_epoch=uint32,
    media_key=fixed(32),
    commitments=fixed(64),
    ancestors=vector(ANCESTOR, 0, 26624),
)
WRAPPED_KEY = Struct(key_epoch=uint32, object_key=fixed(32))
OBJECT_REFERENCE = Struct(
    commitment=fixed(32),
    prefix=opaque(48, 4144),
    length=uint64,
    content_length=uint64,
    key_epoch=uint32,
)
NUMBERED_OBJECT = Struct(number=uint32, object=OBJECT_REFERENCE)
RECORD_RANGE = Struct(position=uint64, length=uint64)
PART = Struct(object=uint32, range=optional(RECORD_RANGE))
COMMON = {
    "path": utf8(1, 4096),
    "mode": uint16,
    "modified": Struct(seconds=int64, nanoseconds=uint32),
}
ENTRY = select(
    {
        FILE: Struct(
            **COMMON,
            content_length=uint64,
            media_id=fixed(32),
            stamp=opaque(0, 32),
            parts=vector(PART, 1, 1000000),
        ),
        DIRECTORY: Struct(**COMMON),
        SYMLINK: Struct(**COMMON, target=utf8(1, 4096)),
    }
)


def check_path(path: str) -> None:
    data = path.encode()
    segments = data.split(b"/")
    wrong = any(s in (b"", b".", b"..") or len(s) > 255 for s in segments)
    if wrong or b"\0" in data or len(data) > 4096:
        raise Refused("unsafe-path")


def check_target(path: str, target: str) -> None:
    segments = [s for s in target.split("/") if s not in ("", ".")]
    ups = next((i for i, s in enumerate(segments) if s != ".."), len(segments))
    if (
        not 1 <= len(target.encode()) <= 4096
        or target.startswith("/")
        or "\0" in target
        or ".." in segments[ups:]
        or ups > path.count("/")
    ):
        raise Refused("unsafe-path")


@dataclass
class Manifest:
    set_id: bytes
    id: bytes
    head: SimpleNamespace
    keys: dict[int, bytes]
    objects: list[SimpleNamespace]
    entries: list[SimpleNamespace]


@dataclass
class ManifestReader:
    """Takes the content of a manifest in pieces, and refuses what breaks its rules, in order."""

    head: SimpleNamespace | None = None
    keys: dict[int, bytes] = field(default_factory=dict)
    objects: list[SimpleNamespace] = field(default_factory=list)
    entries: list[SimpleNamespace] = field(default_factory=list)
    commitments: set[bytes] = field(default_factory=set)
    directories: set[bytes] = field(default_factory=lambda: {b""})
    last: bytes = b""

    def __post_init__(self) -> None:
        self.hash = hashlib.sha256()
        self.records = RecordReader(1 << CHUNK_LOG2, RULES, lambda t, body: RULES[t](self, body))

    @property
    def set_id(self) -> bytes:
        return self.records.begin.set_id

    def push(self, data: bytes) -> None:
        self.hash.update(data)
        self.records.push(data)

    def end(self) -> Manifest:
        self.records.end()
        head = self.need_head()
        id = self.hash.digest()
        return Manifest(self.set_id, id, head, self.keys, self.objects, self.entries)

    def need_head(self) -> SimpleNamespace:
        if self.head is None:
            raise Refused("bad-manifest")
        return self.head

    def take_head(self, body: bytes) -> None:
        head = decode(HEAD, body)
        begin = self.records.begin
        need(begin.schema == 1)
        if begin.volumes > 1:
            raise Refused("unsupported-set")
        need(self.head is None and head.generation > 0 and head.key_epoch > 0)
        generations = [head.generation, *(a.generation for a in head.ancestors)]
        need(all(a > b for a, b in zip(generations, [*generations[1:], 0])))
        # MAN-8. A record that ends in the first chunk was taken while its position was still there.
        need(self.records.fragments.position < 1 << CHUNK_LOG2)
        self.head = head

    def take_key(self, body: bytes) -> None:
        key = decode(WRAPPED_KEY, body)
        head = self.need_head()
        need(not self.objects and not self.entries)
        need(max(self.keys, default=0) < key.key_epoch < head.key_epoch)
        self.keys[key.key_epoch] = key.object_key

    def take_object(self, body: bytes) -> None:
        numbered = decode(NUMBERED_OBJECT, body)
        head, one = self.need_head(), numbered.object
        need(numbered.number == len(self.objects))
        need(len(one.prefix) == 48 + int.from_bytes(one.prefix[12:14]))
        need(one.prefix[11] in (container.BLOB, container.RECORDS))
        need(one.key_epoch == head.key_epoch or one.key_epoch in self.keys)
        need(one.commitment not in self.commitments)
        if len(self.objects) == MAX_ITEMS:
            raise Refused("limit-exceeded")
        self.commitments.add(one.commitment)
        self.objects.append(one)

    def take_entry(self, body: bytes) -> None:
        entry = decode(ENTRY, body)
        self.need_head()
        check_path(entry.path)
        path = entry.path.encode()
        need(path > self.last)
        need(path.rpartition(b"/")[0] in self.directories)
        need(entry.mode <= 0x1FF and entry.modified.nanoseconds < 10**9)
        if len(self.entries) == MAX_ITEMS:
            raise Refused("limit-exceeded")
        if entry.kind == SYMLINK:
            check_target(entry.path, entry.target)
        elif entry.kind == FILE:
            self.check_parts(entry)
        else:
            self.directories.add(path)
        self.last = path
        self.entries.append(entry)

    def check_parts(self, entry: SimpleNamespace) -> None:
        used, length = set(), 0
        for part in entry.parts:
            need(part.object < len(self.objects) and part.object not in used)
            used.add(part.object)
            one = self.objects[part.object]
            if part.range:
                need(len(entry.parts) == 1 and one.prefix[11] == container.RECORDS)
                need(part.range.length <= 2**21)
                need(part.range.position + part.range.length <= one.content_length)
                need(entry.content_length <= 2**20)
            length += one.content_length
        need(length == entry.content_length or entry.parts[0].range is not None)


def need(holds: bool) -> None:
    if not holds:
        raise Refused("bad-manifest")


RULES = {
    HEAD_TYPE: ManifestReader.take_head,
    KEY_TYPE: ManifestReader.take_key,
    OBJECT_TYPE: ManifestReader.take_object,
    ENTRY_TYPE: ManifestReader.take_entry,
}


class MediaId:
    """The media id of a content that comes in pieces."""

    BLOCK = 2**20

    def __init__(self, media_key: bytes):
        self.cipher = AESGCM(keys.expand(media_key, keys.label("media-tag"), 32))
        self.key = keys.expand(media_key, keys.label("media-id"), 32)
        self.buffer = bytearray()
        self.length = 0
        self.tags = bytearray()

    def push(self, data: bytes) -> None:
        self.buffer += data
        self.length += len(data)
        while len(self.buffer) >= self.BLOCK:
            self._block(bytes(self.buffer[: self.BLOCK]))
            del self.buffer[: self.BLOCK]

    def end(self) -> bytes:
        if self.buffer:
            self._block(bytes(self.buffer))
        return hmac.digest(self.key, self.length.to_bytes(8) + self.tags, "sha256")

    def _block(self, block: bytes) -> None:
        index = len(self.tags) // 16
        self.tags += self.cipher.encrypt(index.to_bytes(12), b"", block)
