"""Two crops compared cell by cell: which parts of them make their vectors alike.

The crops are admitted, decoded and queued as those of an Embed call, so that the limits of these hold.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from services.embedder.inference.calls import CropResult, EmbedCall, NamedPhotograph
from spotted.arrays import Float32Array, Float64Array
from spotted.errors import SpottedError
from spotted.scoring.cells import match_cells, similarity_shares


@dataclass(frozen=True, slots=True)
class CellPair:
    """Two cells that are each other's nearest."""

    first: tuple[int, int]
    """Row and column in the first crop."""
    second: tuple[int, int]
    """Row and column in the second crop."""
    share: float
    """The part of the similarity that the two add."""


@dataclass(frozen=True, slots=True)
class PairHeat:
    """The parts of the cosine of two vectors that the cells of their crops add."""

    similarity: float
    """The cosine."""
    first: Float64Array
    """(rows, columns) what each cell of the first crop adds, with all cells of the second."""
    second: Float64Array
    """The same of the second crop."""
    matches: tuple[CellPair, ...]
    """Cells that are each other's nearest, of largest share first."""


async def compare_crops(
    call: EmbedCall,
    crops: tuple[NamedPhotograph, NamedPhotograph],
    deadline_s: float | None,
    *,
    most: int,
) -> PairHeat:
    """Compare two crops, with at most `most` matched cells.

    Raises the error of a crop that cannot be used, which names it, and errors that concern the whole call.
    """
    results = await call.embed_all(crops, deadline_s)
    first, second = (_cells(one, name) for one, name in zip(results, ("first", "second"), strict=True))
    return await asyncio.to_thread(heat, first, second, most=most)


def heat(first: Float32Array, second: Float32Array, *, most: int) -> PairHeat:
    """The parts of the cosine that the cells of two images add.

    first, second: (rows, columns, dimension) the parts of the vectors. Raises InvalidInputError.
    """
    flat = [cells.reshape(-1, cells.shape[2]) for cells in (first, second)]
    shares = similarity_shares(*flat)
    across, other_across = first.shape[1], second.shape[1]
    matches = tuple(
        CellPair(divmod(a, across), divmod(b, other_across), float(shares[a, b]))
        for a, b in match_cells(*flat, most=most).tolist()
    )
    return PairHeat(
        float(shares.sum()),
        shares.sum(axis=1).reshape(first.shape[:2]),
        shares.sum(axis=0).reshape(second.shape[:2]),
        matches,
    )


def _cells(result: CropResult, name: str) -> Float32Array:
    if isinstance(result.embedding, SpottedError):
        raise type(result.embedding)(f"the {name} crop: {result.embedding}") from result.embedding
    if result.embedding.cells is None:
        raise RuntimeError("cells were not asked for")
    return result.embedding.cells
