"""Facts about the detections of a session besides labels: names, flanks, encounters, its filter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from services.common.session.facts import ITEM, NAMED, NONE, OUTSIDE
from spotted.catalogue.entries import is_entry_id
from spotted.constraints.assumptions import Assumptions
from spotted.facts.overrides import Overrides
from spotted.facts.scope import BOTH, LEFT, NO_ENCOUNTER, NO_FLANK, RIGHT, Scope
from spotted.sampling.rounds import Pair
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.session_facts_pb2 import (
    KNOWN_INDIVIDUALS_BELIEVED,
    KNOWN_INDIVIDUALS_UNSPECIFIED,
    DetectionFacts,
    EntryName,
)


class SessionFacts:
    """The facts of all detections of a session, by item, as last read from its survey."""

    def __init__(self) -> None:
        self.names: dict[int, str] = {}
        self.encounter_of: dict[int, str] = {}
        self.entry_names: dict[str, str] = {}
        """Names of the entries of the catalogue that take part; "" without one."""
        self._flags = bytearray()

    def take(self, facts: DetectionFacts, *, complete: bool, start: int = 0) -> bool:
        """Take in facts about some detections; returns whether any of them is before item `start`.

        complete: they replace all earlier ones.
        """
        if complete:
            self.names, self.encounter_of, self._flags = {}, {}, bytearray()
        items = np.frombuffer(facts.detections, ITEM).tolist()
        if items:
            self._flags.extend(bytes(max(0, items[-1] + 1 - len(self._flags))))
        for item, flag in zip(items, facts.flags, strict=True):
            self._flags[item] = flag
            self.encounter_of.pop(item, None)
        self.names |= texts_of(items, facts.names, facts.name_of)
        self.encounter_of |= texts_of(items, facts.encounters, facts.encounter_of)
        return bool(items) and items[0] < start

    def forget_names(self, items: Iterable[int]) -> None:
        """Forget the names of some items, before those of now are taken in."""
        for item in items:
            self.names.pop(item, None)

    def rename(self, entry_names: Sequence[EntryName]) -> list[int]:
        """Take in the names of entries, if there are any; returns the items of those that changed."""
        names = {one.entry_id: one.display_name for one in entry_names}
        before = self.entry_names
        self.entry_names = names or before
        return [i for i, entry in self.entries().items() if names and names.get(entry) != before.get(entry)]

    def copy(self) -> SessionFacts:
        """A copy that can be changed."""
        copied = SessionFacts()
        copied.names, copied.encounter_of = dict(self.names), dict(self.encounter_of)
        copied.entry_names, copied._flags = dict(self.entry_names), bytearray(self._flags)
        return copied

    def assumptions(
        self,
        session: pb.Session,
        same_image: Sequence[Pair],
        gone: Collection[int] = (),
        overrides: Overrides | None = None,
    ) -> Assumptions:
        """The facts that the session takes for granted; those about items that are gone hold no longer."""
        decided = overrides or Overrides()
        believed = session.known_individuals in (KNOWN_INDIVIDUALS_UNSPECIFIED, KNOWN_INDIVIDUALS_BELIEVED)
        pairs = [pair for pair in same_image if pair[0] not in gone and pair[1] not in gone]
        names = {item: name for item, name in self.names.items() if item not in gone} if believed else {}
        encounters = decided.encounters(self._both_flanks(pairs, gone))
        counted = decided.names(names)
        entries = session.catalogue_survey_ids
        only_joining = frozenset(n for n in counted.values() if entries and not is_entry_id(n))
        scope = self.scope(session, gone)
        return Assumptions(pairs, counted, encounters, scope, gone, only_joining)

    def entries(self) -> dict[int, str]:
        """The entry of the catalogue of each item that has one."""
        return {item: name for item, name in self.names.items() if is_entry_id(name)}

    def flank(self, item: int) -> int:
        """The flank that an item shows."""
        return self._flags[item] & BOTH if item < len(self._flags) else NO_FLANK

    def scope(self, session: pb.Session, gone: Collection[int] = ()) -> Scope:
        """The pairs that the session asks about."""
        flags = np.zeros(max([len(self._flags), *(item + 1 for item in gone)]), np.int64)
        flags[: len(self._flags)] = np.frombuffer(bytes(self._flags), np.uint8)
        only, outside = session.filter, (flags & OUTSIDE) // OUTSIDE
        outside[list(gone)] = 1
        return Scope(
            flank=None if session.ask_opposite_flanks else flags & BOTH,
            outside=outside if outside.any() else None,
            named=(flags & NAMED) // NAMED if only.known_individuals_only else None,
            encounter=self._encounters(len(flags)) if only.exclude_same_encounter else None,
        )

    def suggested(self, gone: Collection[int] = ()) -> list[tuple[int, int, str]]:
        """Pairs of one name with that name, so that their answers can join all of its detections.

        Of those that are there, neighbours in the order of their flanks, since opposite flanks are not asked.
        """
        named: defaultdict[str, list[int]] = defaultdict(list)
        for item, name in self.names.items():
            if item not in gone:
                named[name].append(item)
        pairs = []
        for name, items in sorted(named.items()):
            ordered = sorted(items, key=lambda item: (self.flank(item), item))
            pairs += [(min(a, b), max(a, b), name) for a, b in pairwise(ordered)]
        return pairs

    def _both_flanks(self, same_image: Sequence[Pair], gone: Collection[int]) -> Mapping[str, Sequence[int]]:
        """The encounters that show both flanks of an animal, and no two animals in one image."""
        members: defaultdict[str, list[int]] = defaultdict(list)
        for item, encounter in sorted(self.encounter_of.items()):
            if item not in gone:
                members[encounter].append(item)
        social = {self.encounter_of[a] for a, b in same_image if self._share_encounter(a, b)}
        return {
            encounter: items
            for encounter, items in members.items()
            if encounter not in social and {LEFT, RIGHT} <= set(map(self.flank, items))
        }

    def _share_encounter(self, first: int, second: int) -> bool:
        encounter = self.encounter_of.get(first)
        return encounter is not None and encounter == self.encounter_of.get(second)

    def _encounters(self, count: int) -> np.typing.NDArray[np.int64]:
        number = {encounter: n for n, encounter in enumerate(sorted(set(self.encounter_of.values())))}
        column = np.full(count, NO_ENCOUNTER, dtype=np.int64)
        for item, encounter in self.encounter_of.items():
            column[item] = number[encounter]
        return column


def texts_of(items: Sequence[int], texts: Sequence[str], index: bytes) -> dict[int, str]:
    """The text of each item that has one, from a column of indices."""
    numbers: list[int] = np.frombuffer(index, ITEM).tolist()
    return {item: texts[n] for item, n in zip(items, numbers, strict=True) if n != NONE} if numbers else {}


def text_columns(texts: Sequence[str], kept: Collection[str]) -> tuple[list[str], bytes]:
    """Distinct texts, sorted, and the index of each text's row; the opposite of `texts_of`."""
    distinct = sorted(set(texts) & set(kept))
    if not distinct:
        return [], b""
    number = {text: n for n, text in enumerate(distinct)}
    return distinct, np.array([number.get(text, NONE) for text in texts], ITEM).tobytes()
