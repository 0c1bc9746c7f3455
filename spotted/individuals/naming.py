"""The name of each detection in files: what a person typed stays, and unnamed animals get an id."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

# `ind`, a number if several were founded on one detection, and the id of the detection
_ID = re.compile(r"ind([1-9][0-9]*)?-(.*)", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class NamedIndividual:
    """One individual of a session."""

    individual_id: str
    """Its id."""
    display_name: str
    """The name that a person gave it in the session; "" without one."""
    detection_ids: tuple[str, ...]
    """Its detections."""


@dataclass(frozen=True, slots=True)
class CellChange:
    """A cell whose content changes."""

    detection_id: str
    """The detection of its row."""
    old: str
    """Its content; "" if it is empty."""
    new: str
    """Its new content."""


@dataclass(frozen=True, slots=True)
class NameConflict:
    """An individual that people gave several names; its cells are left as they are.

    >>> one = NamedIndividual("ind-a", "", ("a", "b"))
    >>> name_detections([one], {"a": "Mvula", "b": "Chipembere"}).conflicts
    (NameConflict(individual_id='ind-a', names=('Chipembere', 'Mvula'), detection_ids=('a', 'b')),)
    """

    individual_id: str
    """Its id."""
    names: tuple[str, ...]
    """The names, sorted; that of the session too."""
    detection_ids: tuple[str, ...]
    """Its detections."""


@dataclass(frozen=True, slots=True)
class Naming:
    """The names to write."""

    names: Mapping[str, str]
    """Name by detection id; a detection of a conflict has the name that was typed, or none."""
    changes: tuple[CellChange, ...]
    """The cells that change, in the order of the detections of the files."""
    conflicts: tuple[NameConflict, ...]
    """Individuals with several names, by id."""
    shared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names that several individuals have, each with their ids: nothing has joined these so far."""


def individual_id(detection_id: str, copy: int = 0) -> str:
    """The id of the individual that is founded on a detection. copy: earlier ones founded on it.

    >>> individual_id("d07"), individual_id("d07", 1)
    ('ind-d07', 'ind2-d07')
    """
    return f"ind{copy + 1 if copy else ''}-{detection_id}"


def read_individual_id(text: str) -> tuple[str, int] | None:
    """The detection and the copy of an id; None for a text that is no id.

    >>> read_individual_id("ind2-d07")
    ('d07', 1)
    """
    found = _ID.fullmatch(text)
    if found is None or found[1] == "1":
        return None
    return found[2], int(found[1] or 1) - 1


def name_detections(individuals: Iterable[NamedIndividual], typed: Mapping[str, str]) -> Naming:
    """The names of the detections of a session's individuals.

    typed: what the files have by detection id, "" for an empty cell. An id that Spotted once wrote is no
    name that a person typed.

    An individual with one typed name, in the files or in the session, has it; one without any has its id; one
    with several is a conflict, and nothing is written.

    >>> one = NamedIndividual("ind-a", "", ("a", "b"))
    >>> two = NamedIndividual("ind-c", "", ("c",))
    >>> naming = name_detections([one, two], {"a": "", "b": "Mvula", "c": ""})
    >>> naming.names
    {'a': 'Mvula', 'b': 'Mvula', 'c': 'ind-c'}
    >>> naming.changes[0]
    CellChange(detection_id='a', old='', new='Mvula')
    """
    names: dict[str, str] = {}
    conflicts: list[NameConflict] = []
    holders: defaultdict[str, list[str]] = defaultdict(list)
    for one in individuals:
        cells = {i: _typed(typed.get(i, ""), typed) for i in one.detection_ids}
        given = sorted({*cells.values(), one.display_name} - {""})
        if len(given) > 1:
            conflicts.append(NameConflict(one.individual_id, tuple(given), one.detection_ids))
            names |= cells
        else:
            names |= dict.fromkeys(one.detection_ids, given[0] if given else one.individual_id)
        for name in given:
            holders[name].append(one.individual_id)
    left = {i for conflict in conflicts for i in conflict.detection_ids}
    changes = (CellChange(i, old, names[i]) for i, old in typed.items() if i in names and i not in left)
    return Naming(
        names=names,
        changes=tuple(change for change in changes if change.new != change.old),
        conflicts=tuple(sorted(conflicts, key=lambda conflict: conflict.individual_id)),
        shared={name: tuple(ids) for name, ids in sorted(holders.items()) if len(ids) > 1},
    )


def _typed(cell: str, detection_ids: Collection[str]) -> str:
    """The name that a person typed into a cell; "" for an id of Spotted."""
    own = read_individual_id(cell)
    return "" if own and own[0] in detection_ids else cell
