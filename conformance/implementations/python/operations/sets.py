"""Sets: finding, listing, verifying, restoring; and ranges of objects."""

from strongroom import keys
from strongroom.backup import Backup
from strongroom.container import MAX_CONTENT, Header
from strongroom.errors import Refused
from strongroom.files import verify
from strongroom.http_source import HttpSource
from strongroom.ranges import RangeReader, plan
from strongroom.restore import Restore
from strongroom.sets import Found, opened
from strongroom.storage import FolderStorage

from .content import listed
from .objects import PADDINGS, hexed, key_of, sink_of


def opened_set(params: dict) -> tuple[FolderStorage, Found, str]:
    storage = FolderStorage(params["storage"])
    head = hexed(params, "head") if params.get("head") is not None else None
    key = keys.check(hexed(params, "key"))
    return storage, *opened(storage, key, params.get("manifest"), head)


def find(params: dict) -> dict:
    _, found, freshness = opened_set(params)
    return {
        "setId": found.manifest.set_id.hex(),
        "generation": found.manifest.head.generation,
        "manifestId": found.manifest.id.hex(),
        "copies": found.copies,
        "damaged": [{"name": name, "code": code} for name, code in found.damaged.items()],
        "freshness": freshness,
    }


def list_set(params: dict) -> dict:
    _, found, freshness = opened_set(params)
    entries = [
        {**listed(entry), "length": getattr(entry, "content_length", 0)}
        for entry in found.manifest.entries
    ]
    return {"entries": entries, "freshness": freshness}


def verify_set(params: dict) -> dict:
    storage, found, freshness = opened_set(params)
    failed = verify(storage, found)
    return {
        "verified": len(found.manifest.entries) - len(failed),
        "failed": [{"path": path, "code": code} for path, code in failed.items()],
        "unused": found.unused,
        "freshness": freshness,
    }


def restore(params: dict) -> dict:
    storage, found, freshness = opened_set(params)
    if freshness in ("stale", "fork") and params.get("manifest") is None:
        raise Refused(freshness)
    force, paths = params.get("force", False), params.get("paths")
    restored = Restore(storage, found, params["target"], force, paths).run()
    return {"restored": restored, "freshness": freshness}


def back_up(params: dict) -> dict:
    backup = Backup(
        FolderStorage(params["storage"]),
        keys.check(hexed(params, "key")),
        params["folder"],
        params.get("volumeLength") or MAX_CONTENT,
        params.get("reread", False),
        params.get("check", False),
    )
    generation = backup.run()
    skipped = sorted(backup.skipped.items(), key=lambda one: one[0].encode())
    return {
        "generation": generation,
        "skipped": [{"path": path, "code": code} for path, code in skipped],
    }


class Given:
    """An object that a test gives, which may lie about its length."""

    def __init__(self, params: dict):
        self.object = hexed(params, "object")
        self.length = params.get("sourceLength", len(self.object))

    def read(self, start: int, end: int) -> bytes:
        return self.object[start:end]


def range_reader(params: dict) -> RangeReader:
    header = params.get("header")
    return RangeReader(
        key_of(params),
        HttpSource(params["url"]) if "url" in params else Given(params),
        hexed(params, "context"),
        params.get("objectLength"),
        params.get("contentLength"),
        header and Header(hexed(header, "prefix"), hexed(header, "commitment")),
    )


def probe(params: dict) -> dict:
    reader = range_reader(params)
    trailer = reader.probe()
    padding = next(name for name, scheme in PADDINGS.items() if scheme == trailer.pad_scheme)
    return {
        "contentLength": trailer.content_length,
        "padding": padding,
        "objectLength": reader.length,
    }


def read(params: dict) -> dict:
    reader = range_reader(params)
    with sink_of(params) as sink:
        reader.read(params["offset"], params["length"], sink.write)
    return {"length": params["length"]}


def read_many(params: dict) -> dict:
    reader = range_reader(params)

    def one(offset: int, length: int) -> str:
        out = bytearray()
        try:
            reader.read(offset, length, out.extend)
        except Refused as refused:
            return refused.code
        return out.hex()

    return {"contents": [one(*part) for part in params["ranges"]]}


def plans(params: dict) -> dict:
    fixed = params["headerLength"], params["chunkLog2"], params["objectLength"]
    names = ("first", "last", "start", "end")
    return {"plans": [dict(zip(names, plan(*fixed, *part))) for part in params["ranges"]]}


OPERATIONS = {
    "set.find": find,
    "set.list": list_set,
    "set.verify": verify_set,
    "set.restore": restore,
    "set.back-up": back_up,
    "range.probe": probe,
    "range.read": read,
    "range.read-many": read_many,
    "range.plan": plans,
}
