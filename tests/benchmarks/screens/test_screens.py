from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks.common.stress_surveys import STRESS_FILE
from benchmarks.screens.runs import PERCENTS, Run
from benchmarks.screens.screens import bars_of, grouped, main
from benchmarks.screens.table import PAIR_S, lines, modelled_s

# animals seen at places of their own
DRAWN = """
import numpy as np
SHAPES = {shape: {"animals": 100, "images": 500} for shape in ("leopard102", "hyena109")}
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
def scenarios(shape, seed):
    SHAPES[shape] = {"animals": 8, "images": 40}
    base = make(shape, seed)
    nowhere, never = np.full((40, 2), np.nan), np.full(40, np.nan)
    yield "no place and no time", {**base, "position": nowhere, "time": never}
"""


@pytest.fixture
def generator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Small surveys; results are written below tmp_path."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "generator.py"
    for name in (path.name, STRESS_FILE):
        (tmp_path / name).write_text(DRAWN)
    return path


def measured(generator: Path, *options: str) -> tuple[str, dict[str, Any]]:
    done = CliRunner().invoke(main, ["--generator", str(generator), *options])
    assert done.exit_code in (0, 1), done.output
    (written,) = Path("out/benchmarks").glob("screens*.json")
    return done.output, json.loads(written.read_text())


def test_a_quick_run_measures_every_size_and_is_not_run_again(generator: Path) -> None:
    output, results = measured(generator, "--quick")
    assert output.count(" seed 20, up to 8, ") == 2
    assert {(one["surveys"], one["size"], one["recall"]) for one in results["lines"]} == {
        (shape, size, recall)
        for shape in ("leopard102", "hyena109")
        for size in (1, 4, 8)
        for recall in (0.95, 0.99)
    }
    assert all(one["fewer"] > 1 for one in results["lines"] if one["size"] > 1)
    assert Path("out/benchmarks/screens-quick-hyena109.png").read_bytes()[:4] == b"\x89PNG"
    again, same = measured(generator, "--quick")
    assert " seed 20, up to 8, " not in again
    assert same["runs"] == results["runs"]


def test_stress_surveys_and_wrong_answers_are_measured_beside_the_others(generator: Path) -> None:
    _, results = measured(generator, "--seeds", "20", "--share", "0.05")
    runs = [Run(**one) for one in results["runs"]]
    assert {(run.scenario, run.rate) for run in runs} == {
        (scenario, rate) for scenario in ("", "no place and no time") for rate in (0.0, 0.03)
    }
    assert all(run.at(0.95) and run.precision == 1.0 for run in runs if not run.rate)


def run(size: int, at: tuple[int, int] | None, seed: int = 0) -> Run:
    """A session that reached every share at once, or none."""
    screens, answers = ([each] * len(PERCENTS) for each in at or (None, None))
    return Run("hyena109", "", 0.4, seed, size, 0.0, 40, 8, screens, answers, 1.0, 0.0)


def test_a_line_compares_the_surveys_one_by_one_with_pairs() -> None:
    runs = [
        run(1, (100, 100)),
        run(1, (400, 400), seed=1),
        run(1, (50, 50), seed=2),
        run(8, (50, 200)),
        run(8, (50, 500), seed=1),
        run(8, None, seed=2),
    ]
    one = next(line for line in lines(runs, grouped(runs)) if line.size == 8)
    assert (one.seeds, one.reached, one.screens, one.answers, one.answers_worst) == (3, 2, 50.0, 350.0, 500)
    assert [one.fewer, one.fewer_worst] == pytest.approx([4.0, 2.0])
    slow, fast = modelled_s(50, 500), modelled_s(50, 200)
    assert [one.seconds, one.seconds_worst] == pytest.approx([(slow + fast) / 2, slow])
    assert one.faster_worst == pytest.approx(modelled_s(100, 100) / fast)
    # at that time for each further candidate, both take equally long
    assert modelled_s(100, 700, one.break_even) == pytest.approx(PAIR_S * 500)


def test_bars_hold_if_no_survey_takes_longer_than_with_pairs() -> None:
    runs = [run(1, (100, 100)), run(8, (30, 100))]
    assert [bar.held for bar in bars_of(lines(runs, grouped(runs)))] == [True, True]
    runs = [run(1, (100, 100)), run(8, (40, 500))]
    assert [bar.held for bar in bars_of(lines(runs, grouped(runs)))] == [False, False]
