"""Animals to add to the catalogue: named individuals of a session, and known names of a survey."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from spotted.client.values.catalogue import CatalogueAddition
from spotted.client.values.individuals import Individual
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
    """The individuals that people gave a name, and those that are an animal of the catalogue.

    An individual that people joined with several animals of the catalogue is refused when it is added.
    """
    found = []
    for one in individuals:
        entry_id, *others = one.catalogue_entry_ids or ("",)
        if entry_id and not others:
            # its own name is not that of the entry
            found.append(CatalogueAddition(Individual(one.individual_id, one.detection_ids), entry_id))
        elif entry_id or one.display_name:
            found.append(CatalogueAddition(one))
    return found


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
