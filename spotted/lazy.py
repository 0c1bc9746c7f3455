"""Package faces whose names are imported on first use, for packages with a room that is slow to import."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence


def lazy_face(package: str, rooms: Mapping[str, Sequence[str]]) -> Callable[[str], object]:
    """A module's `__getattr__` (PEP 562) that imports each public name from its room on first use.

    rooms: the public names of each module below `package`.
    """
    room_of = {name: room for room, names in rooms.items() for name in names}

    def __getattr__(name: str) -> object:  # noqa: N807 - it becomes the module's own
        if name not in room_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{room_of[name]}"), name)

    return __getattr__
