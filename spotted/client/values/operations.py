"""Long-running work, such as the training of a head."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class OperationState(enum.IntEnum):
    """The state of an operation; the values are those of `spotted.v1.OperationState`."""

    RUNNING = 1
    """In progress."""
    SUCCEEDED = 2
    """Done; `OperationInfo.result` is set."""
    FAILED = 3
    """Ended without a result; `OperationInfo.message` says why. A worker that died ends here too."""
    CANCELLED = 4
    """Stopped on request."""


@dataclass(frozen=True, slots=True)
class OperationInfo:
    """An operation at one time."""

    operation_id: str
    """Chosen by the embedder."""
    state: OperationState
    """Running, or how it ended."""
    progress: float
    """Share of the work done, 0 to 1."""
    message: str
    """The present step, or why it ended."""
    result: str
    """The digest of the head; "" until the operation has succeeded."""
    metrics: Mapping[str, float]
    """Figures by name, such as loss, positive_pairs, mean_similarity."""
    started_at_s: float | None
    """When it began, UTC seconds since 1970."""
    updated_at_s: float | None
    """When it last changed; a running operation without a change for a minute has lost its worker."""
