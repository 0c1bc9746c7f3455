from __future__ import annotations

import numpy as np
import pytest
from google.protobuf.message import DecodeError

from services.common.store.store import Store
from services.sampler.session.imported_events import ImportedEvents
from spotted.errors import InvalidInputError
from spotted.v1 import sampler_pb2 as pb
from tests.services.sampler.journals import ANIMALS, DAMAGES, journal_of, toy_scorer
from tests.services.sampler.surveys import Sampler


@pytest.fixture
def journal(store: Store, survey_id: str) -> list[pb.SessionEvent]:
    return journal_of(Sampler(store, toy_scorer()), survey_id)


def test_an_event_is_stored_as_it_was_but_for_what_its_place_says(journal: list[pb.SessionEvent]) -> None:
    arriving = ImportedEvents(("elsewhere", "copy"), ANIMALS)
    moved = [arriving.take(event) for event in journal]
    assert (moved[0].created.survey_id, moved[0].created.session_id) == ("elsewhere", "copy")
    for before, after in zip(journal[1:], moved[1:], strict=True):
        assert after.position == 0
        before.ClearField("position")
        assert after == before


def test_a_survey_that_lacks_a_detection_is_named(journal: list[pb.SessionEvent]) -> None:
    arriving = ImportedEvents(("elsewhere", "copy"), set(ANIMALS) - {"d05"})
    for event in journal:
        arriving.take(event)
    words = "event 2: survey 'elsewhere' has no detection 'd05'"
    with pytest.raises(InvalidInputError, match=words) as caught:
        arriving.end()
    assert caught.value.field == "events[1]"


def test_a_survey_may_lack_a_detection_that_is_gone_in_the_end(journal: list[pb.SessionEvent]) -> None:
    arriving = ImportedEvents(("elsewhere", "copy"), set(ANIMALS) - {"d05"})
    gone = pb.SessionEvent(position=len(journal) + 1, create_time=journal[0].create_time)
    gone.read.gone_detection_ids.append("d05")
    for event in [*journal, gone]:
        arriving.take(event)
    arriving.end()
    back = pb.SessionEvent(position=gone.position + 1, create_time=journal[0].create_time)
    back.read.returned_detection_ids.append("d05")
    arriving.take(back)
    with pytest.raises(InvalidInputError, match=f"event {back.position}: survey"):
        arriving.end()


def test_each_damage_is_named_at_its_event(journal: list[pb.SessionEvent]) -> None:
    for break_it, words in DAMAGES.values():
        damaged = [pb.SessionEvent.FromString(event.SerializeToString()) for event in journal]
        break_it(damaged)
        arriving = ImportedEvents(("survey-x", "copy"), ANIMALS)
        accepted: list[pb.SessionEvent] = []

        def bring(
            damaged: list[pb.SessionEvent] = damaged,
            arriving: ImportedEvents = arriving,
            accepted: list[pb.SessionEvent] = accepted,
        ) -> None:
            accepted.extend(map(arriving.take, damaged))
            arriving.end()

        with pytest.raises(InvalidInputError, match=words) as caught:
            bring()
        # what the survey lacks may be gone later
        at = 1 if "has no detection 'd99'" in words else len(accepted)
        assert caught.value.field == f"events[{at}]"


def test_bytes_that_changed_anywhere_are_refused_or_are_a_session(
    survey_id: str, journal: list[pb.SessionEvent]
) -> None:
    rng = np.random.default_rng(0)
    refused: list[str] = []
    for _ in range(400):
        at = int(rng.integers(len(journal)))
        content = bytearray(journal[at].SerializeToString())
        content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
        try:
            changed = pb.SessionEvent.FromString(bytes(content))
        except DecodeError:
            continue
        arriving = ImportedEvents((survey_id, "copy"), ANIMALS)
        try:
            for event in [*journal[:at], changed, *journal[at + 1 :]]:
                arriving.take(event)
        except InvalidInputError as error:
            refused.append(str(error))
    assert len(refused) > 100
    assert all(words.startswith("event ") for words in refused)
