from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted import event_parts
from spotted.errors import InvalidInputError
from spotted.event_parts import PART_BYTES, Joining, split
from spotted.v1 import sampler_pb2 as pb


def added(position: int, count: int) -> pb.SessionEvent:
    """A round that adds detections, of some forty bytes each."""
    ids = [f"{position:04d}-{n:031d}" for n in range(count)]
    return pb.SessionEvent(position=position, planned=pb.PlannedRound(round=1, added_detection_ids=ids))


SMALL, LARGE = added(1, 10), added(2, 100_000)


def joined(events: Sequence[pb.SessionEvent]) -> list[pb.SessionEvent]:
    joining = Joining()
    whole = list(joining.whole(events))
    joining.end()
    return whole


def test_an_event_that_fits_travels_as_it_is() -> None:
    assert split(SMALL) == [SMALL]


def test_a_large_event_travels_in_parts_that_fit_and_is_joined_again() -> None:
    parts = split(LARGE)
    assert len(parts) == -(-LARGE.ByteSize() // PART_BYTES) > 3
    assert all(part.ByteSize() <= PART_BYTES + 32 and part.position == 2 for part in parts)
    assert [part.part.last for part in parts] == [False] * (len(parts) - 1) + [True]
    assert joined([SMALL, *parts, added(3, 1)]) == [SMALL, LARGE, added(3, 1)]


@given(cuts=st.lists(st.integers(0, 10), max_size=4))
def test_parts_may_arrive_in_any_number_of_messages(cuts: list[int]) -> None:
    events = [SMALL, *split(LARGE), added(3, 1)]
    joining, start = Joining(), 0
    got: list[pb.SessionEvent] = []
    for stop in [*sorted(cuts), len(events)]:
        got += joining.whole(events[start:stop])
        start = max(start, stop)
    joining.end()
    assert got == [SMALL, LARGE, added(3, 1)]


@pytest.mark.parametrize(
    "events",
    [
        split(LARGE)[:-1],
        [*split(LARGE)[:-1], SMALL],
        [*split(LARGE)[:-1], *split(added(3, 100_000))],
        split(LARGE)[1:],
        split(LARGE)[::-1],
    ],
    ids=["no end", "another event between", "parts of another event", "no beginning", "reversed"],
)
def test_parts_that_are_missing_or_out_of_order_are_refused(events: list[pb.SessionEvent]) -> None:
    with pytest.raises(InvalidInputError, match=r"event \d"):
        joined(events)


def test_parts_within_parts_or_of_another_position_are_refused() -> None:
    for inner in (split(LARGE)[0], SMALL):
        part = pb.EventPart(content=inner.SerializeToString(), last=True)
        with pytest.raises(InvalidInputError, match="event 7 is incomplete"):
            joined([pb.SessionEvent(position=7, part=part)])


def test_parts_never_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_parts, "MOST_EVENT_BYTES", 2 * PART_BYTES)
    with pytest.raises(InvalidInputError, match="larger than 2 MiB"):
        joined(split(LARGE))
