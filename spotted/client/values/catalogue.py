"""The catalogue: animals over several surveys, changes of them, and who photographs may show."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from spotted.catalogue.facts import Member
from spotted.client.values.individuals import Alias, Individual
from spotted.individuals.attributes import Sex, Status
from spotted.survey import Camera, Detection


class CatalogueSource(enum.IntEnum):
    """Where the animals of an addition come from; the values are those of `spotted.v1`."""

    PERSON = 1
    """A person chose the detections."""
    SESSION = 2
    """The individuals of a session."""
    KNOWN_NAMES = 3
    """The known names of a survey."""
    DELETION = 4
    """Only in changes: the detections were deleted, or their images were replaced."""


class CatalogueChangeKind(enum.IntEnum):
    """The kind of a change; the values are those of `spotted.v1`."""

    ADDED = 1
    """Members were added."""
    UPDATED = 2
    """Attributes were set."""
    MERGED = 3
    """Entries became one."""
    SPLIT = 4
    """Members went to another entry."""
    REMOVED = 5
    """Members were taken out."""
    UNDONE = 6
    """An earlier change was undone."""


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """An animal of the catalogue."""

    entry_id: str
    """Its id, which never changes."""
    members: tuple[Member, ...]
    """Its photographs, ordered by survey and detection."""
    display_name: str = ""
    """The name that people call it by; "" without one."""
    sex: Sex = Sex.UNKNOWN
    """Its sex."""
    status: Status = Status.UNKNOWN
    """Whether it can still be met."""
    dead_since_s: float | None = None
    """When it died or was found dead, UTC seconds since 1970; None if unknown or not dead."""
    notes: str = ""
    """Free text."""
    tags: tuple[str, ...] = ()
    """Free words."""
    aliases: tuple[Alias, ...] = ()
    """Entries that became part of it."""
    etag: str = ""
    """Changes with every change of it that the caller may see."""

    @property
    def name(self) -> str:
        """Its display name, or else its id."""
        return self.display_name or self.entry_id

    @property
    def survey_ids(self) -> tuple[str, ...]:
        """The surveys of its members, ordered."""
        return tuple(sorted({member.survey_id for member in self.members}))


@dataclass(frozen=True, slots=True)
class CatalogueAddition:
    """An animal to add."""

    individual: Individual
    """Its detections and attributes."""
    entry_id: str = ""
    """The entry that it is; "" for the one that has some of its detections, or a new one."""


@dataclass(frozen=True, slots=True)
class AddedAnimal:
    """The result of an addition."""

    name: str
    """Name or id of the individual that was to be added."""
    entry_id: str
    """The entry that has its detections now; "" if it was refused."""
    added: int
    """Number of detections that were added."""
    unchanged: int
    """Number of detections that were members before."""
    created: bool
    """Whether the entry is new."""
    same_name: tuple[str, ...] = ()
    """Other entries of the same name; merge them if they are one animal."""
    reason: str = ""
    """Stable reason of a refusal; "" if it was carried out."""
    message: str = ""
    """The refusal and its remedy."""


@dataclass(frozen=True, slots=True)
class AddedAnimals:
    """The result of adding animals."""

    animals: tuple[AddedAnimal, ...]
    """In the order given."""
    change_ids: tuple[str, ...]
    """The changes, by which it can be undone, the last one first."""


@dataclass(frozen=True, slots=True)
class CatalogueResult:
    """The result of a change."""

    change_id: str
    """The change, by which it can be undone."""
    entries: tuple[CatalogueEntry, ...]
    """The entries concerned as they are after it, by id."""


@dataclass(frozen=True, slots=True)
class MemberPhotograph:
    """A member of the catalogue beside the photographs of another survey."""

    survey_id: str
    """The survey that has it."""
    detection: Detection
    """The detection, as that survey has it."""
    entry_id: str
    """The entry that it belongs to."""
    camera: Camera | None
    """Its camera with its position on the plane of the other survey; None if that is unknown."""


@dataclass(frozen=True, slots=True)
class WatchedCatalogueChange:
    """A change of the entries; applying each in order keeps a copy of them equal."""

    reset: bool
    """True if this is a full list: drop everything that is known of the catalogue first."""
    ended: tuple[str, ...]
    """Ids of entries that are part of others now, or of which nothing is left."""
    entries: tuple[CatalogueEntry, ...]
    """New and changed entries, by id."""
    cursor: str
    """Where to resume, to be stored together with the change."""


@dataclass(frozen=True, slots=True)
class CatalogueChange:
    """A change of the catalogue."""

    change_id: str
    """Its id."""
    create_time_s: float | None
    """When it was stored, UTC seconds since 1970."""
    annotator_id: str
    """Who made it; "" if detections were deleted."""
    kind: CatalogueChangeKind
    """Its kind."""
    source: CatalogueSource | None
    """Where added members come from, or why they were removed."""
    survey_id: str
    """The survey of added members."""
    session_id: str
    """The session that they come from."""
    undone_change_id: str
    """The change that it undoes."""
    members: Mapping[Member, str]
    """Entry of each member that was added, moved or taken out; "" for none."""
    entry_ids: tuple[str, ...]
    """The entries whose attributes or links it changed, sorted."""

    def __hash__(self) -> int:
        return hash(self.change_id)


@dataclass(frozen=True, slots=True)
class PhotographCandidate:
    """A member that may show the same animal."""

    survey_id: str
    """Its survey."""
    detection_id: str
    """The detection."""
    entry_id: str
    """The entry that it belongs to."""
    query_detection_id: str
    """The photograph of the query that it was compared with."""
    visual: float
    """max(0, cosine), 0 to 1."""
    feasibility: float | None
    """0 to 1; None if positions cannot be compared or a time is missing."""
    fused: float
    """The score that ranks."""
    reason: str
    """The feasibility as text."""


@dataclass(frozen=True, slots=True)
class AnimalCandidate:
    """An animal that a query may show."""

    entry_id: str
    """The entry."""
    display_name: str
    """Its name; "" without one."""
    best: PhotographCandidate
    """Its best photograph."""


@dataclass(frozen=True, slots=True)
class MatchedSurvey:
    """A survey that candidates come from."""

    survey_id: str
    """The survey."""
    members: int
    """Number of its members that compete."""
    missing: int
    """Number of its members whose detection or image is no longer there."""
    reason: str
    """Why the feasibility of journeys to it is unknown; "" if positions are compared."""


@dataclass(frozen=True, slots=True)
class CatalogueMatch:
    """The animals that a query may show."""

    detection_ids: tuple[str, ...]
    """The photographs of the query."""
    encounter_id: str
    """The encounter, if it was asked about."""
    entry_id: str
    """The entry that the photographs belong to already; "" if none, or several."""
    animals: tuple[AnimalCandidate, ...]
    """Best first, each by its best photograph."""
    photographs: tuple[PhotographCandidate, ...]
    """Best first."""
    compared: int
    """Number of photographs that competed."""
    surveys: tuple[MatchedSurvey, ...]
    """The surveys that candidates come from, ordered by id."""
    fallback: str = ""
    """Why another fusion than the one asked for was used, and the remedy; "" if it was not."""
