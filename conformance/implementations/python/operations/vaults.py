"""Operations of a vault's client that need no vault: OPAQUE, channel, descriptors, structures."""

from collections.abc import Callable
from types import SimpleNamespace

from strongroom import channel, exchange, fleet, keys, opaque, password
from strongroom.errors import Refused

from .objects import hexed


def prepare(params: dict) -> dict:
    try:
        text = hexed(params, "text").decode()
    except UnicodeDecodeError:
        raise Refused("invalid-password") from None
    return {"password": password.prepare(text).hex()}


def stretch_of(params: dict) -> SimpleNamespace:
    given = params["stretch"]
    return opaque.STRETCH(
        algorithm=given["algorithm"],
        iterations=given["iterations"],
        memory_kib=given["memoryKib"],
        parallelism=given["parallelism"],
    )


def check_stretch(params: dict) -> dict:
    opaque.check_stretch(stretch_of(params))
    return {"accepted": True}


def drawn(params: dict, *names: str) -> Callable[[int], bytes]:
    """Gives the random values of a test in this order."""
    values = iter([bytes.fromhex(params["inject"][name]) for name in names])
    return lambda length: next(values)


def begun(params: dict) -> opaque.Password:
    return opaque.Password(hexed(params, "password"), bytes.fromhex(params["inject"]["blind"]))


def login(params: dict) -> opaque.Login:
    draw = drawn(params, "client_nonce", "client_keyshare_seed")
    return opaque.Login(hexed(params, "password"), draw, bytes.fromhex(params["inject"]["blind"]))


def registration_record(params: dict) -> dict:
    record, export_key = opaque.finish_registration(
        begun(params),
        hexed(params, "response"),
        hexed(params, "serverPublicKey"),
        stretch_of(params),
        drawn(params, "envelope_nonce"),
    )
    return {"record": record.hex(), "exportKey": export_key.hex()}


def ke3(params: dict) -> dict:
    proved = login(params).finish(
        hexed(params, "ke2"),
        hexed(params, "oprfKeyId"),
        hexed(params, "opaqueKeyId"),
        stretch_of(params),
        hexed(params, "serverPublicKey") or None,
    )
    return {
        "ke3": proved.ke3.hex(),
        "sessionKey": proved.session_key.hex(),
        "exportKey": proved.export_key.hex(),
    }


def bound(params: dict) -> tuple[bytes, bytes, bytes, int]:
    names = ("exportKey", "fleetId", "account")
    export_key, fleet_id, account = (hexed(params, name) for name in names)
    return export_key, fleet_id, account, params["generation"]


def sealed_request(params: dict) -> channel.SealedRequest:
    return channel.seal_request(
        params["suite"],
        hexed(params, "fleetId"),
        hexed(params, "publicKey"),
        hexed(params, "plaintext"),
        drawn(params, "hpke_ephemeral_seed"),
    )


def open_answer(params: dict) -> dict:
    return {"plaintext": sealed_request(params).open_answer(hexed(params, "answer")).hex()}


def verify_fleet(params: dict) -> dict:
    signers = [bytes.fromhex(signer) for signer in params["signers"]]
    pins = fleet.Pins(params["k"], signers, hexed(params, "fleetId") or None)
    memory = fleet.Memory(params["lastSerial"])
    found, _ = fleet.verify(hexed(params, "descriptor"), pins, params["now"], memory)
    return {
        "serial": found.serial,
        "fleetId": found.fleet_id.hex(),
        "channelKey": fleet.channel_key(found).hex(),
    }


def sign(params: dict) -> dict:
    owner = keys.owner_key(hexed(params, "key"))
    signature = exchange.sign_as_owner(
        owner,
        hexed(params, "fleetId"),
        hexed(params, "account"),
        params["command"],
        hexed(params, "body"),
    )
    return {"signature": signature.hex()}


OPERATIONS = {
    "opaque.prepare-password": prepare,
    "opaque.check-stretch": check_stretch,
    "opaque.registration-request": lambda p: {"request": begun(p).request.hex()},
    "opaque.registration-record": registration_record,
    "opaque.ke1": lambda p: {"ke1": login(p).ke1.hex()},
    "opaque.ke3": ke3,
    "opaque.seal-key": lambda p: {
        "sealedKey": opaque.seal_key(*bound(p), hexed(p, "backupKey")).hex()
    },
    "opaque.open-key": lambda p: {
        "backupKey": opaque.open_key(*bound(p), hexed(p, "sealedKey")).hex()
    },
    "channel.seal-request": lambda p: {"sealedRequest": sealed_request(p).data.hex()},
    "channel.open-answer": open_answer,
    "fleet.verify": verify_fleet,
    "owner.sign": sign,
}
