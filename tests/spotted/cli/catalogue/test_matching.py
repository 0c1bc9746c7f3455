from __future__ import annotations

import json

import pytest

from spotted.cli.catalogue.matching import COLUMNS
from tests.spotted.cli.catalogue.conftest import run
from tests.spotted.cli.conftest import Machine


def test_animals_are_ranked_for_detections_and_encounters(planted: Machine) -> None:
    run(planted, "add", "2024", "--known-names")
    text = run(planted, "match", "2025", "--detection", "d02", "--top", "2")
    assert all(column in text for column in COLUMNS)
    assert "2024/d" in text
    found = json.loads(run(planted, "match", "2025", "--encounters", "--json"))["matches"]
    assert [len(one["detection_ids"]) for one in found] == [4] * 4
    assert all(len(one["animals"]) == 5 for one in found)
    as_one = ("--detection", "d00", "--detection", "d01", "--detection", "d02", "--detection", "d03")
    (one,) = json.loads(run(planted, "match", "2025", *as_one, "--as-one", "--json"))["matches"]
    (named,) = json.loads(run(planted, "match", "2025", "--encounter", "e0", "--json"))["matches"]
    assert one["animals"] == named["animals"]
    assert "21 more questions not shown" in run(planted, "match", "2025")


def test_what_a_reader_must_know_is_said(planted: Machine) -> None:
    done = planted.run("catalogue", "match", "2025", "--fusion", "calibrated")
    assert "has no animal of another survey" in done.stderr
    assert "fit a calibration" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--as-one",), "--as-one needs --detection"),
        (("--encounters", "--encounter", "e0"), "omit --detection and --encounter"),
    ],
)
def test_questions_that_contradict_each_other_are_refused(
    planted: Machine, arguments: tuple[str, ...], words: str
) -> None:
    assert words in run(planted, "match", "2025", *arguments, code=2)
