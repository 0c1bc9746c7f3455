from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.catalogue.facts import Member
from spotted.catalogue.foreign_ids import foreign_id, is_foreign, read_foreign_id

SURVEYS = st.sampled_from(["2024", "a", "A.b_c-d", "9" * 64])


@settings(max_examples=50)
@given(SURVEYS, st.text(min_size=1, max_size=40))
def test_an_id_says_which_survey_and_detection_it_names(survey_id: str, detection_id: str) -> None:
    member = Member(survey_id, detection_id)
    assert read_foreign_id(foreign_id(member)) == member
    assert is_foreign(foreign_id(member))


@settings(max_examples=50)
@given(st.text(max_size=20))
def test_other_texts_are_no_such_ids(text: str) -> None:
    member = read_foreign_id(text)
    assert member is None or foreign_id(member) == text
    assert is_foreign(text) is (member is not None)


def test_what_looks_alike_is_no_such_id() -> None:
    for text in ("", "~", "~/", "~a/", "~/d", "a/d", "~-a/d", "~a b/d", f"~{'a' * 65}/d"):
        assert not is_foreign(text)
