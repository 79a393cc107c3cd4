"""The operations of the adapter protocol (spec/conformance.md), by name."""

from . import content, objects

ROLES = ["container-reader", "container-writer"]
FEATURES = [
    "keys",
    "container",
    "sweep",
    "lengths",
    "engine",
    "streaming",
    "files",
    "records",
    "manifest",
]
OPERATIONS = {**objects.OPERATIONS, **content.OPERATIONS}
