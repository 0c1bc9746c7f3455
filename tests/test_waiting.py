from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.waiting import until

HERE = Path(__file__).resolve().parent
# a shorter pause lets others run or polls for something
LONGEST_SLEEP_S = 0.2


def test_the_first_true_value_is_the_answer() -> None:
    seen = iter(["", "", "here", "later"])
    assert until(lambda: next(seen), "a word") == "here"


def test_what_did_not_happen_is_named() -> None:
    with pytest.raises(AssertionError, match=r"not within 0\.01 s: pigs fly"):
        until(lambda: False, "pigs fly", patience_s=0.01)


def fixed_sleeps(source: str) -> list[int]:
    """Lines that sleep for a constant longer than LONGEST_SLEEP_S without a comment saying why."""
    lines = source.splitlines()
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "sleep"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, int | float)
        and node.args[0].value > LONGEST_SLEEP_S
        and "#" not in lines[node.lineno - 1] + lines[node.lineno - 2]
    ]


def test_nothing_sleeps_for_a_fixed_time_to_wait_for_something() -> None:
    sources = {path.relative_to(HERE): path.read_text() for path in HERE.rglob("*.py")}
    found = {path: fixed_sleeps(source) for path, source in sources.items() if ".sleep(" in source}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("time.sleep(1)", [1]),
        ("await_ = asyncio.sleep(0.5)", [1]),
        ("time.sleep(0.01)", []),
        ("# the lease is the subject\ntime.sleep(1)", []),
        ("time.sleep(POLL_S)", []),
    ],
)
def test_a_sleep_of_a_constant_needs_a_reason(source: str, lines: list[int]) -> None:
    assert fixed_sleeps(source) == lines
