"""Rows of all processes that train together, so that a method compares them across all of a batch.

A method that computes its whole loss from gathered rows has the same loss in every process. The gradients
that come back add up over the processes, and the loop averages those of the parameters, so that a step is
that of one process with the whole batch. Only batch normalisation stays within a process.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import distributed
from torch.distributed.nn.functional import all_gather


def gather_rows(rows: torch.Tensor) -> torch.Tensor:
    """Rows (n, ...) of every process, one after the other; the gradient of each flows back to its process.

    >>> gather_rows(torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """
    if not _together():
        return rows
    gathered = cast("tuple[torch.Tensor, ...]", all_gather(rows))  # type: ignore[no-untyped-call] # torch leaves it untyped
    return torch.cat(gathered)


@torch.no_grad()
def gather_constants(rows: torch.Tensor) -> torch.Tensor:
    """Rows (n, ...) of every process, one after the other, without a gradient."""
    if not _together():
        return rows
    found = [torch.empty_like(rows) for _ in range(distributed.get_world_size())]
    distributed.all_gather(found, rows.contiguous())
    return torch.cat(found)


def _together() -> bool:
    return distributed.is_initialized() and distributed.get_world_size() > 1
