from __future__ import annotations

from pathlib import Path

import pytest

from spotted.batch.features import features_digest, open_features, write_features
from spotted.batch.places import open_place
from spotted.client.values import LocalFeatureSpec
from spotted.errors import NotFoundError
from tests.services.scorer.local.features import photograph

SPEC = LocalFeatureSpec("hotspotter", "a" * 64)


def test_features_come_back_by_row(tmp_path: Path) -> None:
    place = open_place(str(tmp_path))
    assert features_digest(place) == ""
    with pytest.raises(NotFoundError):
        open_features(place)
    shown = [photograph(0, 0).to_bytes(), b"", photograph(1, 0).to_bytes()]
    write_features(place, SPEC, shown)
    stored = open_features(place)
    rows = stored.rows(["d:a", "d:b", "e:c"])
    assert stored.spec == SPEC
    assert rows.ready.tolist() == [True, False, True]
    assert rows.features(1) is None
    assert [found.to_bytes() for row in (0, 2) if (found := rows.features(row))] == [shown[0], shown[2]]
    assert rows.owner(2) == "e:c"


def test_other_features_have_another_digest(tmp_path: Path) -> None:
    digests = set()
    for name, spec, features in (
        ("a", SPEC, b"x"),
        ("b", SPEC, b"y"),
        ("c", LocalFeatureSpec("hotspotter", "b" * 64), b"x"),
    ):
        write_features(open_place(str(tmp_path / name)), spec, [features, b""])
        digests.add(features_digest(open_place(str(tmp_path / name))))
    assert len(digests) == 3


def test_a_survey_in_which_no_photograph_has_features_has_none(tmp_path: Path) -> None:
    place = open_place(str(tmp_path))
    write_features(place, SPEC, [b"", b""])
    rows = open_features(place).rows(["a", "b"])
    assert not rows.ready.any()
    assert rows.features(0) is None
