"""Writing a generation of a set (backup.md)."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import SimpleNamespace

from . import container, keys
from .checkpoints import CHECKPOINT_HEAD, CHECKPOINT_HEAD_TYPE, read_checkpoint
from .container import BLOB, MANIFEST, RECORDS
from .errors import Refused
from .files import PACKED_FILE, PACKED_FILE_TYPE
from .folder import Folder
from .manifest import (
    ANCESTOR,
    CHUNK_LOG2,
    FILE,
    HEAD,
    HEAD_TYPE,
    KEY_TYPE,
    MAX_ITEMS,
    WRAPPED_KEY,
    MediaId,
)
from .reader import Reader
from .records import RecordWriter
from .sealing import Content, Pack, Part, Sealing, add_entries
from .sets import OTHERS, check_newest, read_copies, scan
from .storage import FolderStorage, Upload, storage_name

SMALL = 2**16
PACK = 2**23
BLOB_CHUNK_LOG2 = 18
CHECKPOINT_BYTES = 2**28
CHECKPOINT_SECONDS = 60
MAX_ANCESTORS = 256


@dataclass
class Following:
    """What the new manifest begins with."""

    set_id: bytes
    media_key: bytes
    generation: int = 1
    key_epoch: int = 1
    ancestors: list[SimpleNamespace] = field(default_factory=list)
    keys: dict[int, bytes] = field(default_factory=dict)


class Backup:
    """One backup of a folder. `skipped` has the codes of what it left out."""

    def __init__(
        self,
        storage: FolderStorage,
        backup_key: bytes,
        folder: str,
        volume_length: int = container.MAX_CONTENT,
        reread: bool = False,
        check: bool = False,
    ):
        root, place = os.path.realpath(folder), os.path.realpath(storage.folder)
        if os.path.commonpath([root, place]) == root:
            raise Refused("unsafe-path")
        self.storage, self.key = storage, keys.object_key(backup_key)
        self.folder = Folder(folder)
        self.skipped = self.folder.skipped
        self.volume_length, self.reread, self.check = volume_length, reread, check
        self.by_media_id: dict[bytes, Content] = {}
        self.by_stamp: dict[tuple[str, bytes], Content] = {}
        self.lengths: dict[int, set[str]] = {}
        self.pack: Pack | None = None
        self.sealed: list[tuple[SimpleNamespace, Content]] = []
        self.sealed_bytes, self.checkpointed = 0, time.monotonic()
        self.own: set[str] = set()
        self.removable: list[str] = []
        self.own_checkpoints: list[str] = []

    def run(self) -> int:
        """Makes a generation and returns its number."""
        self.begin()
        try:
            entries = self.take_entries()
            self.seal_pack()
            uploads, expected = self.seal_manifest(entries)
            self.storage.flush()
            self.write_checkpoint()
            self.look(expected)
        except BaseException:
            self.storage.discard_uploads()
            for name in self.removable:
                with suppress(Refused):
                    self.storage.remove(name)
            raise
        for upload in uploads:
            upload.commit()
        self.storage.flush()
        for checkpoint in self.checkpoints:
            self.storage.remove(checkpoint.name)
        for name in self.own_checkpoints:
            self.storage.remove(name)
        self.storage.flush()
        return self.following.generation

    # Step 1

    def begin(self) -> None:
        self.seen = scan(self.storage, self.key)
        for code in self.seen.damaged.values():
            if code in ("io", "permission"):
                raise Refused(code)
        known = self.follow()
        same = (self.following.set_id, self.following.media_key, self.following.key_epoch)
        self.checkpoints = [
            one
            for one in self.found_checkpoints
            if (one.set_id, one.head.media_key, one.head.key_epoch) == same
        ]
        if not any(one.is_mark for one in self.checkpoints):
            for one in self.checkpoints:
                known += [(entry, one.objects) for entry in one.entries if entry.kind == FILE]
        whole = self.stored_objects(known)
        for entry, objects in known:
            parts = [Part(objects[part.object], part.range) for part in entry.parts]
            if all(part.object.commitment in whole for part in parts):
                content = Content(
                    entry.media_id, entry.content_length, parts, entry.path, entry.stamp
                )
                self.know(content)

    def follow(self) -> list[tuple[SimpleNamespace, list[SimpleNamespace]]]:
        """Sets what is followed. The files that it knows, with the objects that they number."""
        seen = self.seen
        may_be_one = any(
            code != "object-mismatch" and not (code == "wrong-key" and name in seen.manifests)
            for name, code in seen.damaged.items()
        )
        if not seen.heads and not may_be_one:
            self.find_checkpoints(set())
            first = next(iter(self.found_checkpoints), None)
            if first is None:
                self.following = Following(os.urandom(16), os.urandom(32))
            else:
                head = first.head
                self.following = Following(first.set_id, head.media_key, 1, head.key_epoch)
            return []
        check_newest(self.storage, self.key, seen)
        top = max(reader.head.generation for reader in seen.heads.values())
        names = [name for name, one in seen.heads.items() if one.head.generation == top]
        whole = read_copies(self.storage, self.key, seen, names)
        first = seen.heads[names[0]]
        head, set_id, wrapped = first.head, first.set_id, first.keys
        ancestors, known, named = head.ancestors, [], set(names)
        if len({manifest.id for manifest in whole.values()}) == 1:
            manifest = next(iter(whole.values()))
            head, set_id, wrapped = manifest.head, manifest.set_id, manifest.keys
            own = ANCESTOR(generation=top, manifest_id=manifest.id, commitments=head.commitments)
            ancestors = [own, *head.ancestors][:MAX_ANCESTORS]
            known = [(e, manifest.objects) for e in manifest.entries if e.kind == FILE]
            named |= {storage_name(one.commitment) for one in manifest.objects}
        self.following = Following(
            set_id, head.media_key, top + 1, head.key_epoch, ancestors, wrapped
        )
        self.find_checkpoints(named)
        return known

    def find_checkpoints(self, named: set[str]) -> None:
        skipped = named | self.seen.heads.keys() | self.seen.damaged.keys()
        found = (
            read_checkpoint(self.storage, name, self.key)
            for name in self.seen.names
            if name not in skipped
        )
        self.found_checkpoints = [one for one in found if one]

    def stored_objects(self, known: list) -> set[bytes]:
        """Commitments of the objects that can be used again."""
        whole = set()
        for one in {o.commitment: o for _, objects in known for o in objects}.values():
            name = storage_name(one.commitment)
            there = self.seen.names.get(name) == one.length and name not in self.seen.damaged
            if there and (not self.check or self.opens(one)):
                whole.add(one.commitment)
        return whole

    def opens(self, one: SimpleNamespace) -> bool:
        object_key = self.key
        if one.key_epoch != self.following.key_epoch:
            object_key = self.following.keys[one.key_epoch]
        try:
            with self.storage.open(storage_name(one.commitment)) as stored:
                reader = Reader(object_key, lambda content: None, object_length=one.length)
                for piece in stored.pieces():
                    reader.push(piece)
                return reader.end().content_length == one.content_length
        except Refused:
            return False

    def know(self, content: Content) -> None:
        self.by_media_id.setdefault(content.media_id, content)
        if content.stamp:
            self.by_stamp.setdefault((content.path, content.stamp), content)
        self.lengths.setdefault(content.length, set()).add(content.path)

    # Steps 2 and 3

    def take_entries(self) -> list[tuple[SimpleNamespace, Content | None]]:
        """Entries with their contents, in the order of a manifest."""
        taken = []
        for entry in list(self.folder.walk()):
            if len(taken) == MAX_ITEMS:
                raise Refused("limit-exceeded")
            if entry.kind != FILE:
                taken.append((entry, None))
                continue
            try:
                taken.append((entry, self.content(entry)))
            except Refused as refused:
                if refused.code not in ("changed", "vanished", "permission", "io"):
                    raise
                self.skipped[entry.path] = refused.code
            self.write_due_checkpoint()
        return sorted(taken, key=lambda pair: pair[0].path.encode())

    def content(self, entry: SimpleNamespace) -> Content:
        unchanged = self.by_stamp.get((entry.path, entry.stamp))
        if unchanged and not self.reread:
            return unchanged
        small = entry.content_length < SMALL
        elsewhere = self.lengths.get(entry.content_length, set()) - {entry.path}
        if not small and (elsewhere or self.reread):
            media_id = self.folder.read(entry, self.media_id)
            if media_id in self.by_media_id:
                return self.by_media_id[media_id]
        return self.folder.read(entry, lambda pieces: self.seal(entry, pieces))

    def media_id(self, pieces: Iterable[bytes]) -> bytes:
        hasher = MediaId(self.following.media_key)
        for piece in pieces:
            hasher.push(piece)
        return hasher.end()

    def seal(self, entry: SimpleNamespace, pieces: Iterator[bytes]) -> Content:
        hasher, start, length = MediaId(self.following.media_key), bytearray(), 0
        uploads: list[Sealing] = []
        try:
            for piece in pieces:
                hasher.push(piece)
                if length + len(piece) < SMALL:
                    start += piece
                else:
                    self.seal_volumes(uploads, bytes(start) + piece)
                    start.clear()
                length += len(piece)
            media_id = hasher.end()
            known = self.by_media_id.get(media_id)
            if known is None and uploads:
                parts = [Part(self.committed(uploads.pop(0))) for _ in list(uploads)]
        finally:
            for upload in uploads:
                upload.upload.discard()
        if known:
            return known
        if length < SMALL:
            parts = [self.into_pack(entry.path, bytes(start))]
        content = Content(media_id, length, parts, entry.path, b"")
        self.know(content)
        self.sealed.append((entry, content))
        self.sealed_bytes += length
        return content

    def seal_volumes(self, uploads: list[Sealing], data: bytes) -> None:
        while data:
            if not uploads or uploads[-1].length == self.volume_length:
                uploads.append(Sealing(self.storage, self.key, BLOB, BLOB_CHUNK_LOG2))
            room = self.volume_length - uploads[-1].length
            uploads[-1].push(data[:room])
            data = data[room:]

    def committed(self, sealing: Sealing, keep: bool = False) -> SimpleNamespace:
        """Ends an object, gives it its name, and refers to it."""
        reference = sealing.end(self.following.key_epoch)
        sealing.upload.commit()
        self.own.add(sealing.upload.name)
        if not keep:
            self.removable.append(sealing.upload.name)
        return reference

    def into_pack(self, path: str, content: bytes) -> Part:
        body = PACKED_FILE.encode(path=path, content=content)
        if self.pack and self.pack.records.end_after(len(body)) > PACK:
            self.seal_pack()
        if self.pack is None:
            self.pack = Pack(self.following.set_id)
        position, length = self.pack.records.add(PACKED_FILE_TYPE, body)
        return Part(self.pack.reference, SimpleNamespace(position=position, length=length))

    def seal_pack(self) -> None:
        if self.pack:
            sealing = Sealing(self.storage, self.key, RECORDS, CHUNK_LOG2)
            self.pack.records.end()
            sealing.push(bytes(self.pack.content))
            self.pack.reference.__dict__.update(vars(self.committed(sealing)))
            self.pack = None

    # Checkpoints

    def write_due_checkpoint(self) -> None:
        waited = time.monotonic() - self.checkpointed >= CHECKPOINT_SECONDS
        if self.sealed_bytes >= CHECKPOINT_BYTES or waited:
            self.seal_pack()
            self.storage.flush()
            self.write_checkpoint()

    def write_checkpoint(self) -> None:
        if self.sealed:
            sealing = Sealing(self.storage, self.key, RECORDS, CHUNK_LOG2)
            records = RecordWriter(1 << CHUNK_LOG2, self.following.set_id, 3, sealing.push)
            head = CHECKPOINT_HEAD.encode(
                media_key=self.following.media_key, key_epoch=self.following.key_epoch
            )
            records.add(CHECKPOINT_HEAD_TYPE, head)
            add_entries(records.add, self.sealed)
            records.end()
            self.committed(sealing, keep=True)
            self.own_checkpoints.append(sealing.upload.name)
            self.storage.flush()
            self.sealed, self.removable = [], []
        self.sealed_bytes, self.checkpointed = 0, time.monotonic()

    # Steps 4 to 6

    def seal_manifest(self, entries: list) -> tuple[list[Upload], dict[str, int]]:
        """Both copies, synced and without names; the objects that they name, and their lengths."""
        copies = [Sealing(self.storage, self.key, MANIFEST, CHUNK_LOG2) for _ in range(2)]

        def both(data: bytes) -> None:
            for copy in copies:
                copy.push(data)

        following = self.following
        records = RecordWriter(1 << CHUNK_LOG2, following.set_id, 1, both)
        head = HEAD.encode(
            generation=following.generation,
            created=int(time.time()),
            key_epoch=following.key_epoch,
            media_key=following.media_key,
            commitments=b"".join(copy.writer.header.commitment for copy in copies),
            ancestors=following.ancestors,
        )
        records.add(HEAD_TYPE, head)
        for epoch, object_key in sorted(following.keys.items()):
            records.add(KEY_TYPE, WRAPPED_KEY.encode(key_epoch=epoch, object_key=object_key))
        objects = add_entries(records.add, entries)
        records.end()
        for copy in copies:
            copy.end(following.key_epoch)
            self.own.add(copy.upload.name)
        expected = {storage_name(one.commitment): one.length for one in objects}
        return [copy.upload for copy in copies], expected

    def look(self, expected: dict[str, int]) -> None:
        now = scan(self.storage, self.key, self.own | self.seen.names.keys())
        new = [n for n in now.names if n not in self.seen.names and n not in self.own]
        for name in new:
            if name in now.heads or now.manifests.get(name, "wrong-key") not in OTHERS:
                raise Refused("fork")
            if now.unknown.get(name) in ("io", "permission"):
                raise Refused(now.unknown[name])
        if any(now.names.get(name) != length for name, length in expected.items()):
            raise Refused("object-missing")
        for name in new:
            found = read_checkpoint(self.storage, name, self.key)
            if found and found.is_mark and found.set_id == self.following.set_id:
                raise Refused("object-missing")
