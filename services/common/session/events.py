"""The events of a session's journal, each checked against those before it, whoever brings them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import numpy as np

from services.common.rpc import checks
from services.common.session import round_messages
from services.common.session.changes import check_change
from services.common.session.facts import check_facts
from services.common.session.labels import MOST_LABELS, check_label, check_remark
from services.common.session.settings import check_settings
from spotted.catalogue.foreign_ids import is_foreign
from spotted.errors import InvalidInputError
from spotted.sampling.rounds import Pair
from spotted.sampling.strategies.by_name import strategy
from spotted.sampling.strategies.learned_terms import Term
from spotted.v1 import sampler_pb2 as pb
from spotted.v1 import survey_pb2
from spotted.v1.session_facts_pb2 import SurveyRead


class SessionEvents:
    """The events of one journal, in order."""

    def __init__(
        self, survey_id: str, detection_ids: Collection[str], *, may_lack_gone: bool = False
    ) -> None:
        """Begin.

        detection_ids: the detections that an event may add. may_lack_gone: an event may also add others of
            which a later one says that they are gone; `require_detections` then has to be called in the end.
        """
        self.events = 0
        self._survey_id = survey_id
        self._detection_ids = detection_ids
        self._may_lack_gone = may_lack_gone
        self._known: set[str] = set()
        self._gone: set[str] = set()
        self._items = 0
        # detections that the session has and the survey has not, with the position of their event
        self._missing: dict[str, int] = {}
        self._labels: set[str] = set()
        self._round = 0
        self._checks: Mapping[str, Callable[[pb.SessionEvent], None]] = {
            "created": self._check_created,
            "planned": self._check_planned,
            "labelled": self._check_labelled,
            "retracted": self._check_retracted,
            "audit": self._check_audit,
            "read": lambda event: self._check_read(event.read),
            "updated": self._check_updated,
            "changed": lambda event: check_change(event.changed, self._known),
        }

    def take(self, event: pb.SessionEvent) -> None:
        """Check the next event. Raises InvalidInputError if it cannot follow the earlier ones."""
        kind = event.WhichOneof("event")
        if kind is None:
            raise InvalidInputError("the event is empty; export the session again with this version")
        if (kind == "created") is bool(self.events):
            raise InvalidInputError(f"it is {kind!r}; a journal has one `created`, its first event")
        _check_time(event, "create_time")
        self._checks[kind](event)
        self.events += 1

    def require_detections(self) -> None:
        """Raise InvalidInputError if the survey lacks a detection that the session has after all events."""
        for detection_id, position in self._missing.items():
            raise InvalidInputError(
                f"event {position}: {self._lack(detection_id)}", field=f"events[{position - 1}]"
            )

    def _check_created(self, event: pb.SessionEvent) -> None:
        settings = event.created.strategy
        if settings.HasField("eps"):
            checks.finite(settings.eps, "eps", least=0.0, most=1.0)
        strategy(settings.strategy_id, **({"eps": settings.eps} if settings.HasField("eps") else {}))
        check_settings(event.created, "")

    def _check_planned(self, event: pb.SessionEvent) -> None:
        planned = event.planned
        self._check_added(planned.added_detection_ids, (), planned.image_pairs)
        new = set(planned.added_detection_ids)
        items = self._items + len(new)
        check_facts(planned.facts, items)
        for burst in planned.bursts:
            self._require(burst.detection_ids, new)
        for text in (*planned.reasons, planned.kind, planned.survey_uid):
            checks.words(text, "a text of the round", most=checks.ID_LENGTH)
        if planned.round != self._round + 1:
            raise InvalidInputError(
                f"round {planned.round} cannot start; the next round is {self._round + 1}"
            )
        _check_round(planned, items)
        self._add(planned.added_detection_ids)
        self._round = planned.round

    def _check_read(self, read: SurveyRead) -> None:
        gone, returned = read.gone_detection_ids, read.returned_detection_ids
        _check_catalogue(read, self._known)
        checks.unique(gone, "gone_detection_ids")
        checks.unique(returned, "returned_detection_ids")
        for detection_id in gone:
            if detection_id not in self._known or detection_id in self._gone:
                raise InvalidInputError(f"detection {detection_id!r} is gone that the session does not have")
        self._gone.update(gone)
        for detection_id in returned:
            if detection_id not in self._gone:
                raise InvalidInputError(f"detection {detection_id!r} returns that was not gone")
        self._check_added(read.added_detection_ids, returned, read.image_pairs)
        check_facts(read.facts, self._items + len(read.added_detection_ids))
        checks.words(read.survey_uid, "survey_uid", most=checks.ID_LENGTH)
        self._gone.difference_update(returned)
        self._note_missing(returned)
        for detection_id in gone:
            if detection_id in self._gone:
                self._missing.pop(detection_id, None)
        self._add(read.added_detection_ids)

    def _check_updated(self, event: pb.SessionEvent) -> None:
        check_settings(event.updated.settings, "settings.")
        if event.updated.HasField("read"):
            self._check_read(event.updated.read)

    def _check_added(
        self, added: Sequence[str], returned: Sequence[str], image_pairs: Iterable[survey_pb2.Pair]
    ) -> None:
        checks.unique([*added, *returned], "added_detection_ids")
        for detection_id in added:
            if detection_id in self._known - self._gone:
                raise InvalidInputError(f"detection {detection_id!r} was already added by an earlier round")
        new = {*added, *returned}
        for pair in image_pairs:
            ids = (pair.first_detection_id, pair.second_detection_id)
            self._require(ids, new)
            if new.isdisjoint(ids):
                raise InvalidInputError(f"image_pairs has {ids}, but this event adds neither of them")

    def _add(self, added: Sequence[str]) -> None:
        self._known.update(added)
        self._gone.difference_update(added)
        self._items += len(added)
        self._note_missing(added)

    def _note_missing(self, here: Sequence[str]) -> None:
        """Note detections that the session has and the survey has not."""
        # members of the catalogue may have left it since, which the session then takes in
        absent = [i for i in here if i not in self._detection_ids and not is_foreign(i)]
        if absent and not self._may_lack_gone:
            raise InvalidInputError(self._lack(absent[0]))
        self._missing |= dict.fromkeys(absent, self.events + 1)

    def _lack(self, detection_id: str) -> str:
        return (
            f"survey {self._survey_id!r} has no detection {detection_id!r}; import the session into its own "
            "survey, with all its detections"
        )

    def _check_labelled(self, event: pb.SessionEvent) -> None:
        labelled = event.labelled
        checks.between(len(labelled.labels) + len(labelled.mixed_bursts), 1, MOST_LABELS, "labels")
        for number, label in enumerate(labelled.labels, start=1):
            check_label(label, f"labels[{number - 1}]")
            self._require((label.first_detection_id, label.second_detection_id))
            _check_time(label, "create_time")
            # ids of later labels are made of their positions and must not be taken
            label_id = f"{self.events + 1}-{number}"
            if label.label_id != label_id:
                raise InvalidInputError(f"a label has the id {label.label_id!r}; expected {label_id!r}")
        for number, burst in enumerate(labelled.mixed_bursts):
            self._require(burst.detection_ids)
            check_remark(burst, f"mixed_bursts[{number}]")
            if len(burst.versions) not in (0, len(burst.detection_ids)):
                raise InvalidInputError("a burst has other numbers of detections and versions")
        self._labels |= {label.label_id for label in labelled.labels}

    def _check_retracted(self, event: pb.SessionEvent) -> None:
        retracted = event.retracted
        checks.between(len(retracted.label_ids), 1, MOST_LABELS, "label_ids")
        checks.unique(retracted.label_ids, "label_ids")
        checks.slug(retracted.annotator_id, "annotator_id")
        for label_id in retracted.label_ids:
            if label_id not in self._labels:
                raise InvalidInputError(
                    f"it retracts label {label_id!r}, which is unknown or retracted already"
                )
        self._labels.difference_update(retracted.label_ids)

    def _check_audit(self, event: pb.SessionEvent) -> None:
        audit = event.audit
        pairs = _pairs(audit.first, audit.second, self._items)
        checks.between(len(pairs), 1, audit.open_pairs, "pairs of the audit")

    def _require(self, detection_ids: Sequence[str], new: Collection[str] = frozenset()) -> None:
        """Raise InvalidInputError unless these are several detections that the session knows."""
        if len(detection_ids) < 2:  # noqa: PLR2004 - a pair
            raise InvalidInputError(f"{list(detection_ids)} are fewer than two detections")
        checks.unique(detection_ids, "detection_ids")
        for detection_id in detection_ids:
            if detection_id not in self._known and detection_id not in new:
                raise InvalidInputError(f"no earlier round added detection {detection_id!r}")


def _check_round(planned: pb.PlannedRound, items: int) -> None:
    """Raise InvalidInputError unless the columns of a round match each other and its detections."""
    if planned.HasField("eps"):
        checks.finite(planned.eps, "eps", least=0.0)
    if planned.HasField("expected_pairs"):
        checks.finite(planned.expected_pairs, "expected_pairs", least=0.0)
    count = len(_pairs(planned.first, planned.second, items))
    if planned.beside > count:
        raise InvalidInputError(f"{planned.beside} of its {count} questions fill galleries")
    # a session without names leaves the last column out
    all_terms = count * len(Term) * round_messages.SCORE.itemsize
    width = (len(Term) if len(planned.terms) == all_terms else int(Term.NAMED)) if planned.terms else 0
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


def _check_catalogue(read: SurveyRead, known: Collection[str]) -> None:
    """Raise InvalidInputError unless a session can take in these names of the catalogue."""
    checks.unique(read.renamed_detection_ids, "renamed_detection_ids")
    for detection_id in read.renamed_detection_ids:
        if detection_id not in known:
            raise InvalidInputError(f"detection {detection_id!r} is renamed that the session does not have")
    for one in read.entry_names:
        checks.identifier(one.entry_id, "entry_names")
        checks.words(one.display_name, "entry_names", most=checks.NAME_LENGTH)
