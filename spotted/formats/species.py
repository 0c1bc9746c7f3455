"""The rows of one species, out of a table that may contain several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from spotted.errors import InvalidInputError
from spotted.formats.row import Row


def select_species(rows: Sequence[Row], species: str | None, *, column: str, table: str) -> list[Row]:
    """The rows of a species, or all rows if `species` is None.

    column: contains the name of the species; compared without regard to case.
    table: name of the table in messages.
    Raises InvalidInputError if no row is of the species, or if it is None and the rows name several.
    """
    counts = Counter(row.text(column) for row in rows)
    listed = ", ".join(f"{title or '(none)'} ({count:,})" for title, count in counts.most_common())
    if species is None:
        if len(counts) > 1:
            raise InvalidInputError(
                f"several species in {table}: {listed}; select one with species", field="species"
            )
        return list(rows)
    name = species.strip().casefold()
    selected = [row for row in rows if row.text(column).casefold() == name]
    if not selected:
        raise InvalidInputError(
            f"no row of {table} has species {species!r}; species there: {listed or 'none'}", field="species"
        )
    return selected
