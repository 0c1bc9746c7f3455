from __future__ import annotations

from hypothesis import given as drawn
from hypothesis import strategies as st

from services.sampler.session.departures import Remaining, given, live_labels
from spotted.v1 import sampler_pb2 as pb

IDS = [f"d{n}" for n in range(8)]
PAIRS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=10)


def label(first: str, second: str) -> pb.Label:
    return pb.Label(label_id=f"{first}-{second}", first_detection_id=first, second_detection_id=second)


@drawn(st.sets(st.sampled_from(IDS)), PAIRS)
def test_items_that_remain_stand_for_the_same_detections(
    gone: set[str], pairs: list[tuple[int, int]]
) -> None:
    remaining = Remaining(IDS, gone)
    assert remaining.detection_ids == [i for i in IDS if i not in gone]
    named = [(remaining.detection_ids[a], remaining.detection_ids[b]) for a, b in remaining.pairs(pairs)]
    assert named == [(IDS[a], IDS[b]) for a, b in pairs if gone.isdisjoint((IDS[a], IDS[b]))]


def test_groups_shrink_and_vanish_with_their_items() -> None:
    remaining = Remaining(IDS, {"d1", "d4"})
    assert remaining.groups([(0, 1, 2), (1, 3), (5, 4, 6)]) == [(0, 1), (3, 4)]


def test_labels_count_only_for_the_versions_they_were_given_for() -> None:
    labels = {
        one.label.label_id: one
        for one in (
            given(label("a", "b"), {}),
            given(label("b", "c"), {"c": 1}),
            given(label("a", "c"), {"c": 2}),
            given(label("a", "d"), {}),
        )
    }
    assert list(live_labels(labels, {"a", "b", "c", "d"}, {"c": 1})) == ["a-b", "b-c", "a-d"]
    assert list(live_labels(labels, {"a", "b", "c"}, {"c": 2})) == ["a-b", "a-c"]
    assert list(live_labels(labels, {"a", "c"}, {})) == []
