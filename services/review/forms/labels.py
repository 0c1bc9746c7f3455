"""Labels, their effects, and conflicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from services.review.forms.fields import Body
from services.review.forms.instants import instant, word
from services.review.forms.photos import Json
from spotted.client.values import BurstAnswer, Confidence, Conflict, Evidence, Label, StoredLabel
from spotted.constraints.answers import Answer, LabelEffect

# of a number of the contract
LARGEST_VERSION = 2**32 - 1
EFFECTS = {
    LabelEffect.PENDING: "not enough evidence yet to decide; the pair is asked again",
    LabelEffect.SPLIT: "earlier answers merged what this one separates; the group was split",
    LabelEffect.REOPENED: "earlier answers separated what this one merges; it is asked again",
    LabelEffect.GONE: (
        "one of the photographs was deleted or replaced before your answer came; the answer is kept with the "
        "earlier photograph, and the pair is asked again if it is still open"
    ),
}


def labels_of(body: Body, annotator: str) -> list[Label]:
    """The answers to pairs of a body."""
    return [
        Label(
            one.required("first"),
            one.required("second"),
            one.chosen("answer", Answer),
            annotator,
            note=one.text("note"),
            versions=(_version(one, "first_version"), _version(one, "second_version")),
            confidence=_confidence(one),
        )
        for one in body.objects("labels")
    ]


def bursts_of(body: Body, annotator: str) -> list[BurstAnswer]:
    """The answers to bursts of a body."""
    return [
        BurstAnswer(
            tuple(one.texts("detections")),
            one.flag("one_animal"),
            annotator,
            tuple(one.wholes("versions", most=LARGEST_VERSION)),
            note=one.text("note"),
            confidence=_confidence(one),
        )
        for one in body.objects("bursts")
    ]


def label_form(label: Label) -> Json:
    """A stored label."""
    return {
        "label_id": label.label_id,
        "first": label.first_detection_id,
        "second": label.second_detection_id,
        "answer": word(label.answer),
        "annotator": label.annotator_id,
        "note": label.note,
        "confidence": word(label.confidence),
        "created_at": instant(label.created_at_s),
    }


def outcome_form(outcome: StoredLabel, photos: Callable[[Iterable[str]], Json]) -> Json:
    """A label as stored, with its effect."""
    conflict = outcome.conflict
    message = f"kept as a conflict: {conflict.message}" if conflict else EFFECTS.get(outcome.effect, "")
    return {
        "label": label_form(outcome.label),
        "effect": word(outcome.effect),
        "implied_same_pairs": outcome.implied_same_pairs,
        "message": message,
        "conflict": conflict_form(conflict, photos) if conflict else None,
    }


def conflict_form(conflict: Conflict, photos: Callable[[Iterable[str]], Json]) -> Json:
    """A conflict with the photographs that it names. photos: returns those of ids."""
    return {
        "message": conflict.message,
        "label": label_form(conflict.label) if conflict.label else None,
        "explanation": [label_form(label) for label in conflict.explanation],
        "evidence": [_evidence_form(one) for one in conflict.evidence],
        "photos": photos(conflict_detections(conflict)),
    }


def conflict_detections(conflict: Conflict) -> list[str]:
    """The detections that a conflict names."""
    labels = [*([conflict.label] if conflict.label else []), *conflict.explanation]
    pairs: list[tuple[str, str]] = [(one.first_detection_id, one.second_detection_id) for one in labels]
    pairs += [(one.first_detection_id, one.second_detection_id) for one in conflict.evidence]
    return [one for pair in pairs for one in pair]


def stored_together(labels: Sequence[Label], annotator: str, limit: int) -> list[Json]:
    """The last answers of an annotator, newest first; the labels of one question were stored together."""
    together: dict[float | None, list[Label]] = {}
    for label in labels:
        if label.annotator_id == annotator:
            together.setdefault(label.created_at_s, []).append(label)
    newest = list(together.items())[-limit:][::-1]
    return [
        {"labels": [label_form(label) for label in each], "created_at": instant(at)} for at, each in newest
    ]


def _confidence(answer: Body) -> Confidence | None:
    """How sure a person is; None if they did not say."""
    return answer.chosen("confidence", Confidence) if answer.text("confidence") else None


def _version(label: Body, name: str) -> int | None:
    """Which image of a detection was asked about; None if the page does not say."""
    return None if label.fields.get(name) is None else label.whole(name, 0, most=LARGEST_VERSION)


def _evidence_form(evidence: Evidence) -> Json:
    return {
        "source": word(evidence.source),
        "first": evidence.first_detection_id,
        "second": evidence.second_detection_id,
        "names": list(evidence.names),
    }
