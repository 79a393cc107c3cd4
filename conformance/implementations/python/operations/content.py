"""Records, manifests, heads and media ids."""

from types import SimpleNamespace

from strongroom import keys, manifest
from strongroom.freshness import open_head
from strongroom.records import RecordReader, RecordWriter, read_range

from .objects import hexed


def read_records(params: dict) -> dict:
    found: list[dict] = []

    def take(type: int, body: bytes) -> None:
        found.append({"type": type, "body": body.hex()})

    reader = RecordReader(1 << params["chunkLog2"], params["known"], take)
    reader.push(hexed(params, "content"))
    reader.end()
    return {"records": found}


def read_one(params: dict) -> dict:
    content = hexed(params, "content")
    size, position = 1 << params["chunkLog2"], params["position"]
    return {"body": read_range(size, params["type"], position, len(content), content).hex()}


def write_records(params: dict) -> dict:
    out = bytearray()
    set_id = hexed(params, "setId")
    writer = RecordWriter(1 << params["chunkLog2"], set_id, params["schema"], out.extend)
    for record in params["records"]:
        writer.add(record["type"], bytes.fromhex(record["body"]))
    writer.end()
    return {"content": out.hex()}


def listed(entry: SimpleNamespace) -> dict:
    return {"path": entry.path, "kind": KINDS[entry.kind]}


KINDS = {manifest.FILE: "file", manifest.DIRECTORY: "directory", manifest.SYMLINK: "symlink"}


def read_manifest(params: dict) -> dict:
    reader = manifest.ManifestReader()
    reader.push(hexed(params, "content"))
    found = reader.end()
    return {
        "setId": found.set_id.hex(),
        "generation": found.head.generation,
        "entries": [listed(entry) for entry in found.entries],
    }


def read_head(params: dict) -> dict:
    head = open_head(keys.check(hexed(params, "key")), hexed(params, "head"))
    return {
        "setId": head.set_id.hex(),
        "generation": head.generation,
        "manifestId": head.manifest_id.hex(),
        "created": head.created,
        "keyEpoch": head.key_epoch,
    }


def media_id(params: dict) -> dict:
    hasher = manifest.MediaId(hexed(params, "mediaKey"))
    hasher.push(hexed(params, "content"))
    return {"mediaId": hasher.end().hex()}


OPERATIONS = {
    "records.read": read_records,
    "records.read-range": read_one,
    "records.write": write_records,
    "manifest.read": read_manifest,
    "head.open": read_head,
    "set.media-id": media_id,
}
