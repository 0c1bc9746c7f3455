"""Memory of services that run on one machine together: each takes a part, so that all of them fit."""

from __future__ import annotations

from collections.abc import Mapping

VARIABLE = "SPOTTED_MEMORY_PERCENT"
# of the memory of the machine, or of the container in which all of them run; the store has the rest
PERCENT = {"embedder": 40, "scorer": 25, "sampler": 25}


def shared(role: str, settings: Mapping[str, str], inherited: Mapping[str, str]) -> dict[str, str]:
    """The settings of a service, with its part of the memory unless it is set already.

    inherited: variables of this process, which the service gets as well.
    """
    part = {} if VARIABLE in inherited else {VARIABLE: str(PERCENT[role])}
    return {**part, **settings}
