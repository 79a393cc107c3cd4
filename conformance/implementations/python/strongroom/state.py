"""What a client keeps in a folder: memory of fleets and accounts, and a journal (client.md)."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from .errors import Refused, of_system
from .fleet import Memory
from .keys import sha256


class Folder:
    """Files that are replaced as a whole and durably, one writer at a time."""

    def __init__(self, path: str):
        self.path = path
        os.makedirs(path, mode=0o700, exist_ok=True)

    def read(self, name: str) -> dict | None:
        try:
            with open(os.path.join(self.path, name), encoding="utf-8") as file:
                value = json.load(file)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise Refused("state-damaged") from error
        if not isinstance(value, dict) or value.get("version") != 1:
            raise Refused("state-damaged")
        return value

    def write(self, name: str, value: dict) -> None:
        place, temporary = (os.path.join(self.path, n) for n in (name, f"{name}.new"))
        try:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump({"version": 1, **value}, file)
                file.flush()
                os.fsync(descriptor)
            os.rename(temporary, place)
            self._sync()
        except OSError as error:
            raise of_system(error) from error

    def erase(self, name: str) -> None:
        try:
            for left in (f"{name}.new", name):
                with suppress(FileNotFoundError):
                    os.unlink(os.path.join(self.path, left))
            self._sync()
        except OSError as error:
            raise of_system(error) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        with open(os.path.join(self.path, "lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _sync(self) -> None:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class State:
    """Memory of one fleet and one account. Nothing that is remembered goes down."""

    def __init__(self, path: str, fleet_id: bytes, account: bytes):
        self.folder = Folder(path)
        self.fleet_name = f"fleet-{fleet_id.hex()}.json"
        name = sha256(fleet_id + account).hex()
        self.account_name = f"account-{name}.json"
        self.journal_name = f"journal-{name}.json"

    # Fleet

    def fleet(self) -> Memory:
        kept = self._kept(self.fleet_name, {"serial": 0, "hash": "", "level": 0})
        return Memory(kept["serial"], bytes.fromhex(kept["hash"]) or None, kept["level"])

    def remember_fleet(self, check: Callable[[Memory], tuple]):
        """What `check` makes of the memory of the fleet; its second value is remembered."""
        with self.folder.locked():
            before = self.fleet()
            value, after = check(before)
            if after != before:
                kept = {"serial": after.serial, "hash": after.hash.hex(), "level": after.level}
                self.folder.write(self.fleet_name, kept)
            return value

    # Account

    def account(self) -> dict:
        return self._kept(self.account_name, {"state_version": 0, "report": 0})

    def remember(self, **values: int) -> None:
        with self.folder.locked():
            before = self.account()
            after = {name: max(value, values.get(name, 0)) for name, value in before.items()}
            if after != before:
                self.folder.write(self.account_name, after)

    def _kept(self, name: str, empty: dict) -> dict:
        kept = self.folder.read(name)
        if kept is None:
            return dict(empty)
        if any(type(kept.get(field)) is not type(value) for field, value in empty.items()):
            raise Refused("state-damaged")
        return {field: kept[field] for field in empty}

    # Journal

    def entry(self) -> dict | None:
        entry = self.folder.read(self.journal_name)
        if entry is not None and entry.get("kind") not in ("begun", "finishing", "changing"):
            raise Refused("state-damaged")
        return entry

    def journal(self, entry: dict) -> None:
        self.folder.write(self.journal_name, entry)

    def erase_entry(self) -> None:
        self.folder.erase(self.journal_name)
