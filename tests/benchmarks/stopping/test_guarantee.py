from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.stopping.guarantee import Stop, bars_of, estimates, judged, line, main
from benchmarks.stopping.sessions import Session, session, tasks
from spotted.sampling.stopping import TARGETS, Expected, outlook
from spotted.sampling.strategies.learned import Learned
from spotted.simulation.session import simulate_session

# animals seen at places of their own
DRAWN = """
import numpy as np
SHAPES = {shape: {"animals": 53, "images": 267} for shape in ("leopard102", "hyena109")}
def make(shape, seed):
    rng = np.random.default_rng(seed)
    animals, count = SHAPES[shape]["animals"], SHAPES[shape]["images"]
    identity = rng.integers(0, animals, count)
    looks = rng.normal(size=(animals, 6))[identity] + 0.8 * rng.normal(size=(count, 6))
    return {
        "X": (looks / np.linalg.norm(looks, axis=1, keepdims=True)).astype(np.float32),
        "position": rng.random((animals, 2))[identity],
        "time": rng.random(count) * 1e6,
        "side": rng.integers(0, 2, count),
        "identity": identity,
    }
"""


@pytest.fixture
def generator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Small surveys; results are written below tmp_path."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "generator.py"
    path.write_text(DRAWN)
    return path


def test_a_quick_run_judges_every_rule_at_every_target(generator: Path) -> None:
    done = CliRunner().invoke(main, ["--quick", "--generator", str(generator)])
    assert done.exit_code == 0, done.output
    written: dict[str, Any] = json.loads(Path("out/benchmarks/stopping-quick.json").read_text())
    rules = {(one["strategy"], one["with_probabilities"], one["target"]) for one in written["lines"]}
    assert rules == {
        (strategy, with_probabilities, target)
        for strategy, with_probabilities in (("learned", True), ("learned", False), ("greedy", False))
        for target in TARGETS
    }
    assert all(one["surveys"] == 4 and one["overshoot_p90"] >= one["overshoot"] for one in written["lines"])
    assert all(0.8 < held <= 1 for held in written["bound_held"].values())
    assert [one["share"] for one in written["estimates"]] == [0.5, 0.9, 0.95, 0.99]
    assert all(one["merges"] >= 1 for one in written["estimates"])
    # 3 rules at 3 targets, and overshoot if probabilities are used
    assert len(written["bars"]) == 12


def test_surveys_take_shapes_and_sizes_by_turns_and_each_its_own_seed(generator: Path) -> None:
    made = [(task.name, task.graph.n, seed) for task, seed in tasks(generator, 5, [0.15, 0.3])]
    assert made == [
        ("leopard102", 40, 20),
        ("hyena109", 40, 21),
        ("leopard102", 80, 22),
        ("hyena109", 80, 23),
        ("leopard102", 40, 24),
    ]


def test_a_session_goes_on_to_its_end_and_is_watched_without_being_changed(generator: Path) -> None:
    ((task, seed),) = tasks(generator, 1, [0.15])
    one = session(task, "learned", seed)
    assert one.open_pairs[-1] == 0
    assert len(one.open_pairs) == len(one.merged) + 1
    assert one.merged.sum() == one.merges == task.graph.n - len(np.unique(task.truth))
    assert one.found[-1] == one.positives
    alone = simulate_session(task.graph, Learned(), task.truth, seed=seed)
    np.testing.assert_array_equal(one.merged[: len(alone.merged)], alone.merged)
    answers, expected, _ = one.plans[0]
    assert (answers, expected.component_pairs) == (0, one.open_pairs[0])


def made_session() -> Session:
    """Twenty merges at once and two late ones, among 200 answers; 100 pairs stay open."""
    merged = np.arange(200) < 20
    merged[[40, 150]] = True
    plans = ((0, Expected(30.0, 300), 60.0), (50, Expected(0.5, 250), 1.0), (160, Expected(0.0, 140), 0.0))
    return Session("made", 40, merged, 300 - np.arange(201), np.cumsum(merged), 22, 22, plans)


def test_a_rule_is_judged_where_it_first_says_safe() -> None:
    one = made_session()
    stops, held = judged(one, with_probabilities=False)
    found = np.cumsum(one.merged)
    seen = {
        asked: outlook(one.merged[:asked], 300 - asked, components=40 - found[asked - 1])
        for asked in range(5, 201, 5)
    }
    for target in TARGETS:
        first = next((asked for asked, at in seen.items() if at.is_safe(target)), None)
        stop = next((stop for stop in stops if stop.target == target), None)
        assert (stop is None) == (first is None)
        if stop and first:
            known = found[first - 1] / 22
            assert (stop.survey, stop.images, stop.merges, stop.pairs) == ("made", 40, known, known)
            assert stop.overshoot == first / one.questions_to(target)
    true = [at.merges_left_at_most >= 22 - found[asked - 1] for asked, at in seen.items()]
    assert held == sum(true) / len(true)
    assert [one.questions_to(target) for target in TARGETS] == [20, 41, 151]


def test_probabilities_are_those_of_the_last_plan() -> None:
    with_them, _ = judged(made_session(), with_probabilities=True)
    without, _ = judged(made_session(), with_probabilities=False)
    at = {stop.target: stop.overshoot for stop in without}
    assert all(stop.overshoot <= at[stop.target] for stop in with_them if stop.target in at)
    assert any(stop.overshoot < at.get(stop.target, np.inf) for stop in with_them)


def test_estimates_are_compared_with_what_was_truly_left() -> None:
    # at half and 90 % by the plan at 50 answers, when one merge is left; from 95 % on by that plan too
    assert [*estimates(made_session())] == [(0.5, 0.5, 1.0), (0.9, 0.5, 1.0), (0.95, 0.5, 1.0)]


def stop(merges: float, overshoot: float) -> Stop:
    return Stop("made", 40, 0.95, merges, merges, overshoot)


def test_a_line_counts_hits_with_their_exact_interval() -> None:
    stops = [*(stop(0.96, 1.0 + k / 10) for k in range(19)), stop(0.94, 0.9)]
    one = line("learned", with_probabilities=True, target=0.95, stops=stops)
    assert (one.surveys, one.hits, one.pairs_least) == (20, 19, 0.94)
    assert one.overshoot == pytest.approx(1.85)
    # at either end 2.5 % for no miss at all, and for one miss or none
    assert one.high**20 == pytest.approx(0.975)
    assert one.low**20 + 20 * (1 - one.low) * one.low**19 == pytest.approx(0.025)
    every = line("learned", with_probabilities=True, target=0.95, stops=stops[:19])
    assert every.high == 1.0
    assert every.low == pytest.approx(0.025 ** (1 / 19))


def test_bars_are_for_every_rule_and_overshoot_if_probabilities_are_used() -> None:
    held = [stop(0.96, 1.9)] * 19
    lines = [
        line("learned", with_probabilities=True, target=0.95, stops=[*held, stop(0.96, 1.0)]),
        line("greedy", with_probabilities=False, target=0.95, stops=[*held[:17], *[stop(0.9, 3.0)] * 3]),
    ]
    assert [bar.held for bar in bars_of(lines)] == [True, True, False]
