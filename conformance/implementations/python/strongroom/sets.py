"""Finding the newest manifest of a storage (set.md)."""

from collections.abc import Set
from contextlib import suppress
from dataclasses import dataclass, field
from types import SimpleNamespace

from . import container, freshness, keys
from .container import Header
from .errors import Refused
from .manifest import CHUNK_LOG2, Manifest, ManifestReader
from .reader import Reader
from .storage import FolderStorage, storage_name

OTHERS = ("wrong-key", "object-mismatch")


@dataclass
class Scan:
    """What a storage holds: manifests whose heads could be read, and codes of what is damaged."""

    names: dict[str, int]
    heads: dict[str, ManifestReader] = field(default_factory=dict)
    manifests: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)

    @property
    def damaged(self) -> dict[str, str]:
        return dict(sorted({**self.manifests, **self.unknown}.items()))


@dataclass
class Found:
    manifest: Manifest
    object_key: bytes
    copies: int
    scan: Scan
    newest: SimpleNamespace

    def key_of(self, epoch: int) -> bytes:
        return (
            self.object_key if epoch == self.manifest.head.key_epoch else self.manifest.keys[epoch]
        )

    @property
    def damaged(self) -> dict[str, str]:
        """Codes by name. That an ancestor is sealed under an older key is no damage."""
        old = {name for a in self.newest.ancestors for name in copies_of(a)}
        return {
            name: code
            for name, code in self.scan.damaged.items()
            if code != "wrong-key" or name not in old
        }

    @property
    def unused(self) -> list[str]:
        """Names of what is no object of the manifest, other than manifests of the key."""
        used = set(self.scan.heads)
        used |= {storage_name(one.commitment) for one in self.manifest.objects}
        return [name for name in self.scan.names if name not in used]


def copies_of(named: SimpleNamespace) -> list[str]:
    """Storage names of both copies that a head, or an ancestor in it, names."""
    return [storage_name(named.commitments[:32]), storage_name(named.commitments[32:])]


def stored_header(start: bytes, name: str) -> Header:
    header = container.whole_header(start)
    if storage_name(header.commitment) != name:
        raise Refused("object-mismatch")
    return header


def manifest_header(start: bytes, name: str) -> Header:
    """Steps 1 to 11 of Reading, SET-19 and MAN-7."""
    header = stored_header(start, name)
    if header.type != container.MANIFEST:
        raise Refused("object-mismatch")
    if header.chunk_log2 != CHUNK_LOG2:
        raise Refused("bad-manifest")
    return header


def read_head(storage: FolderStorage, name: str, object_key: bytes) -> ManifestReader:
    """The head of a manifest, from the bytes up to the end of its first chunk."""
    with storage.open(name) as stored:
        start = stored.start()
        size = len(manifest_header(start, name)) + (1 << CHUNK_LOG2) + container.TAG
        records = ManifestReader()
        reader = Reader(object_key, records.push)
        start += stored.read(len(start), size)
        reader.push(start[:size])
        if len(start) < size:
            reader.end()
            records.end()
    records.need_head()
    return records


def read_manifest(storage: FolderStorage, name: str, object_key: bytes) -> Manifest:
    with storage.open(name) as stored:
        start = stored.start()
        manifest_header(start, name)
        records = ManifestReader()
        reader = Reader(object_key, records.push)
        reader.push(start)
        for piece in stored.pieces(len(start)):
            reader.push(piece)
        reader.end()
        return records.end()


def scan(storage: FolderStorage, object_key: bytes, known: Set[str] = frozenset()) -> Scan:
    """Lists a storage, and looks at all objects but those that are known."""
    found = Scan(storage.list())
    for name in [name for name in found.names if name not in known]:
        damaged = found.unknown
        try:
            with storage.open(name) as stored:
                header = stored_header(stored.start(), name)
            if header.type == container.MANIFEST:
                damaged = found.manifests
                found.heads[name] = read_head(storage, name, object_key)
        except Refused as refused:
            if refused.code == "object-missing":
                del found.names[name]
            else:
                damaged[name] = refused.code
    return found


def find(storage: FolderStorage, backup_key: bytes, named: str | None = None) -> Found:
    """The newest manifest, or the named one, read whole."""
    object_key = keys.object_key(backup_key)
    seen = scan(storage, object_key)
    if named is not None:
        return find_named(storage, backup_key, object_key, seen, named)
    check_newest(storage, object_key, seen)
    top = max(reader.head.generation for reader in seen.heads.values())
    names = [name for name, reader in seen.heads.items() if reader.head.generation == top]
    whole = read_copies(storage, object_key, seen, names)
    if not whole:
        raise Refused(seen.manifests[names[0]])
    if len({manifest.id for manifest in whole.values()}) > 1:
        raise Refused("fork")
    manifest = next(iter(whole.values()))
    return Found(manifest, object_key, len(whole), seen, manifest.head)


