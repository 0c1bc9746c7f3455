from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import combinations, product

import pytest
from spotted.client.sessions import _parts

from services.common.store import keys
from services.common.store.store import Store
from spotted.client import Spotted
from spotted.client.calls import MAX_MESSAGE_BYTES
from spotted.errors import InvalidInputError, NotFoundError
from spotted.v1 import sampler_pb2 as pb
from tests.spotted.client.surveys import COUNT, DETECTIONS


def test_a_session_is_opened_once_and_asked(spotted: Spotted, survey_id: str) -> None:
    first = spotted.create_session(survey_id, "main", strategy="greedy", seed=3)
    assert spotted.create_session(survey_id, "main", strategy="greedy", seed=3) == first
    asked = spotted.next_pairs(survey_id, "main", "anna", count=3)
    assert len(asked.pairs) == 3
    labels = [
        pb.Label(
            first_detection_id=p.first.detection_id,
            second_detection_id=p.second.detection_id,
            answer=pb.ANSWER_DIFFERENT,
            annotator_id="anna",
        )
        for p in asked.pairs
    ]
    submitted = spotted.submit_labels(survey_id, "main", labels)
    assert [o.effect for o in submitted.outcomes] == [pb.LABEL_EFFECT_SEPARATED] * 3
    assert submitted.progress.different == spotted.progress(survey_id, "main").different == 3
    individuals = list(spotted.individuals(survey_id, "main"))
    assert len(individuals) == COUNT


def test_an_unknown_session_is_not_found(spotted: Spotted, survey_id: str) -> None:
    with pytest.raises(NotFoundError):
        spotted.progress(survey_id, "nosuch")


def test_the_labels_are_those_that_stand_oldest_first(spotted: Spotted, survey_id: str) -> None:
    spotted.create_session(survey_id, "main", strategy="greedy")
    assert spotted.labels(survey_id, "main") == []
    spotted.next_pairs(survey_id, "main", "anna")
    given = []
    # one event for each label, more than a page of events
    for annotator, (first, second) in product(("anna", "ben"), combinations(DETECTIONS, 2)):
        same = first.individual_id == second.individual_id
        label = pb.Label(
            first_detection_id=first.detection_id,
            second_detection_id=second.detection_id,
            answer=pb.ANSWER_SAME if same else pb.ANSWER_DIFFERENT,
            annotator_id=annotator,
        )
        given += [o.label for o in spotted.submit_labels(survey_id, "main", [label]).outcomes]
    assert spotted.labels(survey_id, "main") == given
    assert len(given) > 100
    taken_back = [given[0].label_id, given[70].label_id]
    request = pb.RetractLabelsRequest(
        survey_id=survey_id, session_id="main", label_ids=taken_back, annotator_id="anna"
    )
    spotted.sampler.RetractLabels(request, timeout=30)
    assert spotted.labels(survey_id, "main") == [one for one in given if one.label_id not in taken_back]


def test_the_labels_of_an_unknown_session_are_not_found(spotted: Spotted, survey_id: str) -> None:
    with pytest.raises(NotFoundError):
        spotted.labels(survey_id, "nosuch")


def label(first: str, second: str, answer: pb.Answer.ValueType, annotator: str = "anna") -> pb.Label:
    return pb.Label(
        first_detection_id=first, second_detection_id=second, answer=answer, annotator_id=annotator
    )


def test_a_session_is_learned_and_trusts_as_it_is_told(spotted: Spotted, survey_id: str) -> None:
    plain = spotted.create_session(survey_id, "plain")
    assert (plain.strategy.strategy_id, plain.trust) == ("learned", pb.TRUST_UNSPECIFIED)
    assert spotted.create_session(survey_id, "sure", trust=pb.TRUST_VERIFIED).trust == pb.TRUST_VERIFIED


def test_bursts_and_galleries_come_where_they_are_shown(spotted: Spotted, survey_id: str) -> None:
    spotted.create_session(survey_id, "main", strategy="greedy")
    shown = spotted.next_pairs(
        survey_id, "main", "anna", count=20, shows=[pb.QUESTION_KIND_GALLERY], gallery_size=2
    )
    assert {len(group.detections) for group in shown.groups} == {2}
    plain = spotted.next_pairs(survey_id, "main", "ben", audit=True)
    assert "at random" in plain.pairs[0].reason


