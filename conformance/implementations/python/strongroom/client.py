"""The client of a vault: registration, recovery and the rest, in the order of client.md."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

from . import exchange, keys, opaque
from .errors import Refused
from .exchange import KE3_PROOF
from .password import prepare
from .session import NO_PROOF, Answered, Session

LIVE = ("active", "last-chance")


@dataclass(frozen=True)
class Attempt:
    """An attempt whose KE2 was right: what proves it to the vault."""

    started: Answered
    proved: opaque.Proved
    ke1: bytes
    attempt_id: bytes

    @property
    def proof(self) -> SimpleNamespace:
        ke1, ke3 = self.ke1, self.proved.ke3
        return SimpleNamespace(kind=KE3_PROOF, ke1=ke1, attempt_id=self.attempt_id, ke3=ke3)


@dataclass(frozen=True)
class Proof:
    """What the owner has: the key that is registered, its password, or nothing."""

    backup_key: bytes | None = None
    password: str | None = None


class Client:
    """One account in one session. `floor` is that of the device for stretching."""

    def __init__(self, session: Session, floor: SimpleNamespace = opaque.FLOOR):
        self.session, self.state, self.floor = session, session.state, floor
        self.account = session.account

    @property
    def fleet_id(self) -> bytes:
        return self.session.fleet.fleet_id

    def status(self) -> Answered:
        return self.session.ask(exchange.STATUS, b"").ok()

    # Recovery

    def recover(self, password: str) -> tuple[bytes, Answered]:
        """The backup key, and the answer that brought it."""
        attempt = self.attempt(prepare(password))
        answer = self.finish_attempt(attempt).ok()
        generation = attempt.started.statement.generation
        backup_key = self.open_key(attempt, generation, answer.body.sealed_key)
        self.state.remember(report=answer.statement.report.serial)
        return backup_key, answer

    def open_key(self, attempt: Attempt, generation: int, sealed_key: bytes) -> bytes:
        export_key = attempt.proved.export_key
        return opaque.open_key(export_key, self.fleet_id, self.account, generation, sealed_key)

    def attempt(self, password: bytes) -> Attempt:
        """Steps 1 to 5 of Recovery, and step 8 after a wrong password."""
        login = opaque.Login(password)
        body = exchange.RECOVER_START_BODY.encode(ke1=login.ke1)
        answer = self.session.ask(exchange.RECOVER_START, body).ok()
        return self.prove(login, answer, answer.body)

    def prove(self, login: opaque.Login, answer: Answered, started: SimpleNamespace) -> Attempt:
        opaque.check_stretch(started.stretch, self.floor)
        public_key = self.session.opaque_key(started)
        try:
            proved = login.finish(
                started.ke2,
                started.oprf_key_id,
                started.opaque_key_id,
                started.stretch,
                public_key,
            )
        except Refused as refused:
            if refused.code == "wrong-password":
                self.end_wrong_attempt(login.ke1, started.attempt_id)
            raise
        return Attempt(answer, proved, login.ke1, started.attempt_id)

    def end_wrong_attempt(self, ke1: bytes, attempt_id: bytes) -> None:
        try:
            answer = self.ask_finish(ke1, attempt_id, os.urandom(64), 0)
        except Refused:
            return
        if answer.outcome == "destroyed":
            raise Refused("destroyed")

    def finish_attempt(self, attempt: Attempt) -> Answered:
        shown = self.state.account()["report"]
        return self.ask_finish(attempt.ke1, attempt.attempt_id, attempt.proved.ke3, shown)

    def ask_finish(self, ke1: bytes, attempt_id: bytes, ke3: bytes, acknowledged: int) -> Answered:
        body = exchange.RECOVER_FINISH_BODY.encode(
            ke1=ke1, attempt_id=attempt_id, ke3=ke3, acknowledged=acknowledged
        )
        return self.session.ask(exchange.RECOVER_FINISH, body)

    # Registration

    def register(
        self,
        backup_key: bytes,
        password: str,
        registered: bytes | None,
        older: Callable[[], object] | None = None,
        budget: int = 0,
    ) -> Answered:
        """Registers a key. `registered` is the key that is registered now; None: unproved.

        `older` makes older backups readable with the new key. The answer has the outcome
        `scheduled` if the registration waits.
        """
        prepared = self.before_registration(keys.check(backup_key), password)
        self.state.journal({"kind": "begun", "backupKey": backup_key.hex()})
        begun = opaque.Password(prepared)
        body = exchange.REGISTER_START_BODY.encode(registration_request=begun.request)
        answer = self.session.ask(exchange.REGISTER_START, body).ok()
        started = answer.body
        secret = os.urandom(32)
        finish = exchange.REGISTER_FINISH_BODY.encode(
            **self.registration(begun, started, backup_key, budget),
            confirm_hash=keys.sha256(keys.label("confirm") + secret),
        )
        confirm = exchange.REGISTER_CONFIRM_BODY.encode(
            registration_id=started.registration_id,
            secret=secret,
            record_hash=keys.sha256(finish),
        )
        proof = NO_PROOF
        if answer.phase in LIVE and registered is not None:
            proof = self.session.owner_proof(registered, exchange.REGISTER_CONFIRM, confirm)
        entry = {
            "kind": "finishing",
            "backupKey": backup_key.hex(),
            "generation": started.generation,
            "finish": finish.hex(),
            "confirm": confirm.hex(),
            "proof": exchange.PROOF.write(proof).hex(),
            "finished": False,
            "prepare": older is not None,
        }
        self.state.journal(entry)
        return self.finish_registration(entry, older)

    def before_registration(self, backup_key: bytes, password: str) -> bytes:
        """Steps 1 and 2."""
        opaque.check_stretch(self.session.fleet.policy.stretch, self.floor)
        prepared = prepare(password)
        entry = self.state.entry()
        if entry and (entry["kind"] != "begun" or entry["backupKey"] != backup_key.hex()):
            raise Refused("registration-unfinished")
        return prepared

    def registration(
        self, begun: opaque.Password, started: SimpleNamespace, backup_key: bytes, budget: int
    ) -> dict:
        """Steps 5 and 6: what a registration and a change of the password have in common."""
        public_key = self.session.opaque_key(started, registering=True)
        stretch = self.session.fleet.policy.stretch
        response = started.registration_response
        record, export_key = opaque.finish_registration(begun, response, public_key, stretch)
        sealed_key = opaque.seal_key(
            export_key, self.fleet_id, self.account, started.generation, backup_key
        )
        return {
            "registration_id": started.registration_id,
            "record": record,
            "stretch": stretch,
            "sealed_key": sealed_key,
            "owner_key": keys.owner_public_key(backup_key),
            "budget": budget,
        }

    def finish_registration(self, entry: dict, older: Callable[[], object] | None) -> Answered:
        """Steps 8 to 13, from wherever the journal is."""
        finish, confirm = bytes.fromhex(entry["finish"]), bytes.fromhex(entry["confirm"])
        record_hash = keys.sha256(finish)
        if not entry["finished"]:
            answer = self.session.ask(exchange.REGISTER_FINISH, finish).ok()
            if answer.body.record_hash != record_hash:
                raise Refused("bad-answer")
            entry = {**entry, "finished": True}
            self.state.journal(entry)
        if entry["prepare"]:
            if older is None:
                raise Refused("registration-unfinished")
            older()
            entry = {**entry, "prepare": False}
            self.state.journal(entry)
        proof = exchange.PROOF.decode(bytes.fromhex(entry["proof"]))
        for _ in range(2):
            answer = self.session.ask(exchange.REGISTER_CONFIRM, confirm, proof)
            if proof != NO_PROOF or answer.outcome != "scheduled":
                self.check_receipt(answer.ok(), record_hash, entry["generation"])
                self.state.erase_entry()
                return answer
            status = self.status()
            if status.body.record_hash != record_hash:
                break
        if status.body.scheduled_record_hash == record_hash:
            return answer
        raise Refused("scheduled")

    def check_receipt(self, answer: Answered, record_hash: bytes, generation: int) -> None:
        named = answer.body.record_hash == record_hash
        if not named or answer.statement.generation != generation or answer.phase not in LIVE:
            raise Refused("bad-answer")

    def resume(
        self,
        password: str,
        registered: bytes | None,
        older: Callable[[], object] | None = None,
    ) -> Answered | None:
        """Finishes what the journal holds; None if that is nothing. Parameters as in `register`."""
        entry = self.state.entry()
        if entry is None:
            return None
        if entry["kind"] == "begun":
            backup_key = bytes.fromhex(entry["backupKey"])
            return self.register(backup_key, password, registered, older)
        if entry["kind"] == "changing":
            return self.finish_change(bytes.fromhex(entry["finish"]), entry["generation"])
        return self.finish_registration(entry, older)

    def abandon(self) -> None:
        """Lets go of a registration that was cut off. The owner has asked for it."""
        self.state.erase_entry()

    # A new password

    def change_password(
        self, password: str, new: str, backup_key: bytes | None, budget: int | None = None
    ) -> Answered:
        opaque.check_stretch(self.session.fleet.policy.stretch, self.floor)
        prepared, renewed = prepare(password), prepare(new)
        if self.state.entry():
            raise Refused("registration-unfinished")
        if backup_key is None:
            backup_key, _ = self.recover(password)
        else:
            self.get_head(backup_key)
        login, begun = opaque.Login(prepared), opaque.Password(renewed)
        body = exchange.CHANGE_START_BODY.encode(ke1=login.ke1, registration_request=begun.request)
        answer = self.session.ask(exchange.CHANGE_START, body).ok()
        attempt = self.prove(login, answer, answer.body.attempt)
        if budget is None:
            most = self.session.fleet.policy.max_budget
            budget = min(answer.statement.budget, most)
        started = answer.body.registration
        finish = exchange.CHANGE_FINISH_BODY.encode(
            ke1=attempt.ke1,
            attempt_id=attempt.attempt_id,
            ke3=attempt.proved.ke3,
            acknowledged=self.state.account()["report"],
            **self.registration(begun, started, backup_key, budget),
        )
        entry = {"kind": "changing", "generation": started.generation, "finish": finish.hex()}
        self.state.journal(entry)
        return self.finish_change(finish, started.generation)

    def finish_change(self, finish: bytes, generation: int) -> Answered:
        answer = self.session.ask(exchange.CHANGE_FINISH, finish)
        if answer.outcome == "ok":
            self.check_receipt(answer, keys.sha256(finish), generation)
            self.state.erase_entry()
            self.state.remember(report=answer.statement.report.serial)
            return answer
        refusals = ("conflict", "wrong-password", "not-registered", "destroyed", "malformed")
        if answer.outcome in refusals and answer.statement.state_version:
            self.state.erase_entry()
        raise Refused(answer.outcome)

    # Deletion and cancelling

    def proved(
        self, proof: Proof, command: int, newest: Answered, make: Callable[[Answered], bytes]
    ) -> Answered:
        """Asks with what the owner has; `make` makes the body from the newest answer.

        After a `conflict` that names the same generation it asks again, at most four times. An
        attempt that the vault did not look at is ended with its right KE3.
        """
        generation = newest.statement.generation
        attempt = None
        if proof.password is not None:
            attempt = self.attempt(prepare(proof.password))
            if attempt.started.statement.generation == generation:
                newest = attempt.started
        for _ in range(5):
            newest = self._ask_proved(proof, attempt, command, make(newest))
            same = newest.statement.generation == generation
            again = newest.outcome == "conflict" and same and command == exchange.DELETE
            if not again:
                break
        if attempt:
            started = attempt.started.statement.state_version
            untouched = newest.outcome == "ok" and newest.statement.state_version == started
            if newest.outcome == "conflict" or untouched:
                self.finish_attempt(attempt)
        return newest

    def _ask_proved(
        self, proof: Proof, attempt: Attempt | None, command: int, body: bytes
    ) -> Answered:
        if attempt:
            return self.session.ask(command, body, attempt.proof)
        if proof.backup_key is not None:
            owner = self.session.owner_proof(proof.backup_key, command, body)
            return self.session.ask(command, body, owner)
        return self.session.ask(command, body)

    def delete(self, proof: Proof) -> Answered:
        """The answer is `ok` in phase `deleted`, or `scheduled` if the deletion waits."""
        status = self.status()
        if status.phase == "deleted":
            return status
        if status.phase in ("none", "destroyed"):
            raise Refused("not-registered" if status.phase == "none" else "destroyed")

        def body(newest: Answered) -> bytes:
            return exchange.DELETE_BODY.encode(state_version=newest.statement.state_version)

        answer = self.proved(proof, exchange.DELETE, status, body)
        unproved = proof == Proof()
        if unproved and answer.outcome == "scheduled" and answer.scheduled == "deletion":
            return answer
        if answer.ok().phase != "deleted":
            raise Refused("bad-answer")
        return answer

    def cancel(self, proof: Proof) -> Answered:
        status = self.status()
        if status.scheduled == "none":
            return status
        body = exchange.CANCEL_BODY.encode(effective_at=status.statement.effective_at)
        answer = self.proved(proof, exchange.CANCEL, status, lambda newest: body).ok()
        if answer.statement.generation != status.statement.generation or answer.phase == "deleted":
            raise Refused("conflict")
        if answer.scheduled != "none":
            raise Refused("bad-answer")
        return answer

    # Heads

    def get_head(self, backup_key: bytes) -> bytes | None:
        proof = self.session.owner_proof(backup_key, exchange.GET_HEAD, b"")
        kept = self.session.ask(exchange.GET_HEAD, b"", proof).ok().statement.body
        return kept if any(kept) else None

    def put_head(self, backup_key: bytes, head: bytes, previous: bytes | None) -> None:
        body = (keys.sha256(previous) if previous else bytes(32)) + head
        exchange.PUT_HEAD_BODY.decode(body)
        proof = self.session.owner_proof(backup_key, exchange.PUT_HEAD, body)
        if self.session.ask(exchange.PUT_HEAD, body, proof).ok().statement.body != head:
            raise Refused("bad-answer")
