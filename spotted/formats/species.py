"""The rows of one species, out of a table that may contain several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from spotted.errors import InvalidInputError
from spotted.formats.row import Row


def select_species(rows: Sequence[Row], species: str | None, *, column: str, table: str) -> list[Row]:
    """The rows of a species, or all rows if `species` is None.

    column: contains the name of the species; compared without regard to case and spaces.
    table: name of the table in messages.
    Raises InvalidInputError if no row is of the species, or if it is None and the rows name several.
    """
    counts = Counter(_folded(row.text(column)) for row in rows)
    written = {_folded(row.text(column)): row.text(column) for row in reversed(rows)}
    listed = ", ".join(f"{written[key] or '(none)'} ({count:,})" for key, count in counts.most_common())
    if species is None:
        if len(counts) > 1:
            raise InvalidInputError(
                f"several species in {table}: {listed}; select one with --species", field="species"
            )
        return list(rows)
    selected = [row for row in rows if _folded(row.text(column)) == _folded(species)]
    if not selected:
        raise InvalidInputError(
            f"no row of {table} has species {species!r}; species there: {listed or 'none'}", field="species"
        )
    return selected


def _folded(species: str) -> str:
    return " ".join(species.split()).casefold()
