"""Sessions whose members of the catalogue come, go and change, with real services."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.store.store import Store
from services.sampler.catalogue.members import MemberCandidates, Members
from services.sampler.session.catalogue_following import CatalogueFollowing
from services.sampler.session.catching_up import RETRY_S
from spotted.catalogue.facts import Member
from spotted.errors import UnavailableError
from spotted.survey import Detection, Side
from tests.services.sampler.catalogue.world import HERE, THERE, World, by_detection, finish, same, world
from tests.services.scorer.catalogue.organisation import SPEC, animal, looks


@pytest.fixture
def made(store: Store) -> Iterator[World]:
    with world(store) as one:
        yield one


def test_a_session_follows_the_catalogue(made: World) -> None:
    catalogue, session = made.spotted.catalogue(), made.session()
    same(session, "d00", f"~{THERE}/d06")
    same(session, "d01", f"~{THERE}/d07")
    watched = session.watch_individuals()
    assert {one.catalogue_name for one in next(watched).individuals} == {"", "animal-0", "animal-1"}
    renamed = catalogue.update(made.entry(0), "ben", display_name="Sita").change_id
    assert [one.catalogue_name for one in next(watched).individuals] == ["Sita"]
    # two entries become one: so do the individuals that are these animals
    sita = by_detection(session)["d00"].catalogue_entry_ids[0]
    merged = catalogue.merge(sita, [made.entry(1)], "ben")
    assert by_detection(session)["d01"].detection_ids == ("d00", "d01")
    catalogue.undo(merged.change_id, "ben")
    assert by_detection(session)["d01"].detection_ids == ("d01",)
    catalogue.undo(renamed, "ben")
    # a member that is removed takes its labels along, and has them again when it returns
    removed = catalogue.remove([Member(THERE, "d06")], "ben")
    assert by_detection(session)["d00"].catalogue_entry_ids == ()
    assert not [pair for pair in finish(made.session("later")) if f"~{THERE}/d06" in pair]
    catalogue.undo(removed.change_id, "ben")
    assert by_detection(session)["d00"].catalogue_name == "animal-0"
    # so does a photograph that is replaced, whose new image inherits nothing
    made.spotted.survey(THERE).delete_detections(["d07"])
    assert by_detection(session)["d01"].catalogue_entry_ids == ()
    made.spotted.survey(THERE).add_detections([Detection("d07", side=Side.LEFT)], looks(THERE)[3:4], SPEC)
    catalogue.add(THERE, [animal("", "d07", entry_id=made.entry(1))], "ben")
    assert by_detection(session)["d01"].catalogue_entry_ids == ()
    made.spotted.survey(THERE).delete()
    assert {i for one in session.individuals() for i in one.catalogue_entry_ids} == set()
    assert session.progress().detections == 24


def test_a_detection_that_leaves_the_catalogue_is_asked_about_again(made: World) -> None:
    catalogue, session = made.spotted.catalogue(), made.session()
    added = catalogue.add(HERE, [animal("", "d00", entry_id=made.entry(0))], "ben")
    assert by_detection(session)["d00"].catalogue_name == "animal-0"
    assert not [pair for pair in finish(session) if "d00" in pair and f"~{THERE}/d01" in pair]
    catalogue.undo(added.change_ids[0], "ben")
    assert not any(i == "d00" for i, one in by_detection(made.session("other")).items() if one.catalogue_name)


def test_corrected_sides_of_members_are_taken_in_once(made: World) -> None:
    session = made.session()
    journal = made.sampler.sessions.current(HERE, "main").journal
    before = journal.length()
    there = made.spotted.survey(THERE)
    (one,) = (d for d in there.detections() if d.detection_id == "d06")
    other = Side.LEFT if one.side is not Side.LEFT else Side.RIGHT
    there.update_detections([Detection("d06", side=other)], ["side"])
    for _ in range(3):
        session.progress()
    assert journal.length() == before + 1
    assert one.captured_at_s is not None
    there.update_detections([Detection("d06", captured_at_s=one.captured_at_s + 60.0)], ["captured_at_s"])
    session.progress()
    assert journal.length() == before + 1


class Unreachable:
    """A scorer that does not answer."""

    calls = 0

    def members(self, *_: object, **__: object) -> Members:
        self.calls += 1
        raise UnavailableError("no answer; start the scorer")

    def candidates(self, *_: object, **__: object) -> MemberCandidates:
        raise UnavailableError("no answer; start the scorer")


def test_a_catalogue_that_cannot_be_read_is_tried_again_later(made: World, store: Store) -> None:
    made.session()
    source, now_s = Unreachable(), [100.0]
    drawing = type(made.sampler.sessions.drawing)(made.sampler.sessions.scorer, source)
    following = CatalogueFollowing(store, drawing, lambda _: b"", clock=lambda: now_s[0])
    folded = made.sampler.sessions.current(HERE, "main")
    for _ in range(3):
        following.follow(folded, (HERE, "main"))
    assert source.calls == 1
    now_s[0] += RETRY_S
    following.follow(folded, (HERE, "main"))
    assert source.calls == 2
