"""Every step of a session fails once in every way: the annotators repeat, and nothing is lost or doubled."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from services.common.store import keys
from services.common.store.store import Store
from spotted.sampling.questions import Kind
from spotted.v1 import sampler_pb2 as pb
from tests.faults.annotators import (
    PAIRS,
    Annotators,
    Clock,
    Ending,
    Faults,
    FaultyStore,
    Replica,
    Way,
    differences,
    journalled,
    true_answers,
)
from tests.services.sampler.surveys import ToyScorer, plant_survey, planted

ANIMALS = planted(animals=3, each=4)
# two bursts of two frames each, all of one animal
TIMES_S = {"d00": 0.0, "d06": 10.0, "d03": 20.0, "d09": 30.0}
# no galleries: asked again, the same pairs may be laid out about another animal
SHOWN = PAIRS | {Kind.BURST}

Script = Callable[[Annotators], None]


def annotate(session: Annotators) -> None:
    """A burst, true answers, one taken back, a second annotator, an audit, and on to a second round."""
    session.create("1", top_k=2)
    asked = session.ask("anna", 2, kinds=SHOWN).questions
    assert [leased.question.kind.name for leased in asked] == ["BURST", "BURST"]
    session.submit(true_answers(asked[:1], ANIMALS, "anna"), "1")
    mixed = pb.DetectionSet(detection_ids=["d00", "d01", "d02"])
    given = true_answers(session.ask("anna", 2).questions, ANIMALS, "anna")
    session.submit(pb.LabelsGiven(labels=given.labels, mixed_bursts=[mixed]), "2")
    session.retract(session.standing[-1], "anna", "1")
    # from now on all answers are evidence
    session.verify("1")
    session.submit(true_answers(session.ask("ben").questions, ANIMALS, "ben"), "3")
    session.submit(true_answers(session.ask("anna", 2, audit=True).questions, ANIMALS, "anna"), "4")
    for turn in range(5, 8):
        annotator_id = ("anna", "ben")[turn % 2]
        questions = session.ask(annotator_id, 3, kinds=SHOWN).questions
        session.submit(true_answers(questions, ANIMALS, annotator_id), str(turn))
    session.ask("anna")


def annotate_delete_and_annotate(session: Annotators) -> None:
    """The same request ids before and after the session is deleted."""
    for life in "ab":
        session.create("1", "greedy")
        for request_id in "12":
            session.submit(true_answers(session.ask("anna").questions, ANIMALS, "anna"), request_id)
        session.retract(session.standing[-1], "anna", "1")
        if life == "a":
            session.delete("1")
            session.acknowledged.clear()


class Walk:
    """Runs scripts in sessions of one survey, each with its fault."""

    def __init__(self, store_url: str, survey_id: str) -> None:
        self.stores: list[FaultyStore] = []
        self._store_url = store_url
        self._survey_id = survey_id
        self._numbers = itertools.count()

    def start(self, faults: Faults, clock: Clock) -> Replica:
        self.stores.append(FaultyStore(self._store_url, faults))
        return Replica(self.stores[-1], ToyScorer(ANIMALS, times_s=TIMES_S), clock)

    def session(self, faults: Faults) -> Annotators:
        """Annotators at one sampler, which is restarted if its process is gone."""
        clock = Clock()
        replica = self.start(faults, clock)

        def at() -> Replica:
            nonlocal replica
            if faults.lost_memory():
                replica = self.start(faults, clock)
            return replica

        return Annotators(self._survey_id, f"session-{next(self._numbers)}", at, clock)

    def run(self, script: Script, faults: Faults) -> Ending:
        """Where the session ends, which holds the acknowledged labels, each once, and can be replayed."""
        session = self.session(faults)
        script(session)
        assert faults.failed == (faults.at > 0)
        calls = faults.calls
        ending, replayed = session.ending(session.replica()), session.ending(self.start(Faults(), Clock()))
        assert not differences(ending, replayed)
        assert journalled(ending) == session.acknowledged
        faults.calls = calls
        return ending


@pytest.fixture
def walk(store: Store, store_url: str, survey_id: str) -> Iterator[Walk]:
    plant_survey(store, survey_id)
    made = Walk(store_url, survey_id)
    yield made
    for each in made.stores:
        each.close()


@pytest.mark.slow
@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("script", [annotate, annotate_delete_and_annotate])
def test_a_session_whose_nth_call_of_the_store_fails_ends_as_an_undisturbed_one(
    walk: Walk, script: Script, way: Way
) -> None:
    undisturbed = walk.run(script, Faults())
    # again: the store knows the scripts now
    counted = Faults()
    assert not differences(walk.run(script, counted), undisturbed)
    for at in range(1, counted.calls + 1):
        assert not differences(walk.run(script, Faults(at, way)), undisturbed), f"call {at} of the store"


def test_the_script_holds_every_kind_of_event(walk: Walk) -> None:
    ending = walk.run(annotate, Faults())
    kinds = [event.WhichOneof("event") for event in ending.events]
    assert set(kinds) == {"created", "planned", "labelled", "retracted", "audit", "updated"}
    assert kinds.count("planned") > 1
    assert any(event.labelled.mixed_bursts for event in ending.events)
    assert ending.progress.trust == pb.TRUST_VERIFIED
    assert ending.progress.audit.answered > 0


@pytest.mark.parametrize("way", Way)
def test_a_deletion_that_failed_is_repeated_and_leaves_nothing(
    store: Store, walk: Walk, survey_id: str, way: Way
) -> None:
    for at in range(1, 10):
        faults = Faults(way=way)
        session = walk.session(faults)
        session.create("1", "greedy")
        session.ask("anna")
        faults.at = faults.calls + at
        session.delete("1")
        assert store.members(keys.sessions(survey_id)) == []
        journal = keys.survey_journal(survey_id)
        lasting = {journal, journal + keys.LENGTH, keys.listing(survey_id)}
        left = {*store.names(keys.of_survey(survey_id))} - lasting
        assert all(":request:" in key for key in left)
        if not faults.failed:
            break
    assert at > 1
