"""How much the workers of one embedder do, and admit, at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

from services.common.memory import MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a batcher does and admits at once."""

    workers: int
    """Threads; each prepares items and runs batches."""
    runs: int
    """Most batches running at once; fewer than `workers` if one device runs them all."""
    claim: int
    """Most items that a thread prepares before it looks for a batch to run."""
    max_batch: int
    """Most items in one batch."""
    claim_cost: float = math.inf
    """Most that the items of a claim may cost together; one that costs more is prepared by itself."""
    max_queue: int = 256
    """Most items admitted and not yet finished; a single share may fill half."""
    max_queue_bytes: int = 256 * MIB
    """Most bytes of these items; a single share may fill half."""
