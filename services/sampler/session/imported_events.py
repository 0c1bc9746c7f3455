"""Events of an imported journal; each is checked against the earlier ones before it is folded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from services.common.rpc import checks
from services.sampler.session import round_messages
from services.sampler.session.labels import MOST_LABELS, check_label
from services.sampler.session.state import SessionState
from spotted.errors import InvalidInputError, SpottedError
from spotted.sampling.rounds import Pair
from spotted.sampling.strategies.by_name import strategy
from spotted.sampling.strategies.learned_terms import Term
from spotted.v1 import sampler_pb2 as pb


class ImportedEvents:
    """The events of one journal, in order, converted to events of a session of this survey."""

    def __init__(self, key: tuple[str, str], detection_ids: Collection[str]) -> None:
        """Begin. key: the ids of the survey and the session. detection_ids: the survey's detections."""
        self._key = key
        self._detection_ids = detection_ids
        self._state = SessionState()
        # detections of the session that the survey lacks -> position of the event that added them
        self._missing: dict[str, int] = {}
        self._checks: Mapping[str, Callable[[pb.SessionEvent], None]] = {
            "created": self._check_created,
            "planned": self._check_planned,
            "labelled": self._check_labelled,
            "retracted": self._check_retracted,
            "audit": self._check_audit,
            "left": self._check_left,
        }

    def take(self, event: pb.SessionEvent) -> pb.SessionEvent:
        """The next event as the session stores it.

        Raises InvalidInputError if it cannot follow the earlier events; the message and the field
        `events[i]`, counted from 0 over the whole journal, name the event.
        """
        position = self._state.position + 1
        try:
            self._check(event, position)
            converted = self._converted(event)
            self._state.apply(converted.SerializeToString())
        except SpottedError as error:
            raise InvalidInputError(f"event {position}: {error}", field=f"events[{position - 1}]") from error
        return converted

    def finish(self) -> None:
        """Check the session after its last event.

        Raises InvalidInputError, as `take` does, if the survey lacks one of its detections.
        """
        for detection_id, position in self._missing.items():
            raise InvalidInputError(
                f"event {position}: survey {self._key[0]!r} has no detection {detection_id!r}; import the "
                "session into its own survey, with all its detections",
                field=f"events[{position - 1}]",
            )

    def _converted(self, event: pb.SessionEvent) -> pb.SessionEvent:
        converted = pb.SessionEvent()
        converted.CopyFrom(event)
        converted.DiscardUnknownFields()
        # the order of the journal gives the position
        converted.ClearField("position")
        converted.ClearField("import_id")
        if converted.HasField("created"):
            converted.created.survey_id, converted.created.session_id = self._key
            converted.created.ClearField("create_time")
            converted.created.ClearField("position")
        return converted

    def _check(self, event: pb.SessionEvent, position: int) -> None:
        kind = event.WhichOneof("event")
        if event.position != position:
            raise InvalidInputError(
                f"its position is {event.position}; send every event, in the order of the journal"
            )
        if kind is None:
            raise InvalidInputError("the event is empty; export the session again with this version")
        if (kind == "created") is not (position == 1):
            raise InvalidInputError(f"it is {kind!r}; a journal has one `created`, its first event")
        _check_time(event, "create_time")
        self._checks[kind](event)

    def _check_created(self, event: pb.SessionEvent) -> None:
        settings = event.created.strategy
        if settings.HasField("eps"):
            checks.finite(settings.eps, "eps", least=0.0, most=1.0)
        strategy(settings.strategy_id, **({"eps": settings.eps} if settings.HasField("eps") else {}))
        if event.created.trust not in pb.Trust.values():
            raise InvalidInputError(f"trust is {event.created.trust}; use SINGLE, VERIFIED or leave it out")

    def _check_planned(self, event: pb.SessionEvent) -> None:
        planned, state = event.planned, self._state
        added = planned.added_detection_ids
        checks.unique(added, "added_detection_ids")
        for detection_id in added:
            if detection_id in state.item_of:
                raise InvalidInputError(f"detection {detection_id!r} was already added by an earlier round")
            if detection_id not in self._detection_ids:
                # it may leave the session later
                self._missing[detection_id] = event.position
        new = set(added)
        for change in planned.added_versions:
            if change.detection_id not in new or not change.stored:
                raise InvalidInputError(f"added_versions has {change.detection_id!r}, which it does not add")
        for pair in planned.image_pairs:
            ids = (pair.first_detection_id, pair.second_detection_id)
            self._require(ids, new)
            if new.isdisjoint(ids):
                raise InvalidInputError(f"image_pairs has {ids}, but this round adds neither of them")
        for burst in planned.bursts:
            self._require(burst.detection_ids, new)
        for text in (*planned.reasons, planned.kind, planned.survey_uid):
            checks.words(text, "a text of the round", most=checks.ID_LENGTH)
        _check_round(planned, len(state.detection_ids) + len(added))

    def _check_labelled(self, event: pb.SessionEvent) -> None:
        labelled = event.labelled
        checks.between(len(labelled.labels) + len(labelled.mixed_bursts), 1, MOST_LABELS, "labels")
        for number, label in enumerate(labelled.labels, start=1):
            check_label(label, f"labels[{number - 1}]")
            self._require((label.first_detection_id, label.second_detection_id))
            _check_time(label, "create_time")
            # ids of later labels are made of their positions and must not be taken
            label_id = f"{event.position}-{number}"
            if label.label_id != label_id:
                raise InvalidInputError(f"a label has the id {label.label_id!r}; expected {label_id!r}")
        for burst in labelled.mixed_bursts:
            self._require(burst.detection_ids)

    def _check_retracted(self, event: pb.SessionEvent) -> None:
        retracted = event.retracted
        checks.between(len(retracted.label_ids), 1, MOST_LABELS, "label_ids")
        checks.unique(retracted.label_ids, "label_ids")
        checks.slug(retracted.annotator_id, "annotator_id")
        for label_id in retracted.label_ids:
            if label_id not in self._state.given:
                raise InvalidInputError(
                    f"it retracts label {label_id!r}, which is unknown or retracted already"
                )

    def _check_audit(self, event: pb.SessionEvent) -> None:
        audit = event.audit
        pairs = _pairs(audit.first, audit.second, len(self._state.detection_ids))
        checks.between(len(pairs), 1, audit.open_pairs, "pairs of the audit")

    def _check_left(self, event: pb.SessionEvent) -> None:
        left = event.left
        if not left.detection_ids:
            raise InvalidInputError("no detection left by it")
        checks.unique(left.detection_ids, "detection_ids")
        checks.words(left.survey_uid, "survey_uid", most=checks.ID_LENGTH)
        for detection_id in left.detection_ids:
            if detection_id not in self._state.item_of:
                raise InvalidInputError(f"detection {detection_id!r} leaves, but is not in the session")
            self._missing.pop(detection_id, None)

    def _require(self, detection_ids: Sequence[str], new: Collection[str] = frozenset()) -> None:
        """Raise InvalidInputError unless these are several detections that the session knows."""
        if len(detection_ids) < 2:  # noqa: PLR2004 - a pair
            raise InvalidInputError(f"{list(detection_ids)} are fewer than two detections")
        checks.unique(detection_ids, "detection_ids")
        for detection_id in detection_ids:
            if detection_id not in self._state.item_of and detection_id not in new:
                raise InvalidInputError(f"no earlier round added detection {detection_id!r}")


