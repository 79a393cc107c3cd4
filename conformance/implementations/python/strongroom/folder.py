"""A folder to back up: walking it, and reading files that stay the same meanwhile (backup.md)."""

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from .errors import Refused, of_system
from .keys import sha256
from .manifest import DIRECTORY, FILE, SYMLINK, check_path, check_target
from .wire import MAX_NUMBER

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
PLAIN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
SETTLED = 2 * 10**9


def code_of(error: OSError) -> str:
    """Why something of the folder is left out."""
    if isinstance(error, FileNotFoundError):
        return "vanished"
    return of_system(error).code


class Folder:
    """`skipped` has the codes of what was left out, by path."""

    def __init__(self, root: str):
        self.root = root
        self.began = time.time_ns()
        self.skipped: dict[str, str] = {}

    def walk(self) -> Iterator[SimpleNamespace]:
        """Entries without content, each with a stamp, in no order."""
        try:
            with self.directory("") as descriptor:
                yield from self._walk(descriptor, "")
        except FileNotFoundError:
            raise Refused("not-found") from None
        except OSError as error:
            raise of_system(error) from error

    def _walk(self, folder: int, above: str) -> Iterator[SimpleNamespace]:
        try:
            names = os.listdir(folder)
        except OSError as error:
            if not above:
                raise of_system(error) from error
            self.skipped[above] = code_of(error)
            return
        for name in names:
            path = f"{above}/{name}" if above else name
            try:
                entry = self._entry(folder, name, path)
                yield entry
                if entry.kind == DIRECTORY:
                    yield from self._inner(folder, name, path)
            except Refused as refused:
                self.skipped[printable(path)] = refused.code
            except OSError as error:
                self.skipped[printable(path)] = code_of(error)

    def _inner(self, folder: int, name: str, path: str) -> Iterator[SimpleNamespace]:
        try:
            inner = os.open(name, FOLDER, dir_fd=folder)
        except (PermissionError, FileNotFoundError) as error:
            raise error
        except OSError as error:
            raise Refused("changed") from error
        try:
            yield from self._walk(inner, path)
        finally:
            os.close(inner)

    def _entry(self, folder: int, name: str, path: str) -> SimpleNamespace:
        if path != printable(path):
            raise Refused("unsafe-path")
        check_path(path)
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        seconds, nanoseconds = divmod(status.st_mtime_ns, 10**9)
        common = {
            "path": path,
            "mode": stat.S_IMODE(status.st_mode) & 0o777,
            "modified": SimpleNamespace(seconds=seconds, nanoseconds=nanoseconds),
        }
        if abs(seconds) > MAX_NUMBER:
            raise Refused("unsupported-file")
        if stat.S_ISDIR(status.st_mode):
            return SimpleNamespace(kind=DIRECTORY, **common)
        if stat.S_ISREG(status.st_mode):
            stamp, length = self.stamp(status), status.st_size
            return SimpleNamespace(kind=FILE, **common, stamp=stamp, content_length=length)
        if stat.S_ISLNK(status.st_mode):
            target = os.readlink(name, dir_fd=folder)
            if target != printable(target):
                raise Refused("unsafe-path")
            check_target(path, target)
            return SimpleNamespace(kind=SYMLINK, **common, target=target)
        raise Refused("unsupported-file")

    def stamp(self, status: os.stat_result) -> bytes:
        """What tells an unchanged file; empty if it could change again with the same times."""
        times = status.st_mtime_ns, status.st_ctime_ns
        if status.st_ctime_ns > self.began - SETTLED or any(abs(t) >= 2**63 for t in times):
            return b""
        numbers = status.st_ino.to_bytes(8) + status.st_size.to_bytes(8)
        return sha256(numbers + b"".join(t.to_bytes(8, signed=True) for t in times))[:16]

    @contextmanager
    def directory(self, path: str) -> Iterator[int]:
        """A directory of the folder, reached without following a link below it."""
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for segment in filter(None, path.split("/")):
                try:
                    inner = os.open(segment, FOLDER, dir_fd=descriptor)
                except (PermissionError, FileNotFoundError) as error:
                    raise error
                except OSError as error:
                    raise Refused("changed") from error
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)

    def read(self, entry: SimpleNamespace, use: Callable[[Iterator[bytes]], object]):
        """What `use` makes of the pieces of a file, and the entry as it was opened.

        A file that changed meanwhile is read once more; then the code is `changed`. The
        context of `use` must undo what it did when it does not count.
        """
        for again in (True, False):
            try:
                return self._read(entry, use)
            except Refused as refused:
                if refused.code != "changed" or not again:
                    raise
            except OSError as error:
                raise Refused(code_of(error)) from error

    def _read(self, entry: SimpleNamespace, use: Callable[[Iterator[bytes]], object]):
        with self._opened(entry.path) as (descriptor, before):
            count = 0

            def pieces() -> Iterator[bytes]:
                nonlocal count
                while piece := os.read(descriptor, 2**18):
                    count += len(piece)
                    yield piece
                after = self._status(entry.path)
                if count != before.st_size or identity(before) != identity(after):
                    raise Refused("changed")

            made = use(pieces())
        seconds, nanoseconds = divmod(before.st_mtime_ns, 10**9)
        entry.modified = SimpleNamespace(seconds=seconds, nanoseconds=nanoseconds)
        entry.mode = stat.S_IMODE(before.st_mode) & 0o777
        entry.content_length, entry.stamp = before.st_size, self.stamp(before)
        return made

    @contextmanager
    def _opened(self, path: str) -> Iterator[tuple[int, os.stat_result]]:
        above, _, name = path.rpartition("/")
        with self.directory(above) as folder:
            try:
                descriptor = os.open(name, PLAIN, dir_fd=folder)
            except (PermissionError, FileNotFoundError) as error:
                raise error
            except OSError as error:
                raise Refused("changed") from error
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise Refused("changed")
            yield descriptor, status
        finally:
            os.close(descriptor)

    def _status(self, path: str) -> os.stat_result | None:
        above, _, name = path.rpartition("/")
        try:
            with self.directory(above) as folder:
                return os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError:
            return None


def identity(status: os.stat_result | None) -> tuple | None:
    return status and (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def printable(text: str) -> str:
    """Text of a name, with U+FFFD in the place of what is no UTF-8."""
    return os.fsencode(text).decode(errors="replace")
