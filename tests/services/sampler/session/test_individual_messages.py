from __future__ import annotations

from services.sampler.session.individual_messages import Individuals
from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.closure import Closure
from spotted.individuals.attributes import Attributes, Sex, Status, Update
from spotted.individuals.founders import Founder
from spotted.individuals.register import Register
from spotted.v1 import individuals_pb2 as pb

IDS = ["b", "a", "d", "c"]


def joined(values: Attributes) -> Individuals:
    """The first three detections as one individual, two of which people described."""
    constraints, register = Closure(4), Register()
    fields = ("display_name", "sex", "status", "dead_since_s", "notes", "tags")
    register.founders.update(Founder(0), Update(2, fields, values))
    register.founders.update(Founder(2), Update(3, ("display_name",), Attributes("Gita")))
    for pair in ((0, 1), (1, 2)):
        constraints.apply(LabelledPair("", *pair, Answer.SAME))
    register.settle(constraints, range(4), 4)
    return Individuals(register, constraints, IDS)


def test_an_individual_has_what_people_said_and_its_aliases() -> None:
    values = Attributes("Sita", Sex.FEMALE, Status.DEAD, 5.0, "torn ear", ("ear",))
    individuals = joined(values)
    first, second = (individuals.message(part) for part in individuals.parts())
    assert list(first.detection_ids) == ["a", "b", "d"]
    assert (first.individual_id, first.display_name, first.sex) == ("ind-b", "Sita", pb.SEX_FEMALE)
    assert (first.status, first.dead_since.seconds) == (pb.INDIVIDUAL_STATUS_DEAD, 5)
    assert (first.notes, list(first.tags), first.position) == ("torn ear", ["ear"], 4)
    assert list(first.aliases) == [pb.Alias(individual_id="ind-d", display_name="Gita")]
    assert (second.individual_id, second.detection_count) == ("ind-c", 1)


def test_the_living_have_no_time_of_death() -> None:
    individuals = joined(Attributes(status=Status.ALIVE, dead_since_s=5.0))
    assert not individuals.message(individuals.of(0)).HasField("dead_since")


def test_only_the_individuals_asked_for_are_listed() -> None:
    individuals = joined(Attributes())
    assert [individuals.id_of(part.one.founder) for part in individuals.parts([Founder(3)])] == ["ind-c"]
