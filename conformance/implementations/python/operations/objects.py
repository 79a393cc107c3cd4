"""Keys and sealed objects."""

import os
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import BinaryIO

from strongroom import container, keys
from strongroom.container import Engine
from strongroom.errors import Refused
from strongroom.reader import Reader
from strongroom.writer import Writer

TYPES = {"manifest": container.MANIFEST, "records": container.RECORDS, "blob": container.BLOB}
NAMES = {number: name for name, number in TYPES.items()}
PADDINGS = {"none": 0, "padme": 1}


def hexed(params: dict, name: str) -> bytes:
    return bytes.fromhex(params.get(name) or "")


def key_of(params: dict) -> bytes:
    """The object key that a request names, or that follows from its backup key."""
    if "objectKey" in params:
        return keys.check(hexed(params, "objectKey"))
    return keys.object_key(hexed(params, "key"))


def pieces(data: bytes, length: int | None) -> Iterator[bytes]:
    step = length or max(len(data), 1)
    return (data[at : at + step] for at in range(0, len(data), step))


def sink_of(params: dict) -> BinaryIO:
    """Where released content goes, as soon as it is released."""
    return open(params.get("sink") or os.devnull, "ab", buffering=0)


def open_object(params: dict) -> dict:
    source = pieces(hexed(params, "object"), params.get("pieceLength"))
    with sink_of(params) as sink:
        return open_pieces(params, source, sink.write)


def open_pieces(params: dict, source: Iterator[bytes], release: container.Release) -> dict:
    reader = Reader(key_of(params), release, hexed(params, "context"), params.get("objectLength"))
    for piece in source:
        reader.push(piece)
    trailer = reader.end()
    return {"type": NAMES[reader.header.type], "contentLength": trailer.content_length}


def injected(inject: dict | None) -> type[Writer]:
    """A writer that takes the salt that a test names, and adds no GREASE."""
    if not inject:
        return Writer
    salt = bytes.fromhex(inject["salt"])

    class Injected(Writer):
        draw = staticmethod(lambda length: salt if length == 32 else b"\xff" * length)

    return Injected


def writer_of(params: dict, release: container.Release, kind: type[Writer] = Writer) -> Writer:
    extensions = [(e["type"], bytes.fromhex(e["value"])) for e in params.get("extensions") or []]
    return kind(
        key_of(params),
        TYPES[params["type"]],
        params["chunkLog2"],
        PADDINGS[params["padding"]],
        release,
        hexed(params, "context"),
        extensions,
    )


def create(params: dict) -> dict:
    return sealed(params, injected(params.get("inject")))


def sealed(params: dict, kind: type[Writer] = Writer) -> dict:
    out = bytearray()
    writer = writer_of(params, out.extend, kind)
    for piece in pieces(hexed(params, "content"), params.get("pieceLength")):
        writer.push(piece)
    writer.end()
    return {"object": out.hex()}


def code_of(step: Callable, *arguments) -> str:
    try:
        step(*arguments)
    except Refused as refused:
        return refused.code
    return "none"


def after_end(params: dict) -> dict:
    reader = Reader(key_of(params), lambda content: None)

    def whole() -> None:
        reader.push(hexed(params, "object"))
        reader.end()

    first = code_of(whole)
    return {"first": first, "later": [code_of(reader.push, b"\0"), code_of(reader.end)]}


def abort(params: dict) -> dict:
    out = bytearray()
    writer = writer_of(params, out.extend)
    writer.push(hexed(params, "content"))
    writer.abort()
    return {**end_codes(writer), "output": out.hex()}


def after_final(params: dict) -> dict:
    writer = writer_of(params, lambda data: None)
    writer.push(hexed(params, "content"))
    return end_codes(writer)


def end_codes(writer: Writer) -> dict:
    first = code_of(writer.end)
    return {"first": first, "later": [code_of(writer.push, b"\0"), code_of(writer.end)]}


def edited(data: bytes, edit: str, n: int) -> bytes:
    if edit == "cut":
        return data[:n]
    changed = bytearray(data)
    if edit == "flip":
        changed[n // 8] ^= 1 << n % 8
    else:
        changed[n // 256] = n % 256
    return bytes(changed)


def sweep(params: dict) -> dict:
    key, data = key_of(params), hexed(params, "object")

    def result(n: int) -> tuple[str, int]:
        reader = Reader(key, lambda content: None, object_length=params.get("objectLength"))

        def whole() -> None:
            reader.push(edited(data, params["edit"], n))
            reader.end()

        return code_of(whole), reader.released

    first, step, count = params["first"], params["step"], params["count"]
    results = (result(n) for n in range(first, first + step * count, step))
    return {"runs": [[sum(1 for _ in run), *same] for same, run in groupby(results)]}


def object_lengths(params: dict) -> dict:
    lengths = (
        container.object_length(params["chunkLog2"], PADDINGS[params["padding"]], content)
        for content in params["contents"]
    )
    return {"objects": list(lengths)}


def engine_of(params: dict) -> Engine:
    key, nonce = hexed(params, "key"), hexed(params, "baseNonce")
    return Engine(key, nonce, 1 << params["chunkLog2"])


def parts(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while piece := file.read(2**18):
            yield piece


def seal_file(params: dict) -> dict:
    written = 0

    with open(params["target"], "wb") as target:

        def release(data: bytes) -> None:
            nonlocal written
            written += target.write(data)

        writer = writer_of(params, release, injected(params.get("inject")))
        for piece in parts(params["source"]):
            writer.push(piece)
        writer.end()
    return {"objectLength": written}


def open_file(params: dict) -> dict:
    with open(params["target"], "wb") as target:
        return open_pieces(params, parts(params["source"]), target.write)


OPERATIONS = {
    "keys.parse-recovery-key": lambda p: {"key": keys.parse_recovery_key(p["text"]).hex()},
    "keys.format-recovery-key": lambda p: {"text": keys.format_recovery_key(hexed(p, "key"))},
    "keys.derive": lambda p: {"key": keys.derive(hexed(p, "key"), p["label"], p["length"]).hex()},
    "container.open": open_object,
    "container.create": create,
    "container.after-end": after_end,
    "container.abort": abort,
    "container.after-final": after_final,
    "container.sweep": sweep,
    "probe.inject": sealed,
    "lengths.padme": lambda p: {"lengths": [container.padme(n) for n in p["lengths"]]},
    "lengths.object": object_lengths,
    "engine.open": lambda p: {"plaintext": engine_of(p).open(p["index"], hexed(p, "sealed")).hex()},
    "engine.seal": lambda p: {"sealed": engine_of(p).seal(p["index"], hexed(p, "plaintext")).hex()},
    "file.seal": seal_file,
    "file.open": open_file,
}
