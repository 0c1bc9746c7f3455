from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spotted.evaluation.given_names import NameAgreement, OtherName, compare_names

names = st.lists(st.tuples(*[st.sampled_from(["", "Sita", "SITA", "Gita"])] * 2))


@given(names)
def test_each_detection_with_two_names_agrees_or_is_listed(drawn: list[tuple[str, str]]) -> None:
    found = compare_names([one for one, _ in drawn], [other for _, other in drawn])
    both = [(one, other) for one, other in drawn if one and other]
    assert found.detections == len(both)
    assert found.agreeing == sum(one.lower() == other.lower() for one, other in both)
    listed = [(one.given, one.known) for one in found.others for _ in range(one.detections)]
    assert sorted(listed) == sorted(pair for pair in both if pair[0].lower() != pair[1].lower())


def test_what_differs_most_comes_first() -> None:
    found = compare_names(["a", "b", "b", "c"], ["x", "y", "y", "C"])
    assert found == NameAgreement(4, 1, (OtherName("b", "y", 2), OtherName("a", "x", 1)))
