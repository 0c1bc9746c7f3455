"""Names as identifiers that text formats of other programs can hold."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

# read by R as a missing value, or by secr as "no capture"
RESERVED = frozenset({"NA", "NONE", "NaN", "NULL", "Inf"})


def plain_ids(
    names: Sequence[str], *, extra: str = "", reserved: Collection[str] = RESERVED
) -> dict[str, str]:
    """A different identifier for each name: letters, digits, dots, hyphens and the characters of `extra`.

    A name that is such an identifier keeps it; other characters become hyphens, and what would then stand
    twice gets a number.

    >>> plain_ids(["Asha", "Old Tau", "Old, Tau", "NA"])
    {'Asha': 'Asha', 'Old Tau': 'Old-Tau', 'Old, Tau': 'Old-Tau-2', 'NA': 'NA-2'}
    """
    other = re.compile(rf"(?:(?![.{re.escape(extra)}-])[\W_])+")
    wanted = {name: other.sub("-", name).strip("-") or "x" for name in names}
    taken = set(reserved) | {name for name, plain in wanted.items() if name == plain}
    ids: dict[str, str] = {}
    for name, plain in wanted.items():
        if name == plain and name not in reserved:
            ids[name] = name
            continue
        numbered = (plain if number == 1 else f"{plain}-{number}" for number in range(1, len(names) + 3))
        ids[name] = next(one for one in numbered if one not in taken)
        taken.add(ids[name])
    return ids
