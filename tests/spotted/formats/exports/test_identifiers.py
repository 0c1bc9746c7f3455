from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from spotted.formats.exports.identifiers import RESERVED, plain_ids

names = st.lists(st.text(alphabet="aB1é_ ,#'\"-.\t/NA", min_size=1, max_size=6), unique=True, max_size=12)


@given(names, st.sampled_from(["", "_"]))
def test_identifiers_are_different_and_have_only_allowed_characters(
    given_names: list[str], extra: str
) -> None:
    ids = plain_ids(given_names, extra=extra)
    assert list(ids) == given_names
    assert len(set(ids.values())) == len(given_names)
    for name, own in ids.items():
        assert re.fullmatch(rf"(?:(?!_)\w|[.{extra}-])+", own)
        assert own not in RESERVED
        if re.fullmatch(rf"[aB1é{extra}]+", name):
            assert own == name


def test_a_name_that_is_an_identifier_keeps_it_before_others_that_become_it() -> None:
    assert plain_ids(["Old Tau", "Old-Tau"]) == {"Old Tau": "Old-Tau-2", "Old-Tau": "Old-Tau"}
    assert plain_ids(["#1", "01", "?"]) == {"#1": "1", "01": "01", "?": "x"}
    assert plain_ids(["ford_01"], extra="_") == {"ford_01": "ford_01"}
    assert plain_ids(["NONE"]) == {"NONE": "NONE-2"}
