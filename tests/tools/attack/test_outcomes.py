from __future__ import annotations

from dataclasses import replace

from tools.attack.outcomes import MIB, Outcome, breaches, table

QUIET = {"embedder": 0.5, "scorer": 0.01}
HELD = Outcome(
    "floods", "10 calls: 10 refused", {"store": 5 * MIB, "scorer": 90 * MIB}, {"scorer": 0.02}, 3.0
)


def test_calls_of_others_may_take_twice_as_long() -> None:
    assert breaches([HELD], QUIET) == {}
    slower = replace(HELD, during_s={"scorer": 0.021})
    assert breaches([slower], QUIET) == {"floods": ["others' scorer calls had a p99 of 21 ms, quiet 10 ms"]}
    assert breaches([slower], {}) == {}


def test_what_is_not_measured_is_not_judged() -> None:
    assert breaches([replace(HELD, during_s={"sampler": 9.0})], QUIET) == {}


def test_the_table_has_a_row_for_each_attack() -> None:
    lines = table([HELD, replace(HELD, name="images")], QUIET, {"images"}).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2] == "| none | | | | | 500, 10, - |"
    assert lines[3] == "| floods | 10 calls: 10 refused | 3 | held | 5, 90 | -, 20, - |"
    assert "BREACH" in lines[4]
