from __future__ import annotations

from collections.abc import Callable

import pytest

from services.common.session.facts import check_facts
from services.sampler.facts.survey_read import read_survey
from spotted.errors import InvalidInputError
from spotted.survey import Detection, Side
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.session_facts_pb2 import DetectionFacts
from tests.services.sampler.journals import ints
from tests.services.sampler.versions import content, roster

SEEN = {
    "a": Detection("a", side=Side.LEFT, individual_id="Mvula", encounter_id="e"),
    "b": Detection("b", side=Side.RIGHT, encounter_id="e"),
}


def facts() -> DetectionFacts:
    return read_survey(pb.Session(), roster(), content(SEEN.values())).facts


def test_facts_as_they_are_read_are_valid() -> None:
    check_facts(facts(), 2)
    check_facts(DetectionFacts(), 0)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: setattr(f, "detections", b"123"), "has 3 bytes"),
        (lambda f: setattr(f, "detections", ints(0, 2)), "not ascending numbers of the 2"),
        (lambda f: setattr(f, "detections", ints(1, 1)), "not ascending"),
        (lambda f: setattr(f, "flags", b"\1"), "flags is not one known byte"),
        (lambda f: setattr(f, "flags", b"\1\x10"), "flags is not one known byte"),
        (lambda f: setattr(f, "flags", b"\1\3"), "both flanks"),
        (lambda f: f.names.append("Mvula"), "names 'Mvula' twice"),
        (lambda f: f.names.append("\n"), "facts.names"),
        (lambda f: setattr(f, "name_of", ints(0)), "index of facts.names has 4 bytes; expected 8"),
        (lambda f: setattr(f, "name_of", ints(0, 1)), "index of facts.names is outside"),
        (lambda f: setattr(f, "encounter_of", ints(-2, 0)), "index of facts.encounters is outside"),
    ],
)
def test_damaged_facts_are_refused(damage: Callable[[DetectionFacts], object], words: str) -> None:
    damaged = facts()
    damage(damaged)
    with pytest.raises(InvalidInputError, match=words):
        check_facts(damaged, 2)
