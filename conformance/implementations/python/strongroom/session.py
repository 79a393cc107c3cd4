"""One session of a client with a fleet: the verified descriptor, and asking (client.md)."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

from . import channel, exchange, fleet, keys
from .errors import Refused
from .exchange import ANSWER, ANSWER_BODIES, EXCHANGE, OUTCOMES, REQUEST, STATEMENT
from .fleet import Pins
from .state import State
from .transport import Transport

NO_PROOF = SimpleNamespace(kind=exchange.NO_PROOF)


def read_pins(value: dict) -> Pins:
    """Pins as the JSON object of client.md has them."""

    def hexed(text: str, length: int) -> bytes:
        if not re.fullmatch(f"[0-9a-f]{{{2 * length}}}", text):
            raise Refused("invalid-config")
        return bytes.fromhex(text)

    try:
        signers = [hexed(signer, 32) for signer in value["signers"]]
        pins = Pins(value["threshold"], signers, hexed(value["fleetId"], 16))
        if value["version"] != 1 or type(pins.threshold) is not int or len(signers) > 64:
            raise Refused("invalid-config")
    except (KeyError, TypeError):
        raise Refused("invalid-config") from None
    pins.by_id()
    return pins


@dataclass(frozen=True)
class Answered:
    """A verified answer."""

    statement: SimpleNamespace
    body: SimpleNamespace | None

    @property
    def outcome(self) -> str:
        return OUTCOMES[self.statement.outcome]

    @property
    def phase(self) -> str:
        return exchange.PHASES[self.statement.phase]

    @property
    def scheduled(self) -> str:
        return exchange.SCHEDULED_CHANGES[self.statement.scheduled_change]

    def ok(self) -> "Answered":
        if self.outcome != "ok":
            raise Refused(self.outcome)
        return self


class Session:
    """`show` gets every verified statement, for the owner: changes that wait, and reports."""

    def __init__(
        self,
        transport: Transport,
        pins: Pins,
        account: str,
        state: State,
        show: Callable[[SimpleNamespace], object],
    ):
        self.transport, self.pins, self.state, self.show = transport, pins, state, show
        self.account = account.encode()
        if not 1 <= len(self.account) <= 64:
            raise Refused("limit-exceeded")
        state.fleet()
        state.account()
        data = transport.fleet()
        now = int(time.time())
        self.fleet = state.remember_fleet(lambda memory: fleet.verify(data, pins, now, memory))

    def ask(self, command: int, body: bytes, proof: SimpleNamespace = NO_PROOF) -> Answered:
        """Steps 1 to 7 of Asking, in their order; the same sealed bytes until an answer comes."""
        request = REQUEST.write(
            SimpleNamespace(
                version=1,
                fleet_id=self.fleet.fleet_id,
                account=self.account,
                command=command,
                body=body,
                proof=proof,
            )
        )
        public_key = fleet.channel_key(self.fleet)
        suite, fleet_id = self.fleet.channel_suite, self.fleet.fleet_id
        sealed = channel.seal_request(suite, fleet_id, public_key, request)
        sent = EXCHANGE.encode(version=1, mode=0, assertion=bytes(192), sealed_request=sealed.data)
        statement = self._verified(sealed, self.transport.exchange(sent))
        outcome, version = OUTCOMES[statement.outcome], statement.state_version
        early = outcome in ("malformed", "not-authorised") and version == 0
        if not early and version < self.state.account()["state_version"]:
            raise Refused("stale-answer")
        body = bad_answer(ANSWER_BODIES[command], statement.body) if outcome == "ok" else None
        self.state.remember(state_version=version)
        self.show(statement)
        return Answered(statement, body)

    def _verified(self, sealed: channel.SealedRequest, data: bytes) -> SimpleNamespace:
        answer = bad_answer(ANSWER, sealed.open_answer(data))
        statement = answer.statement
        receipts = {key.id: key.public_key for key in self.fleet.receipt_keys}
        public_key = receipts.get(answer.receipt_key_id)
        message = keys.label("answer") + STATEMENT.write(statement)
        suite = channel.SUITES[self.fleet.channel_suite]
        if public_key is None or not suite.verifies(public_key, answer.signature, message):
            raise Refused("bad-answer")
        accounts = [self.account]
        if OUTCOMES[statement.outcome] == "malformed":
            accounts.append(b"")
        if (
            statement.fleet_id != self.fleet.fleet_id
            or statement.request_hash != sealed.hash
            or statement.account not in accounts
            or statement.remaining > statement.budget
        ):
            raise Refused("bad-answer")
        return statement

    def owner_proof(self, backup_key: bytes, command: int, body: bytes) -> SimpleNamespace:
        owner = keys.owner_key(backup_key)
        signature = exchange.sign_as_owner(owner, self.fleet.fleet_id, self.account, command, body)
        return SimpleNamespace(kind=exchange.OWNER_PROOF, signature=signature)

    def opaque_key(self, named: SimpleNamespace, registering: bool = False) -> bytes:
        """The public key of the pair of OPAQUE keys that an answer names (FLT-11, FLT-14)."""
        for key in self.fleet.opaque_keys:
            pair = key.id == named.opaque_key_id and key.oprf_key_id == named.oprf_key_id
            if pair and not (registering and time.time() > key.not_after_new):
                return key.public_key
        raise Refused("server-authentication-failed")


def bad_answer(codec, data: bytes) -> SimpleNamespace:
    try:
        return codec.decode(data)
    except Refused:
        raise Refused("bad-answer") from None
