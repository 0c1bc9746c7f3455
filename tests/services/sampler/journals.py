"""A journal with every kind of event, and what can be wrong with one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from services.common.store.journal import Change
from services.sampler.facts.survey_read import read_survey
from services.sampler.questions.choice import round_number
from services.sampler.session.defaults import with_settings
from services.sampler.session.progress import full_progress, quick_progress
from services.sampler.session.settings_change import update_session
from services.sampler.session.state import SessionState
from spotted.survey import Side
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.session_facts_pb2 import DetectionFacts
from tests.services.sampler.surveys import Sampler, ToyScorer, planted

ANIMALS = planted(animals=4, each=4)
Damage = Callable[[list[pb.SessionEvent]], object]


def toy_scorer() -> ToyScorer:
    """Two detections in one image, a burst of three frames, and both flanks of an encounter."""
    return ToyScorer(
        ANIMALS,
        more={
            "d09": {"side": Side.LEFT, "encounter_id": "e"},
            "d13": {"side": Side.RIGHT, "encounter_id": "e"},
        },
        images={"d00": "i", "d01": "i"},
        times_s={"d04": 10.0, "d08": 20.0, "d12": 30.0},
    )


def journal_of(sampler: Sampler, survey_id: str) -> list[pb.SessionEvent]:
    """A session with every kind of event, as ListEvents gives it."""
    sampler.create(survey_id, "learned", seed=4)
    for annotator in ("anna", "ben"):
        for _ in range(8):
            first, second = sampler.ask(survey_id, annotator)[0]
            same = ANIMALS[first] == ANIMALS[second]
            said = pb.ANSWER_SAME if same else pb.ANSWER_DIFFERENT
            outcome = sampler.answer(survey_id, (first, second), said, annotator)
    _update(sampler, survey_id)
    mixed = pb.LabelsGiven(mixed_bursts=[pb.DetectionSet(detection_ids=["d00", "d02", "d03"])])
    sampler.sessions.submit(survey_id, "main", mixed, "", full_progress)
    taken = pb.LabelsRetracted(label_ids=[outcome.label.label_id], annotator_id="ben")
    sampler.sessions.retract(survey_id, "main", taken, "", full_progress)
    sampler.asked(survey_id, "carl", audit=True)
    planned = sampler.planner.plan(survey_id, "main", frozenset())
    assert planned is not None
    entry = sampler.sessions.event(planned=planned)

    def next_round(state: SessionState) -> Change:
        # one that was planned in the background may have been stored meanwhile
        return Change(entry if round_number(state) == planned.round - 1 else b"", b"")

    sampler.sessions.folded(survey_id, "main").change(next_round, scope="PlanRound")
    sampler.sessions.folded(survey_id, "main").change(partial(_read_again, sampler), scope="ReadSurvey")
    events = sampler.sessions.events(survey_id, "main")
    kinds = {event.WhichOneof("event") for event in events}
    assert kinds == {"created", "read", "planned", "labelled", "updated", "retracted", "audit"}
    return events


def _update(sampler: Sampler, survey_id: str) -> None:
    """Read two names, and weigh answers from now on."""
    for detection_id, name in {"d02": "Mvula", "d03": "Nandi", "d06": "Mvula"}.items():
        sampler.sessions.scorer.more[detection_id] = {"individual_id": name}  # type: ignore[attr-defined] # a toy
    changes = with_settings(pb.Session(survey_id=survey_id, session_id="main", trust=pb.TRUST_VERIFIED))
    update_session(sampler.sessions, changes, ["trust", "known_individuals"], "", quick_progress)


def _read_again(sampler: Sampler, state: SessionState) -> Change:
    facts = sampler.sessions.scorer.facts(state.session.survey_id)
    read = read_survey(state.session, state.roster, facts)
    return Change(sampler.sessions.event(read=read), b"")


def first(events: Sequence[pb.SessionEvent], kind: str, nth: int = 0) -> pb.SessionEvent:
    return [event for event in events if event.WhichOneof("event") == kind][nth]


def floats(*values: float) -> bytes:
    return np.array(values, "<f4").tobytes()


def ints(*values: int) -> bytes:
    return np.array(values, "<i4").tobytes()


def _round(events: list[pb.SessionEvent]) -> pb.PlannedRound:
    return first(events, "planned").planned


def _facts(events: list[pb.SessionEvent]) -> DetectionFacts:
    return first(events, "updated").updated.read.facts


def _label(events: list[pb.SessionEvent]) -> pb.Label:
    return first(events, "labelled").labelled.labels[0]


DAMAGES: dict[str, tuple[Damage, str]] = {
    "an event is missing": (lambda e: e.pop(4), "event 5: its position is 6"),
    "two events are swapped": (lambda e: e.insert(3, e.pop(4)), "event 4: its position is 5"),
    "an event is repeated": (lambda e: e.insert(3, e[2]), "event 4: its position is 3"),
    "the first event is missing": (lambda e: e.pop(0), "event 1: its position is 2"),
    "positions are left out": (lambda e: e[1].ClearField("position"), "event 2: its position is 0"),
    "another event comes first": (
        lambda e: e[0].planned.CopyFrom(_round(e)),
        "event 1: it is 'planned'; a journal has one `created`",
    ),
    "created comes twice": (lambda e: e[2].created.CopyFrom(e[0].created), "event 3: it is 'created'"),
    "an event holds nothing": (lambda e: e[2].ClearField("labelled"), "event 3: the event is empty"),
    "a time is missing": (lambda e: e[2].ClearField("create_time"), "event 3: create_time is missing"),
    "a time is no time": (lambda e: setattr(e[2].create_time, "seconds", 1 << 60), "event 3: create_time"),
    "a strategy is unknown": (
        lambda e: setattr(e[0].created.strategy, "strategy_id", "best"),
        "event 1: strategy 'best'",
    ),
    "eps is no radius": (lambda e: setattr(e[0].created.strategy, "eps", 7.0), "event 1: eps"),
    "trust is unknown": (lambda e: setattr(e[0].created, "trust", 9), "event 1: trust is 9"),
    "a round is out of turn": (lambda e: setattr(_round(e), "round", 3), "event 2: round 3"),
    "a detection is not of the survey": (
        lambda e: _round(e).added_detection_ids.append("d99"),
        "event 2: survey '.*' has no detection 'd99'",
    ),
    "a detection joins twice": (
        lambda e: _round(e).added_detection_ids.append("d00"),
        "event 2: added_detection_ids names 'd00' twice",
    ),
    "a detection joins again later": (
        lambda e: first(e, "planned", 1).planned.added_detection_ids.append("d00"),
        "'d00' was already added",
    ),
    "an image pair is not in the session": (
        lambda e: _round(e).image_pairs.add(first_detection_id="d00", second_detection_id="d77"),
        "event 2: no earlier round added detection 'd77'",
    ),
    "an image pair is one detection": (
        lambda e: _round(e).image_pairs.add(first_detection_id="d00", second_detection_id="d00"),
        "event 2: detection_ids names 'd00' twice",
    ),
    "an image pair comes late": (
        lambda e: first(e, "planned", 1).planned.image_pairs.add(
            first_detection_id="d00", second_detection_id="d02"
        ),
        "this event adds neither",
    ),
    "a burst is not in the session": (
        lambda e: _round(e).bursts.add(detection_ids=["d00", "d77"]),
        "event 2: .*'d77'",
    ),
    "a burst is one frame": (lambda e: _round(e).bursts.add(detection_ids=["d00"]), "event 2: .*fewer than"),
    "the columns are of two lengths": (
        lambda e: setattr(_round(e), "second", _round(e).second[:-4]),
        "event 2: its pair columns",
    ),
    "a column is cut": (
        lambda e: _round(e).MergeFrom(pb.PlannedRound(first=b"123", second=b"123")),
        "event 2: its pair columns have 3 and 3 bytes",
    ),
    "a question is about no detection": (
        lambda e: setattr(_round(e), "second", _round(e).second[:-4] + ints(99)),
        "event 2: it asks about .*99",
    ),
    "a question is about a negative detection": (
        lambda e: setattr(_round(e), "first", ints(-1) + _round(e).first[4:]),
        r"event 2: it asks about \(-1",
    ),
    "scores are missing": (lambda e: _round(e).ClearField("scores"), "event 2: scores has 0 bytes"),
    "a score is no number": (
        lambda e: setattr(_round(e), "scores", floats(np.nan) + _round(e).scores[4:]),
        "event 2: its scores",
    ),
    "a score is no chance": (
        lambda e: setattr(_round(e), "scores", floats(1.5) + _round(e).scores[4:]),
        "event 2: its scores",
    ),
    "a term is no number": (
        lambda e: setattr(_round(e), "terms", floats(np.inf) + _round(e).terms[4:]),
        "event 2: its scores or terms",
    ),
    "terms are missing": (lambda e: setattr(_round(e), "terms", _round(e).terms[:-4]), "event 2: terms has"),
    "reasons are missing": (lambda e: _round(e).ClearField("reasons"), "event 2: a reason number"),
    "more questions fill galleries than there are": (
        lambda e: setattr(_round(e), "beside", 10**6),
        "event 2: 1000000 of its",
    ),
    "reason numbers are missing": (lambda e: _round(e).ClearField("reason_of"), "event 2: reason_of has 0"),
    "the radius is no number": (lambda e: setattr(_round(e), "eps", np.nan), "event 2: eps"),
    "the expectation is no number": (
        lambda e: setattr(_round(e), "expected_pairs", np.nan),
        "event 2: expected_pairs",
    ),
    "a label has no answer": (lambda e: setattr(_label(e), "answer", 0), r"event 3: labels\[0\].answer"),
    "a label has an unknown answer": (lambda e: setattr(_label(e), "answer", 9), "event 3: .*answer is 9"),
    "a label is about one detection": (
        lambda e: setattr(_label(e), "first_detection_id", _label(e).second_detection_id),
        r"event 3: labels\[0\] names",
    ),
    "a label is about no detection": (
        lambda e: setattr(_label(e), "first_detection_id", "d77"),
        "event 3: no earlier round added detection 'd77'",
    ),
    "a label is nobody's": (lambda e: setattr(_label(e), "annotator_id", ""), "event 3: .*annotator_id"),
    "a label has another id": (
        lambda e: setattr(_label(e), "label_id", "9-9"),
        "event 3: a label has the id '9-9'; expected '3-1'",
    ),
    "a label has no time": (lambda e: _label(e).ClearField("create_time"), "event 3: create_time"),
    "no answer was given": (lambda e: first(e, "labelled").labelled.ClearField("labels"), "event 3: labels"),
    "a mixed burst is not in the session": (
        lambda e: first(e, "labelled").labelled.mixed_bursts.add(detection_ids=["d00", "d77", "d01"]),
        "event 3: .*'d77'",
    ),
    "a mixed burst has a note of control characters": (
        lambda e: first(e, "labelled").labelled.mixed_bursts.add(detection_ids=["d00", "d01"], note="\x1b"),
        "event 3: .*note has control characters",
    ),
    "a label is taken back that does not stand": (
        lambda e: first(e, "retracted").retracted.label_ids.append("77-1"),
        "'77-1', which is unknown",
    ),
    "nothing is taken back": (
        lambda e: first(e, "retracted").retracted.ClearField("label_ids"),
        "label_ids is 0",
    ),
    "nobody takes back": (
        lambda e: first(e, "retracted").retracted.ClearField("annotator_id"),
        "annotator_id",
    ),
    "facts are about no detection": (
        lambda e: setattr(_facts(e), "detections", _facts(e).detections[:-4] + ints(99)),
        "facts.detections are not ascending",
    ),
    "a column of facts is cut": (
        lambda e: setattr(_facts(e), "detections", _facts(e).detections[:-1]),
        "facts.detections has",
    ),
    "flags are missing": (lambda e: _facts(e).ClearField("flags"), "facts.flags is not one"),
    "a flag is unknown": (
        lambda e: setattr(_facts(e), "flags", b"\x80" + _facts(e).flags[1:]),
        "facts.flags is not one",
    ),
    "a detection shows both flanks": (
        lambda e: setattr(_facts(e), "flags", b"\x03" + _facts(e).flags[1:]),
        "both flanks",
    ),
    "names have no index": (lambda e: _facts(e).ClearField("name_of"), "the index of facts.names has 0"),
    "an encounter is no text of the facts": (
        lambda e: setattr(_facts(e), "encounter_of", ints(7) + _facts(e).encounter_of[4:]),
        "the index of facts.encounters is outside",
    ),
    "a read adds a detection again": (
        lambda e: first(e, "read").read.added_detection_ids.append("d00"),
        "'d00' was already added",
    ),
    "an update has an unknown trust": (
        lambda e: setattr(first(e, "updated").updated.settings, "trust", 9),
        "settings.trust is 9",
    ),
    "an audit asks about no detection": (
        lambda e: setattr(first(e, "audit").audit, "second", first(e, "audit").audit.second[:-4] + ints(99)),
        "it asks about .*99",
    ),
    "an audit has more pairs than were open": (
        lambda e: setattr(first(e, "audit").audit, "open_pairs", 1),
        "pairs of the audit",
    ),
}
