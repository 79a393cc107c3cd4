"""The head of a set (freshness.md)."""

from types import SimpleNamespace

from . import ed25519, keys
from .errors import Refused
from .wire import Struct, fixed, uint32, uint64

SET_HEAD = Struct(
    set_id=fixed(16), generation=uint64, manifest_id=fixed(32), created=uint64, key_epoch=uint32
)
SIGNED_SET_HEAD = Struct(head=SET_HEAD, signature=fixed(64))


def open_head(backup_key: bytes, data: bytes) -> SimpleNamespace:
    try:
        signed = SIGNED_SET_HEAD.decode(data)
    except Refused:
        raise Refused("bad-head") from None
    head = signed.head
    if head.generation == 0 or head.key_epoch == 0:
        raise Refused("bad-head")
    public = keys.owner_public_key(backup_key)
    message = keys.label("set-head") + SET_HEAD.write(head)
    if not ed25519.verifies(public, signed.signature, message):
        raise Refused("bad-head")
    return head


def compare(head: SimpleNamespace | None, manifest) -> str:
    """How an opened head, if there is one, and a manifest that was read whole go together."""
    if head is None:
        return "unknown"
    if head.set_id != manifest.set_id:
        return "fork"
    if manifest.head.generation < head.generation:
        return "stale"
    if manifest.head.generation == head.generation:
        return "fresh" if manifest.id == head.manifest_id else "fork"
    for ancestor in manifest.head.ancestors:
        if ancestor.generation == head.generation:
            return "ahead" if ancestor.manifest_id == head.manifest_id else "fork"
    return "unknown"
