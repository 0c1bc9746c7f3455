"""Individuals: who they are, what changed them, and changes as they are watched."""

from __future__ import annotations

from dataclasses import dataclass

from spotted.client.values.sessions import Evidence, Label
from spotted.individuals.attributes import Sex, Status


@dataclass(frozen=True, slots=True)
class Alias:
    """An individual that became part of another one."""

    individual_id: str
    """Its id, which the other one also answers to."""
    display_name: str
    """The name that people gave it; "" without one."""


@dataclass(frozen=True, slots=True)
class Individual:
    """One hypothesised animal."""

    individual_id: str
    """Its id, which stays when other detections come or go."""
    detection_ids: tuple[str, ...]
    """Its detections, ordered by id."""
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
    """Individuals that became part of it."""
    position: int = 0
    """Position of the event in the journal that changed it last."""
    catalogue_entry_ids: tuple[str, ...] = ()
    """The entry of the catalogue that it is; several if a person joined them."""
    catalogue_name: str = ""
    """The name of the only entry; "" without one."""

    @property
    def name(self) -> str:
        """Its display name, or else that of the animal of the catalogue that it is, or its id."""
        return self.display_name or self.catalogue_name or self.individual_id


@dataclass(frozen=True, slots=True)
class IndividualsChange:
    """The result of a change of individuals by a person."""

    position: int
    """Position of its event, by which `SessionHandle.undo_change` undoes it."""
    individuals: tuple[Individual, ...]
    """The individuals concerned as they are after it, by id."""
    superseded: tuple[Label, ...]
    """The labels against it, without effect until it is undone; for an undo those that stand again."""
    superseded_count: int
    """Number of these labels; larger if not all fit into the answer."""
    superseded_facts: tuple[Evidence, ...] = ()
    """The known names and encounters against it, which do not count until it is undone; for an undo those
    that count again."""
    superseded_fact_count: int = 0
    """Number of these facts; larger if not all fit into the answer."""


@dataclass(frozen=True, slots=True)
class WatchedChange:
    """A change of the individuals of a session; applying each in order keeps a copy of them equal."""

    reset: bool
    """True if this is a full list: drop everything that is known of the session first."""
    ended: tuple[str, ...]
    """Ids of individuals that are part of others now."""
    individuals: tuple[Individual, ...]
    """New and changed individuals, by id."""
    cursor: str
    """Where to resume, to be stored together with the change."""
    position: int
    """Number of events in the journal up to here."""
