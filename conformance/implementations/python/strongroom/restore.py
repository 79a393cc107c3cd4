"""Restoring a set into a folder (set.md)."""

import os
import secrets
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace

from .errors import Refused, of_system
from .files import read_file
from .manifest import DIRECTORY, FILE, SYMLINK
from .sets import Found
from .storage import FolderStorage

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def select(entries: list[SimpleNamespace], paths: list[str] | None) -> list[SimpleNamespace]:
    """The entries of these paths, what lies in them, and the directories that lead to them."""
    if paths is None:
        return entries
    if not set(paths) <= {entry.path for entry in entries}:
        raise Refused("not-found")

    def wanted(entry: SimpleNamespace) -> bool:
        below = any(f"{entry.path}/".startswith(f"{path}/") for path in paths)
        return below or any(path.startswith(f"{entry.path}/") for path in paths)

    return [entry for entry in entries if wanted(entry)]


class Restore:
    """One restore. `failed` has the codes of entries that failed, by their paths."""

    def __init__(
        self,
        storage: FolderStorage,
        found: Found,
        target: str,
        force: bool,
        paths: list[str] | None,
    ):
        self.storage, self.found, self.target, self.force = storage, found, target, force
        self.entries = select(found.manifest.entries, paths)
        self.failed: dict[str, str] = {}
        self.made: set[str] = set()
        self.there: set[str] = set()

    def run(self) -> int:
        """How many entries were restored; else the code of the first failure."""
        self.look()
        try:
            os.makedirs(self.target, exist_ok=True)
        except OSError as error:
            raise of_system(error) from error
        try:
            for kind, step in STEPS:
                for entry in self.of(kind):
                    with self.noted(entry):
                        step(self, entry)
        finally:
            self.finish()
        for entry in self.entries:
            if entry.path in self.failed:
                raise Refused(self.failed[entry.path])
        return len(self.entries)

    def of(self, kind: int) -> list[SimpleNamespace]:
        return [entry for entry in self.entries if entry.kind == kind]

    def place(self, entry: SimpleNamespace) -> str:
        return os.path.join(self.target, entry.path)

    @contextmanager
    def noted(self, entry: SimpleNamespace) -> Iterator[None]:
        """Notes the failure of an entry. A full disk ends the restore."""
        try:
            yield
        except (Refused, OSError) as error:
            code = error.code if isinstance(error, Refused) else of_system(error).code
            if code == "disk-full":
                raise Refused(code) from error
            self.failed[entry.path] = code

    # Step 3

    def look(self) -> None:
        try:
            if os.path.lexists(self.target) and not os.path.isdir(self.target):
                raise Refused("exists")
            for entry in self.entries:
                self.look_at(entry)
        except OSError as error:
            raise of_system(error) from error
        self.look_for_twins()

    def look_at(self, entry: SimpleNamespace) -> None:
        try:
            mode = os.lstat(self.place(entry)).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return
        if entry.kind == DIRECTORY:
            if stat.S_ISLNK(mode):
                raise Refused("unsafe-path")
            if not stat.S_ISDIR(mode):
                raise Refused("exists")
        elif stat.S_ISDIR(mode) or not self.force:
            raise Refused("exists")
        else:
            self.there.add(entry.path)

    def look_for_twins(self) -> None:
        """Two entries whose places are one file, because its system takes two names for one."""
        status = {path: os.lstat(os.path.join(self.target, path)) for path in self.there}
        files = Counter((s.st_dev, s.st_ino) for s in status.values())
        for path, s in status.items():
            folder, name = os.path.split(os.path.join(self.target, path))
            if files[s.st_dev, s.st_ino] > 1 and name not in os.listdir(folder):
                raise Refused("exists")

    # Steps 4 to 6

    @contextmanager
    def folder(self, path: str) -> Iterator[int]:
        """A directory of the target, reached without following a link below it."""
        descriptor = os.open(self.target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for segment in filter(None, path.split("/")):
                try:
                    inner = os.open(segment, FOLDER, dir_fd=descriptor)
                except OSError as error:
                    raise Refused("unsafe-path") from error
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)

    def make_directory(self, entry: SimpleNamespace) -> None:
        above, _, name = entry.path.rpartition("/")
        with self.folder(above) as folder:
            try:
                os.mkdir(name, 0o700, dir_fd=folder)
                self.made.add(entry.path)
            except FileExistsError:
                if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                    raise Refused("unsafe-path") from None

    def put(self, entry: SimpleNamespace) -> None:
        above, _, name = entry.path.rpartition("/")
        temporary = f".{secrets.token_hex(12)}.tmp"
        with self.folder(above) as folder:
            try:
                if entry.kind == FILE:
                    self.write(entry, temporary, folder)
                else:
                    os.symlink(entry.target, temporary, dir_fd=folder)
                    times(temporary, entry, folder)
                self.give_name(entry, temporary, name, folder)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=folder)

    def write(self, entry: SimpleNamespace, temporary: str, folder: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600, dir_fd=folder)
        with open(descriptor, "wb") as file:
            read_file(self.storage, self.found, entry, file.write)
            file.flush()
            os.fchmod(descriptor, entry.mode)
            os.utime(descriptor, ns=(nanoseconds(entry),) * 2)
            os.fsync(descriptor)

    def give_name(self, entry: SimpleNamespace, temporary: str, name: str, folder: int) -> None:
        """A link never replaces what came meanwhile; a rename replaces what `force` allows."""
        if entry.path in self.there and not self.replaced(entry, name, folder):
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            return
        try:
            os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            raise Refused("exists") from None

    def replaced(self, entry: SimpleNamespace, name: str, folder: int) -> bool:
        """Whether nothing, or a directory, is now where something to be replaced was."""
        try:
            return stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
        except FileNotFoundError:
            return True

    # Step 7

    def finish(self) -> None:
        for entry in reversed(self.of(DIRECTORY)):
            if entry.path in self.failed:
                continue
            with self.noted(entry), self.folder(entry.path) as folder:
                os.fsync(folder)
                if entry.path in self.made or self.force:
                    os.fchmod(folder, entry.mode)
                    os.utime(folder, ns=(nanoseconds(entry),) * 2)
        with self.folder("") as folder:
            os.fsync(folder)


STEPS = [
    (DIRECTORY, Restore.make_directory),
    (FILE, Restore.put),
    (SYMLINK, Restore.put),
]


def nanoseconds(entry: SimpleNamespace) -> int:
    return entry.modified.seconds * 10**9 + entry.modified.nanoseconds


def times(name: str, entry: SimpleNamespace, folder: int) -> None:
    os.utime(name, ns=(nanoseconds(entry),) * 2, dir_fd=folder, follow_symlinks=False)
