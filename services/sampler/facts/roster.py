"""The detections of a session by item: numbers that never change, whatever becomes of a detection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.sampler.facts.asked import Asked
from services.sampler.survey_values import Version
from spotted.catalogue.foreign_ids import is_foreign
from spotted.constraints.components import Pair, ordered
from spotted.errors import NotFoundError, PreconditionError
from spotted.individuals.founders import Founder
from spotted.individuals.naming import read_individual_id
from spotted.v1.session_facts_pb2 import SurveyRead

# the version of an item that belongs to a survey with other versions
UNKNOWN = -1


class NotInSessionError(NotFoundError):
    """A label names a detection that the session has not added yet, or that does not exist."""


@dataclass(frozen=True, slots=True)
class Differences:
    """How detections of the survey differ from those of a session; ids, sorted."""

    added: list[str]
    """New ones, and ones that have an image or vector that the session never saw."""
    gone: list[str]
    """Ones that were deleted, or have another image or vector."""
    returned: list[str]
    """Ones that were gone and have an earlier image and vector again."""
    kept: list[str]
    """Ones that are as they were, but for their place, time, side and other texts."""


class Roster:
    """Which item is which detection.

    A detection has an item for each of its images and vectors that the session saw. At most one of them is
    there: the one that the survey has now. The others are gone: they keep their labels, and are there again
    if the detection is.
    """

    def __init__(self) -> None:
        self.detection_ids: list[str] = []
        """The detection of each item."""
        self.item_of: dict[str, int] = {}
        """The item that each detection has, or had last."""
        self.first_of: dict[str, int] = {}
        """The first item of each detection, on which the ids of individuals are founded."""
        self.gone: set[int] = set()
        """The items that are not there."""
        self.foreign: set[int] = set()
        """The items that are detections of other surveys."""
        self._versions: dict[int, int] = {}
        # of the detections that have several
        self._items: dict[str, list[int]] = {}

    def copy(self) -> Roster:
        """A copy that can be changed."""
        copied = Roster()
        copied.detection_ids, copied.item_of = list(self.detection_ids), dict(self.item_of)
        copied.first_of, copied.gone = dict(self.first_of), set(self.gone)
        copied.foreign = set(self.foreign)
        copied._versions = dict(self._versions)
        copied._items = {i: list(items) for i, items in self._items.items()}
        return copied

    def living(self) -> dict[str, int]:
        """The item of each detection that is there."""
        if not self.gone:
            return dict(self.item_of)
        return {i: item for i, item in self.item_of.items() if item not in self.gone}

    def version(self, item: int) -> int:
        """The version of an item's image and vector."""
        return self._versions.get(item, 0)

    def items(self, ids: tuple[str, str]) -> Pair:
        """The items of two detections, the lower first."""
        return ordered(self.item_of[ids[0]], self.item_of[ids[1]])

    def require(self, detection_ids: Sequence[str]) -> None:
        """Raise NotInSessionError unless the session knows these detections."""
        for unknown in (i for i in detection_ids if i not in self.item_of):
            listed = ", ".join(map(repr, detection_ids))
            raise NotInSessionError(
                f"not all of {listed} belong to this session: it has no detection {unknown!r}; add the "
                "detection to its survey first, or correct the id"
            )

    def require_asked(self, asked: Iterable[Asked]) -> None:
        """Raise PreconditionError unless the session had these images and vectors of its detections."""
        for detection_id, version in asked:
            if version is not None and self._with_version(detection_id, version) is None:
                raise PreconditionError(
                    f"the answer is about version {version} of detection {detection_id!r}, which this "
                    "session never had; ask for the question again"
                )

    def asked_items(self, asked: Iterable[Asked]) -> list[int]:
        """The items that an answer is about: those with the versions that were asked about."""
        found = [(i, None if version is None else self._with_version(i, version)) for i, version in asked]
        return [self.item_of[i] if item is None else item for i, item in found]

    def asked_pair(self, asked: Iterable[Asked]) -> Pair:
        """The items that an answer to a pair is about, the lower first."""
        first, second = self.asked_items(asked)
        return ordered(first, second)

    def founder(self, individual_id: str) -> Founder:
        """The identity of an id. Raises KeyError for a text that is no id, or names no detection."""
        own = read_individual_id(individual_id)
        if own is None:
            raise KeyError(individual_id)
        return Founder(self.first_of[own[0]], own[1])

    def returning(self, versions: Mapping[str, int]) -> dict[str, int]:
        """The items that detections get back with these versions."""
        found = {i: self._with_version(i, version) for i, version in versions.items()}
        return {i: self.item_of[i] if item is None else item for i, item in found.items()}

    def differences(
        self, versions: Mapping[str, int], among: Iterable[str], *, comparable: bool = True
    ) -> Differences:
        """Compare some detections with those of the survey.

        versions: of the detections that the survey has. comparable: False if they are those of another
            survey, as after an import; then a detection that is there in both is taken to be the same.
        """
        found = Differences([], [], [], [])
        for detection_id in sorted(among):
            item, version = self.item_of.get(detection_id), versions.get(detection_id)
            is_there = item is not None and item not in self.gone
            if version is None:
                if is_there:
                    found.gone.append(detection_id)
                continue
            own = self._with_version(detection_id, version)
            if is_there and (own == item or not comparable):
                found.kept.append(detection_id)
                continue
            if is_there:
                found.gone.append(detection_id)
            (found.added if own is None else found.returned).append(detection_id)
        return found

    def take_in(self, read: SurveyRead, before: Version | None) -> list[int]:
        """Take in what was read from a survey; returns the items that are gone or there again.

        before: the version of the survey that was read last.
        """
        versions = {one.detection_id: one.version for one in read.versions}
        if before is not None and before.uid != read.survey_uid:
            self._adopt(versions)
        changed = [self.item_of[i] for i in read.gone_detection_ids]
        self.gone.update(changed)
        returning = self.returning({i: versions.get(i, 0) for i in read.returned_detection_ids})
        self.item_of |= returning
        self.gone.difference_update(returning.values())
        changed += returning.values()
        for detection_id in read.added_detection_ids:
            self._add(detection_id, versions.get(detection_id, 0))
        return changed

    def _add(self, detection_id: str, version: int) -> None:
        item = len(self.detection_ids)
        self.detection_ids.append(detection_id)
        self.item_of[detection_id] = item
        if is_foreign(detection_id):
            self.foreign.add(item)
        if detection_id in self.first_of:
            self._items.setdefault(detection_id, [self.first_of[detection_id]]).append(item)
        self.first_of.setdefault(detection_id, item)
        if version:
            self._versions[item] = version

    def _adopt(self, versions: Mapping[str, int]) -> None:
        """Take over the versions of another survey with the same detections, such as a restored one.

        If they differ, it is unknown which of the earlier images and vectors a detection has there.
        """
        for detection_id, item in self.living().items():
            version = versions.get(detection_id, 0)
            if self._versions.get(item, 0) != version:
                self._versions.update(dict.fromkeys(self._items.get(detection_id, ()), UNKNOWN))
                self._versions[item] = version

    def _with_version(self, detection_id: str, version: int) -> int | None:
        """The item of a detection that has this version; None if there is none."""
        own = self.item_of.get(detection_id)
        items = self._items.get(detection_id) or ([] if own is None else [own])
        return next((item for item in items if self._versions.get(item, 0) == version), None)
