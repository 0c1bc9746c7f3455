"""Individuals as cards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from services.review.forms.instants import instant, word
from services.review.forms.labels import label_form
from services.review.forms.photos import Json
from services.review.surveys.held import HeldSurvey
from spotted.client.values import Individual, IndividualsChange
from spotted.survey import Detection, Side


def card_form(individual: Individual, survey: HeldSurvey) -> Json:
    """An individual with what its photographs say."""
    shown = survey.found(individual.detection_ids)
    times = [d.captured_at_s for d in shown if d.captured_at_s is not None]
    return {
        "individual_id": individual.individual_id,
        "name": individual.name,
        "display_name": individual.display_name,
        "sex": word(individual.sex),
        "status": word(individual.status),
        "photographs": len(individual.detection_ids),
        "first_seen": instant(min(times), survey.zone) if times else None,
        "last_seen": instant(max(times), survey.zone) if times else None,
        "cameras": sorted({d.camera_id for d in shown if d.camera_id}),
        "sides": sorted({word(d.side) for d in shown} - {"unknown"}),
        "best": {name: _best(shown, sides, survey) for name, sides in BEST.items()},
        "position": individual.position,
    }


def details_form(individual: Individual) -> Json:
    """The fields that the page of one individual has besides its card."""
    return {
        "notes": individual.notes,
        "tags": list(individual.tags),
        "dead_since": instant(individual.dead_since_s),
        "aliases": [
            {"individual_id": alias.individual_id, "display_name": alias.display_name}
            for alias in individual.aliases
        ],
    }


def change_form(change: IndividualsChange, survey: HeldSurvey) -> Json:
    """The result of a change by a person."""
    return {
        "position": change.position,
        "individuals": [card_form(one, survey) for one in change.individuals],
        "superseded": [label_form(label) for label in change.superseded],
        "superseded_count": change.superseded_count,
    }


# photographs of a card: those of which side may be shown
BEST: Mapping[str, frozenset[Side]] = {
    "left": frozenset({Side.LEFT}),
    "right": frozenset({Side.RIGHT}),
    "other": frozenset(Side) - {Side.LEFT, Side.RIGHT},
}
ORDERS: Mapping[str, Callable[[Json], tuple[object, ...]]] = {
    "size": lambda card: (-_count(card), str(card["individual_id"])),
    "least_photographs": lambda card: (_count(card), str(card["individual_id"])),
    "last_seen": lambda card: (str(card["last_seen"] or ""), str(card["individual_id"])),
    "name": lambda card: (str(card["name"]).casefold(), str(card["individual_id"])),
}


def _count(card: Json) -> int:
    return int(str(card["photographs"]))


def _best(shown: Sequence[Detection], sides: frozenset[Side], survey: HeldSurvey) -> Json | None:
    """The photograph in which the animal is largest, of equal ones the first."""
    fitting = [d for d in shown if d.side in sides]
    if not fitting:
        return None
    return survey.photo(max(fitting, key=lambda d: (_area(d), d.detection_id)))


def _area(detection: Detection) -> float:
    box = detection.box
    # pixels cannot be compared without the image, and no box is no statement
    return 0.0 if box is None or box.in_pixels else box.width * box.height
