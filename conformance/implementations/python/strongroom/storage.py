"""A folder as the storage of sets (set.md)."""

import base64
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

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


@contextmanager
def system_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise of_system(error) from error


class Upload:
    """An object that nobody sees before `commit`."""

    def __init__(self, folder: str, open_uploads: set["Upload"]):
        self.folder, self.name, self.length = folder, "", 0
        self.open_uploads = open_uploads
        open_uploads.add(self)
        self.temporary = os.path.join(folder, f".{secrets.token_hex(16)}.tmp")
        with system_errors():
            self.file = open(self.temporary, "xb")  # noqa: SIM115

    def write(self, data: bytes) -> None:
        self.length += len(data)
        with system_errors():
            self.file.write(data)

    def sync(self) -> None:
        with system_errors():
            self.file.flush()
            os.fdatasync(self.file.fileno())
            self.file.close()

    def commit(self) -> None:
        place = os.path.join(self.folder, self.name)
        with system_errors():
            if os.path.lexists(place):
                raise Refused("exists")
            os.rename(self.temporary, place)
        self.open_uploads.discard(self)

    def discard(self) -> None:
        self.open_uploads.discard(self)
        self.file.close()
        with suppress(FileNotFoundError):
            os.unlink(self.temporary)


class FolderStorage:
    def __init__(self, folder: str):
        self.folder = folder
        self.uploads: set[Upload] = set()

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

    def put(self) -> "Upload":
        return Upload(self.folder, self.uploads)

    def discard_uploads(self) -> None:
        for upload in list(self.uploads):
            upload.discard()

    def remove(self, name: str) -> None:
        with system_errors(), suppress(FileNotFoundError):
            os.unlink(self._path(name))

    def flush(self) -> None:
        with system_errors():
            descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)