def _check_round(planned: pb.PlannedRound, items: int) -> None:
    """Raise InvalidInputError unless the columns of a round match each other and its detections."""
    if planned.HasField("eps"):
        checks.finite(planned.eps, "eps", least=0.0)
    if planned.HasField("expected_pairs"):
        checks.finite(planned.expected_pairs, "expected_pairs", least=0.0)
    count = len(_pairs(planned.first, planned.second, items))
    width = len(Term) if planned.terms else 0
    for name, column, expected in (
        ("scores", planned.scores, count * round_messages.SCORE.itemsize),
        ("reason_of", planned.reason_of, count * round_messages.REASON.itemsize),
        ("terms", planned.terms, count * width * round_messages.SCORE.itemsize),
    ):
        if len(column) != expected:
            raise InvalidInputError(f"{name} has {len(column)} bytes; {count} questions need {expected}")
    scores = np.frombuffer(planned.scores, round_messages.SCORE)
    known = np.frombuffer(planned.terms, round_messages.SCORE)
    # with terms, a score is a probability
    if not (np.isfinite(scores).all() and np.isfinite(known).all()) or (
        width and not np.all((scores >= 0.0) & (scores <= 1.0))
    ):
        raise InvalidInputError("its scores or terms are not finite, or its scores are not probabilities")
    if np.any(np.frombuffer(planned.reason_of, round_messages.REASON) >= len(planned.reasons)):
        raise InvalidInputError(f"a reason number is not below its {len(planned.reasons)} reasons")


def _pairs(first: bytes, second: bytes, items: int) -> list[Pair]:
    """The pairs of two columns. Raises InvalidInputError unless they are pairs of `items` detections."""
    if len(first) != len(second) or len(first) % round_messages.ITEM.itemsize:
        raise InvalidInputError(f"its pair columns have {len(first)} and {len(second)} bytes")
    pairs = round_messages.read_pairs(first, second)
    for pair in pairs:
        if not 0 <= pair[0] < pair[1] < items:
            raise InvalidInputError(f"it asks about {pair}, but the session has detections 0 to {items - 1}")
    return pairs


def _check_time(message: pb.SessionEvent | pb.Label, field: str) -> None:
    if not message.HasField("create_time"):
        raise InvalidInputError(f"{field} is missing")
    checks.instant(message.create_time, field)
