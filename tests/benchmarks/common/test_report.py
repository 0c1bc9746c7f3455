from __future__ import annotations

import pytest

from benchmarks.common.report import Bar, judge, machine


@pytest.mark.parametrize(
    ("bar", "held"),
    [
        (Bar("share", 0.9, least=0.9), True),
        (Bar("share", 0.89, least=0.9), False),
        (Bar("delay", 2.0, most=2.0), True),
        (Bar("delay", 2.1, most=2.0), False),
        (Bar("answers", 5, least=5, most=5), True),
        (Bar("answers", 6, least=5, most=5), False),
        (Bar("ratio", float("nan"), least=1.0), False),
    ],
)
def test_a_bar_is_held_between_its_bounds_and_at_them(bar: Bar, *, held: bool) -> None:
    assert bar.held is held


def test_one_missed_bar_fails_the_run_and_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert judge([Bar("share", 1.0, least=0.9)]) == 0
    assert judge([Bar("share", 1.0, least=0.9), Bar("delay", 3.0, most=2.0)]) == 1
    lines = capsys.readouterr().out.splitlines()
    (missed,) = [line for line in lines if "MISSED" in line]
    assert [cell.strip() for cell in missed.strip("│").split("│")] == [
        "delay",
        "3.000",
        "at most 2",
        "MISSED",
    ]


def test_the_machine_is_described_with_its_packages() -> None:
    facts = machine()
    assert facts["cores"] >= 1
    assert set(facts["packages"]) >= {"onnxruntime", "grpcio"}
