"""The operations of the adapter protocol (spec/conformance.md), by name."""

from . import clients, content, objects, sets, vaults

ROLES = ["container-reader", "container-writer", "set-reader", "set-writer", "vault-client"]
FEATURES = [
    *(
        "keys",
        "container",
        "sweep",
        "lengths",
        "engine",
        "streaming",
        "ranges",
        "http-ranges",
        "files",
    ),
    *("records", "manifest", "set", "freshness", "set-writer", "reread", "check", "volumes"),
    *("opaque-client", "channel-client", "fleet", "owner", "client"),
]
OPERATIONS = {
    **objects.OPERATIONS,
    **content.OPERATIONS,
    **sets.OPERATIONS,
    **vaults.OPERATIONS,
    **clients.OPERATIONS,
}
