"""`client.run`: one command of a vault's client."""

from types import SimpleNamespace

from strongroom import opaque
from strongroom.client import Client, Proof
from strongroom.errors import Refused
from strongroom.session import Session, read_pins
from strongroom.state import State
from strongroom.transport import Transport

from .objects import hexed


def floor_of(given: dict) -> SimpleNamespace:
    return opaque.STRETCH(
        algorithm=1,
        iterations=given["iterations"],
        memory_kib=given["memoryKib"],
        parallelism=given["parallelism"],
    )


def older_backups(params: dict):
    """What makes older backups readable with the new key, as a test wants it to go."""
    if params.get("prepare") is None:
        return None

    def prepare() -> None:
        if params["prepare"] == "fails":
            raise Refused("io")

    return prepare


def proof_of(params: dict) -> Proof:
    kind = params.get("proof", "key")
    if kind == "key":
        return Proof(backup_key=hexed(params, "backupKey"))
    return Proof(password=params["password"]) if kind == "password" else Proof()


def recover(client: Client, params: dict) -> dict:
    backup_key, answer = client.recover(params["password"])
    return {"backupKey": backup_key.hex(), "remaining": answer.statement.remaining}


def register(client: Client, params: dict) -> dict:
    backup_key, proof = hexed(params, "backupKey"), proof_of(params)
    registered = proof.backup_key
    if proof.password is not None:
        registered, _ = client.recover(proof.password)
    older = older_backups(params)
    answer = client.register(backup_key, params["password"], registered, older)
    return {"remaining": answer.statement.remaining}


def resume(client: Client, params: dict) -> dict:
    registered, older = proof_of(params).backup_key, older_backups(params)
    answer = client.resume(params["password"], registered, older) or client.status()
    return {"remaining": answer.statement.remaining}


def change_password(client: Client, params: dict) -> dict:
    key = proof_of(params).backup_key
    answer = client.change_password(params["password"], params["newPassword"], key)
    return {"remaining": answer.statement.remaining}


def delete(client: Client, params: dict) -> dict:
    client.delete(proof_of(params))
    return {}


def cancel(client: Client, params: dict) -> dict:
    client.cancel(proof_of(params))
    return {}


def get_head(client: Client, params: dict) -> dict:
    head = client.get_head(hexed(params, "backupKey"))
    return {"head": head and head.hex()}


def put_head(client: Client, params: dict) -> dict:
    previous = hexed(params, "previous") or None
    client.put_head(hexed(params, "backupKey"), hexed(params, "head"), previous)
    return {}


COMMANDS = {
    "recover": recover,
    "register": register,
    "status": lambda client, params: {"remaining": client.status().statement.remaining},
    "resume": resume,
    "change-password": change_password,
    "delete": delete,
    "cancel": cancel,
    "get-head": get_head,
    "put-head": put_head,
}


def run(params: dict) -> dict:
    pins = read_pins({"version": 1, **params["pins"]})
    state = State(params["state"], pins.fleet_id, params["account"].encode())
    shown: list[SimpleNamespace] = []
    transport = Transport(params["url"], params["timeout"] / 1000)
    session = Session(transport, pins, params["account"], state, shown.append)
    client = Client(session, floor_of(params["stretchFloor"]))
    result = COMMANDS[params["command"]](client, params)
    scheduled = ["none", "replacement", "deletion"][shown[-1].scheduled_change]
    return {"scheduled": scheduled, **result}


OPERATIONS = {"client.run": run}