def check_newest(storage: FolderStorage, object_key: bytes, seen: Scan) -> None:
    """Steps 1 to 4 of Select."""
    if not seen.heads:
        own = {name: code for name, code in seen.manifests.items() if code != "wrong-key"}
        for damaged in (own, seen.manifests, seen.damaged):
            if damaged:
                raise Refused(next(iter(damaged.values())))
        raise Refused("no-backup")
    if len({reader.set_id for reader in seen.heads.values()}) > 1:
        raise Refused("fork")
    named = set()
    for reader in seen.heads.values():
        for one in [reader.head, *reader.head.ancestors]:
            named.update(copies_of(one))
    for name, code in seen.manifests.items():
        if code not in OTHERS and name not in named:
            raise Refused(code)
    doubtful = {n: code for n, code in seen.unknown.items() if code != "object-mismatch"}
    if doubtful.keys() <= named:
        return
    for manifest in read_copies(storage, object_key, Scan({}), list(seen.heads)).values():
        named |= {storage_name(one.commitment) for one in manifest.objects}
    for name, code in doubtful.items():
        if name not in named:
            raise Refused(code)


def read_copies(
    storage: FolderStorage, object_key: bytes, seen: Scan, names: list[str]
) -> dict[str, Manifest]:
    """Those of these manifests that can be read whole; the others are noted as damaged."""
    whole = {}
    for name in names:
        try:
            whole[name] = read_manifest(storage, name, object_key)
        except Refused as refused:
            seen.manifests[name] = refused.code
    return whole


def find_named(
    storage: FolderStorage, backup_key: bytes, object_key: bytes, seen: Scan, named: str
) -> Found:
    if named not in seen.names:
        raise Refused("object-missing")
    code = seen.damaged.get(named)
    if code == "wrong-key" and named in seen.manifests:
        return find_older(storage, backup_key, named)
    if code or named not in seen.heads:
        raise Refused(code or "object-missing")
    own = seen.heads[named]
    same = [
        name
        for name, reader in seen.heads.items()
        if reader.set_id == own.set_id and reader.head.generation == own.head.generation
    ]
    whole = read_copies(storage, object_key, seen, [named, *(n for n in same if n != named)])
    for name in [named, *copies_of(own.head)]:
        if name in whole:
            chosen = whole[name]
            copies = sum(1 for manifest in whole.values() if manifest.id == chosen.id)
            return Found(chosen, object_key, copies, seen, chosen.head)
    raise Refused(seen.manifests[named])


def find_older(storage: FolderStorage, backup_key: bytes, named: str) -> Found:
    """A named manifest under a key of an older epoch, if it counts (RKY-2, RKY-3)."""
    newest = find(storage, backup_key)
    object_keys = [newest.object_key, *newest.manifest.keys.values()]
    waiting, met = list(newest.manifest.head.ancestors), set()
    while waiting:
        ancestor = waiting.pop(0)
        if ancestor.manifest_id in met:
            continue
        met.add(ancestor.manifest_id)
        whole = {}
        for name in copies_of(ancestor):
            with suppress(Refused):
                whole[name] = read_older(storage, name, object_keys, ancestor)
        if named in whole:
            return Found(*whole[named], len(whole), newest.scan, newest.newest)
        for manifest, _ in whole.values():
            waiting += manifest.head.ancestors
    raise Refused("wrong-key")


def read_older(
    storage: FolderStorage, name: str, object_keys: list[bytes], ancestor: SimpleNamespace
) -> tuple[Manifest, bytes]:
    """A copy of an ancestor, under one of the keys of the set, and its key."""
    with storage.open(name) as stored:
        header = manifest_header(stored.start(), name)
    for object_key in object_keys:
        if container.schedule(object_key, header.prefix, b"")[0] == header.commitment:
            manifest = read_manifest(storage, name, object_key)
            if manifest.id == ancestor.manifest_id:
                return manifest, object_key
    raise Refused("wrong-key")


def opened(
    storage: FolderStorage, backup_key: bytes, named: str | None, head: bytes | None
) -> tuple[Found, str]:
    """The manifest to use, and how it compares with the head, which was got before."""
    kept = None if head is None else freshness.open_head(backup_key, head)
    found = find(storage, backup_key, named)
    return found, freshness.compare(kept, found.manifest)
