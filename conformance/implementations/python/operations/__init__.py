"""The operations of the adapter protocol (spec/conformance.md), by name."""

from . import content, objects, sets

ROLES = ["container-reader", "container-writer", "set-reader"]
FEATURES = [
    *("keys", "container", "sweep", "lengths", "engine", "streaming", "ranges", "files"),
    *("records", "manifest", "set", "freshness"),
]
OPERATIONS = {**objects.OPERATIONS, **content.OPERATIONS, **sets.OPERATIONS}
