"""Animals to add to the catalogue: named individuals of a session, and known names of a survey."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from spotted.client.values.catalogue import AddedAnimal, CatalogueAddition
from spotted.client.values.individuals import Individual
from spotted.errors import PreconditionError
from spotted.survey import Detection

# of one call: animals, and detections of all of them
MOST_ANIMALS, MOST_DETECTIONS = 500, 5000


def known_names(detections: Iterable[Detection]) -> list[CatalogueAddition]:
    """The animals of a survey by the names of its detections, ordered by name.

    >>> animals = known_names([Detection("d1", individual_id="Sita"), Detection("d2")])
    >>> [(one.individual.display_name, one.individual.detection_ids) for one in animals]
    [('Sita', ('d1',))]
    """
    named: dict[str, list[str]] = {}
    for detection in detections:
        if detection.individual_id:
            named.setdefault(detection.individual_id, []).append(detection.detection_id)
    return [CatalogueAddition(Individual("", tuple(named[name]), name)) for name in sorted(named)]


def named_individuals(individuals: Iterable[Individual]) -> list[CatalogueAddition]:
    """The individuals that people gave a name, and those that are one animal of the catalogue."""
    found = []
    for one in individuals:
        if len(one.catalogue_entry_ids) == 1:
            # its own name is not that of the entry
            member = Individual(one.individual_id, one.detection_ids)
            found.append(CatalogueAddition(member, one.catalogue_entry_ids[0]))
        elif one.display_name and not one.catalogue_entry_ids:
            found.append(CatalogueAddition(one))
    return found


def refused_individuals(individuals: Iterable[Individual]) -> list[AddedAnimal]:
    """The individuals that people joined with several animals of the catalogue, which cannot be added."""
    return [
        AddedAnimal(
            one.name,
            entry_id="",
            added=0,
            unchanged=0,
            created=False,
            reason=PreconditionError.reason,
            message=f"the session joined it with {' and '.join(one.catalogue_entry_ids)}; merge these "
            "animals first, or take back the answers that joined them",
        )
        for one in individuals
        if len(one.catalogue_entry_ids) > 1
    ]


def batches(additions: Sequence[CatalogueAddition]) -> Iterator[list[CatalogueAddition]]:
    """Animals in batches that fit into a call; one with many detections comes by itself."""
    batch: list[CatalogueAddition] = []
    count = 0
    for addition in additions:
        more = len(addition.individual.detection_ids)
        if batch and (len(batch) == MOST_ANIMALS or count + more > MOST_DETECTIONS):
            yield batch
            batch, count = [], 0
        batch.append(addition)
        count += more
    if batch:
        yield batch