def test_a_burst_is_answered_as_a_whole(spotted: Spotted, survey_id: str) -> None:
    spotted.create_session(survey_id, "main", strategy="greedy")
    spotted.next_pairs(survey_id, "main", "anna")
    one = pb.BurstAnswer(detection_ids=["d00", "d04", "d08"], one_animal=True, annotator_id="anna")
    other = pb.BurstAnswer(detection_ids=["d01", "d02"], one_animal=False, annotator_id="anna")
    submitted = spotted.submit_labels(survey_id, "main", [], bursts=[one, other])
    assert [o.label.answer for o in submitted.outcomes] == [
        pb.ANSWER_SAME,
        pb.ANSWER_SAME,
        pb.ANSWER_DIFFERENT,
    ]


def test_a_conflict_is_listed_and_ends_when_its_cause_is_taken_back(spotted: Spotted, survey_id: str) -> None:
    spotted.create_session(survey_id, "main", strategy="greedy")
    spotted.next_pairs(survey_id, "main", "anna")
    cause = spotted.submit_labels(survey_id, "main", [label("d00", "d01", pb.ANSWER_SAME)]).outcomes[0].label
    spotted.submit_labels(survey_id, "main", [label("d01", "d00", pb.ANSWER_DIFFERENT)])
    (conflict,) = spotted.conflicts(survey_id, "main")
    assert list(conflict.explanation) == [cause]
    progress = spotted.retract_labels(survey_id, "main", [cause.label_id], "anna")
    assert (progress.same, progress.different, progress.conflicts) == (0, 1, 0)
    assert list(spotted.conflicts(survey_id, "main")) == []


def journal(spotted: Spotted, survey_id: str) -> list[pb.SessionEvent]:
    """The events of a session with more answers than a page of events."""
    spotted.create_session(survey_id, "main")
    spotted.next_pairs(survey_id, "main", "anna")
    for annotator, (first, second) in product(("anna", "ben"), combinations(DETECTIONS, 2)):
        same = first.individual_id == second.individual_id
        said = pb.ANSWER_SAME if same else pb.ANSWER_DIFFERENT
        given = label(first.detection_id, second.detection_id, said, annotator)
        spotted.submit_labels(survey_id, "main", [given])
    return list(spotted.export_session(survey_id, "main"))


def test_an_exported_session_is_imported_as_it_was(spotted: Spotted, survey_id: str) -> None:
    events = journal(spotted, survey_id)
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    assert len(events) > 100
    copy = spotted.import_session(survey_id, "copy", iter(events))
    assert (copy.session_id, copy.position) == ("copy", len(events))
    assert spotted.import_session(survey_id, "copy", events) == copy
    assert spotted.labels(survey_id, "copy") == spotted.labels(survey_id, "main")
    assert spotted.progress(survey_id, "copy") == spotted.progress(survey_id, "main")
    assert list(spotted.individuals(survey_id, "copy")) == list(spotted.individuals(survey_id, "main"))


def test_a_wrong_event_is_told_by_its_position_and_nothing_is_stored(
    spotted: Spotted, survey_id: str
) -> None:
    events = journal(spotted, survey_id)
    events[40].labelled.labels[0].first_detection_id = "d99"
    with pytest.raises(InvalidInputError, match=r"event 41: .*'d99'"):
        spotted.import_session(survey_id, "copy", events)
    with pytest.raises(NotFoundError):
        spotted.progress(survey_id, "copy")


def test_events_that_cannot_be_drawn_to_their_end_store_nothing(
    spotted: Spotted, store: Store, survey_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spotted.client.sessions.MOST_EVENTS", 20)
    events = journal(spotted, survey_id)
    uploads = f"{keys.of_survey(survey_id)}session:copy:"
    deadline = time.monotonic() + 30.0

    def torn() -> Iterator[pb.SessionEvent]:
        yield from events[:60]
        while not store.names(uploads) and time.monotonic() < deadline:
            pass
        raise InvalidInputError("line 61 is no event")

    with pytest.raises(InvalidInputError, match="line 61"):
        spotted.import_session(survey_id, "copy", torn())
    while store.names(uploads):
        assert time.monotonic() < deadline
    with pytest.raises(NotFoundError):
        spotted.progress(survey_id, "copy")


def test_a_large_journal_goes_in_messages_below_the_limit(spotted: Spotted, survey_id: str) -> None:
    events = journal(spotted, survey_id)
    planned = next(event for event in events if event.HasField("planned"))
    # as large as rounds come
    planned.planned.reasons.extend(["x" * 700_000] * 1)
    larger = [planned] * 12
    parts = list(_parts(survey_id, "copy", larger))
    assert [event for part in parts for event in part.events] == larger
    assert max(part.ByteSize() for part in parts) < MAX_MESSAGE_BYTES
    assert [part.session_id for part in parts][:2] == ["copy", ""]
