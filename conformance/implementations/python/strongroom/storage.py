"""A folder as the storage of sets (set.md)."""

import base64
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from .container import MAX_HEADER
from .errors import Refused, of_system

NAME = re.compile(r"[a-z2-7]{32}\.sro")


def storage_name(commitment: bytes) -> str:
    return base64.b32encode(commitment[:20]).decode().lower() + ".sro"


class StoredObject:
    """One read of one object: its bytes, from one open file."""

    def __init__(self, descriptor: int):
        self.descriptor = descriptor
        self.length = os.fstat(descriptor).st_size

    def read(self, start: int, end: int) -> bytes:
        pieces = []
        while start < end:
            piece = os.pread(self.descriptor, min(end - start, 2**20), start)
            if not piece:
                break
            pieces.append(piece)
            start += len(piece)
        return b"".join(pieces)

    def pieces(self, start: int = 0) -> Iterator[bytes]:
        while piece := os.pread(self.descriptor, 2**18, start):
            yield piece
            start += len(piece)

    def start(self) -> bytes:
        """Bytes that hold any header."""
        return self.read(0, MAX_HEADER)


class FolderStorage:
    def __init__(self, folder: str):
        self.folder = folder

    def list(self) -> dict[str, int]:
        """Names and lengths of all objects, in ascending order of the names."""
        found = {}
        try:
            with os.scandir(self.folder) as items:
                for item in items:
                    if NAME.fullmatch(item.name) and item.is_file(follow_symlinks=False):
                        found[item.name] = item.stat(follow_symlinks=False).st_size
        except OSError as error:
            raise of_system(error) from error
        return dict(sorted(found.items()))

    @contextmanager
    def open(self, name: str) -> Iterator[StoredObject]:
        """An object for one read; failures of the system get their codes, in the body too."""
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            if not stat.S_ISREG(os.lstat(self._path(name)).st_mode):
                raise Refused("object-missing")
            descriptor = os.open(self._path(name), flags)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise Refused("object-missing")
                yield StoredObject(descriptor)
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            raise Refused("object-missing") from None
        except OSError as error:
            raise of_system(error) from error

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)
