from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click import BadParameter
from click.testing import CliRunner, Result

from benchmarks.annotation.runs import Conditions, Kept, one_run
from benchmarks.annotation.strategies import bars_of, main, numbers
from benchmarks.annotation.surveys import Sources, Task, fewest_questions, task
from benchmarks.annotation.table import (
    Cost,
    Line,
    SpeedUp,
    geometric_mean,
    grouped,
    line,
    mean_curve,
    speed_ups,
)
from benchmarks.common import known_surveys
from spotted.counting import same_pairs

GENERATOR = Path("../shared/tools/annotation_surveys.py")
# eight animals seen at places of their own
DRAWN = """
import numpy as np
SHAPES = {shape: {"animals": 8, "images": 40} for shape in ("leopard102", "hyena109", "hyena415")}
def make(shape, seed):
    rng = np.random.default_rng(seed)
    count = 40
    identity = rng.integers(0, 8, count)
    looks = rng.normal(size=(8, 6))[identity] + 0.8 * rng.normal(size=(count, 6))
    return {
        "X": (looks / np.linalg.norm(looks, axis=1, keepdims=True)).astype(np.float32),
        "position": rng.random((8, 2))[identity],
        "time": rng.random(count) * 1e6,
        "side": rng.integers(0, 2, count),
        "identity": identity,
    }
"""
GREEDY = Conditions("greedy", "independent", 0.0, "plain")


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    """A small survey; results are written below tmp_path."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "generator.py").write_text(DRAWN)
    return task("hyena109", known_surveys.generated(tmp_path / "generator.py", "hyena109", 0))


def invoke(*options: str) -> Result:
    done = CliRunner().invoke(main, ["--quick", "--generator", "generator.py", "--seeds", "0-1", *options])
    assert done.exit_code == 0, done.output
    return done


def written() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("out/benchmarks/annotation-quick.json").read_text())
    return found


@pytest.mark.usefixtures("drawn")
def test_a_quick_run_measures_every_strategy_and_is_not_run_again() -> None:
    first = invoke("--strategies", "random,greedy,mean-linkage")
    assert first.output.count("seed 0 greedy") == 2
    results = written()
    assert len(results["runs"]) == 2 * 2 * 3
    assert {one["strategy"] for one in results["lines"]} == {"random", "greedy", "mean-linkage"}
    assert all(one["reached"] == [2] * 4 and one["ratio"][3] >= 1 for one in results["lines"])
    assert Path("out/benchmarks/annotation-quick-hyena109-none-plain.png").read_bytes()[:4] == b"\x89PNG"
    again = invoke("--strategies", "random,greedy,mean-linkage")
    assert "seed 0 greedy" not in again.output
    assert written()["runs"] == results["runs"]


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize("trust", ["plain", "verified"])
def test_wrong_answers_are_measured_at_checkpoints(trust: str) -> None:
    invoke("--strategies", "greedy", "--errors", "0,0.05", "--model", "persistent", "--trust", trust)
    results = written()
    assert {one["errors"] for one in results["partitions"]} == {"none", "persistent 0.05"}
    (end, *_) = [one for one in results["partitions"] if one["errors"] == "none"]
    assert end["agreement"]["pair_precision"] == end["agreement"]["b_cubed_recall"] == 1.0
    assert end["agreement"]["surplus"] == 0.0
    assert {run["limit"] for run in results["runs"]} == {0}


def test_a_survey_is_a_complete_graph_with_places_times_and_sides(drawn: Task) -> None:
    graph = drawn.graph
    assert len(graph) == graph.n * (graph.n - 1) // 2
    assert graph.embeddings is not None
    assert graph.table is not None
    cosine = (graph.embeddings[graph.first] * graph.embeddings[graph.second]).sum(axis=1)
    np.testing.assert_allclose(graph.visual, np.maximum(cosine, 0), atol=1e-6)
    np.testing.assert_allclose(graph.fused, graph.visual * graph.feasibility, atol=1e-7)
    assert np.isfinite(graph.table.position_m).all()
    assert set(graph.table.side.tolist()) == {1, 2}


@pytest.mark.skipif(not GENERATOR.is_file(), reason="no generator of surveys beside the project")
def test_feasibility_is_that_of_the_generator() -> None:
    scope: dict[str, Any] = {"__name__": "generator"}
    exec(compile(GENERATOR.read_text(), GENERATOR.name, "exec"), scope)  # noqa: S102 - our own file
    for key in ("animals", "images"):
        scope["SHAPES"]["hyena109"][key] = round(scope["SHAPES"]["hyena109"][key] * 0.2)
    expected = scope["feasibility"](scope["make"]("hyena109", 3))
    ((_, make),) = Sources(GENERATOR, Path("no"), Path("no"), share=0.2).tasks("hyena109", [3])
    graph = make().graph
    assert (graph.feasibility == expected[graph.first, graph.second]).all()


def test_the_fewest_questions_are_those_of_merging_the_largest_individuals_first() -> None:
    truth = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 3])
    assert same_pairs(truth) == 10
    # 1, 3, 6 pairs by the first animal's questions, 7, 9 by the second's, 10 by the third's
    fewest = [fewest_questions(truth, positives) for positives in range(11)]
    assert fewest == [0, 1, 2, 2, 3, 3, 3, 4, 5, 5, 6]
    with pytest.raises(ValueError, match="ask for fewer"):
        fewest_questions(truth, 11)


def test_a_run_is_kept_until_its_conditions_change(drawn: Task, tmp_path: Path) -> None:
    run = one_run(drawn, 0, GREEDY)
    Kept(tmp_path / "runs.jsonl").add(run)
    kept = Kept(tmp_path / "runs.jsonl")
    assert kept.get("hyena109", 0, GREEDY) == run
    assert kept.get("hyena109", 1, GREEDY) is None
    assert kept.get("hyena109", 0, Conditions("greedy", "independent", 0.01, "plain")) is None
    assert kept.get("hyena109", 0, Conditions("random", "independent", 0.0, "plain")) is None
    assert kept.get("hyena109", 0, Conditions("greedy", "look-alike", 0.0, "plain")) == run


def test_a_run_shows_what_a_session_needed(drawn: Task) -> None:
    run = one_run(drawn, 0, GREEDY)
    assert run.to[3] == run.asked == run.percents[99]
    assert run.to[1] == run.percents[94]
    assert run.bounds[3] == run.images - run.individuals <= run.asked
    curve = mean_curve([run])
    assert len(curve) == run.asked
    assert curve[-1] == 1.0
    assert curve[run.to[1] - 1] >= 0.95 > curve[run.to[1] - 2] if run.to[1] else False


def test_speed_ups_are_paired_by_seed(drawn: Task) -> None:
    runs = [
        one_run(drawn, seed, Conditions(s, "independent", 0.0, "plain"))
        for s in ("random", "greedy")
        for seed in (0, 1)
    ]
    groups = grouped(runs)
    up = next(up for up in speed_ups(groups) if up.recall == 0.95)
    ratios = [(b.to[1] or 0) / (a.to[1] or 1) for a, b in zip(runs[:2], runs[2:], strict=True)]
    assert (up.strategy, up.over, up.seeds) == ("random", "greedy", 2)
    assert up.factor == pytest.approx(np.sqrt(ratios[0] * ratios[1]))
    assert up.low <= up.factor <= up.high
    assert [line(group, held).questions[1] for group, held in groups.items()] == [
        np.mean([run.to[1] for run in held]) for held in (runs[:2], runs[2:])
    ]


def test_equal_ratios_leave_no_doubt() -> None:
    assert geometric_mean(np.array([2.0, 2.0, 2.0])) == pytest.approx((2.0, 2.0, 2.0))


def test_seeds_are_ranges_and_numbers() -> None:
    assert numbers("20-22,5") == [20, 21, 22, 5]
    with pytest.raises(BadParameter, match="'x' is neither a seed"):
        numbers("x")


def table_line(strategy: str, to_95: float, to_99: float, ratio_99: float = 3.0) -> Line:
    questions = [100.0, to_95, to_99, None]
    return Line(
        "leopard102",
        strategy,
        "none",
        "plain",
        2,
        [2, 2, 2, 1],
        questions,
        questions,
        [2.0, 2.0, ratio_99, None],
    )


def speed_up(strategy: str, over: str, recall: float, errors: str = "none") -> SpeedUp:
    return SpeedUp("leopard102", strategy, over, errors, "plain", recall, 10, 1.25, 1.0, 1.4)


def test_the_learned_strategy_is_held_against_the_better_of_the_simple_ones_at_each_recall() -> None:
    lines = [table_line("greedy", 200.0, 900.0), table_line("mean-linkage", 300.0, 800.0)]
    ups = [
        speed_up(strategy, over, recall)
        for strategy in ("learned", "confspal")
        for over in ("greedy", "mean-linkage")
        for recall in (0.95, 0.99)
    ]
    bars = bars_of(lines, [*ups, speed_up("learned", "greedy", 0.95, "x 0.01")], [])
    assert [(bar.words.split(" over ")[1], bar.held) for bar in bars] == [
        ("greedy at 95%", False),
        ("mean-linkage at 99%", True),
    ]


def test_with_sides_and_bursts_the_ratio_to_the_fewest_is_held_down() -> None:
    bars = [
        bar for ratio in (3.4, 3.6) for bar in bars_of([table_line("learned-bursts", 1, 1, ratio)], [], [])
    ]
    assert [bar.held for bar in bars] == [True, False]


def test_wrong_answers_may_cost_twice_the_questions() -> None:
    def cost(errors: str, rate: float, found: float, times: float) -> Cost:
        return Cost("leopard102", errors, "verified", rate, found, 2, 2, times)

    bars = bars_of(
        [],
        [],
        [
            cost("none", 0.0, 0.95, 1.2),
            cost("x 0.01", 0.01, 0.95, 1.9),
            cost("x 0.03", 0.03, 0.92, 2.1),
            cost("x 0.03", 0.03, 0.95, 9.0),
        ],
    )
    assert [bar.held for bar in bars] == [False, True, False]


@pytest.mark.usefixtures("drawn")
def test_the_cost_of_evidence_is_relative_to_the_session_that_believes() -> None:
    invoke("--strategies", "greedy", "--errors", "0.02", "--trust", "verified")
    results = written()
    assert {(run["trust"], run["rate"]) for run in results["runs"]} == {("plain", 0.0), ("verified", 0.02)}
    assert {one["found"] for one in results["costs"]} == {0.92, 0.95}
    reference = next(run for run in results["runs"] if run["trust"] == "plain")
    for one in results["costs"]:
        held = [run["held"][one["found"] == 0.95] for run in results["runs"] if run["rate"]]
        if one["reached"] == one["seeds"] == 1:
            assert one["times"] == pytest.approx(held[0] / reference["to"][1])


def test_bursts_come_first_and_sides_are_given_only_to_strategies_so_named(
    drawn: Task,
) -> None:
    plain, sides, bursts = (
        one_run(drawn, 0, Conditions(s, "independent", 0.0, "plain"))
        for s in ("learned", "learned-sides", "learned-bursts")
    )
    assert {run.to[3] for run in (plain, sides, bursts)}.isdisjoint({None})
    assert (drawn.known(sides=False, marks=False).table.side == 0).all()  # type: ignore[union-attr] # drawn with a table
    assert plain.settings != sides.settings != bursts.settings


def test_matched_marks_raise_the_scores_of_strategies_so_named(drawn: Task) -> None:
    graph = drawn.graph
    same = drawn.truth[graph.first] == drawn.truth[graph.second]
    marked = replace(drawn, local=np.where(same, np.float32(0.3), np.float32(np.nan)))
    known = marked.known(sides=True, marks=True)
    # the definition of FUSION_LOCAL, pair by pair
    looks = [1 - (1 - v) * math.exp(-3.0) if s else v for v, s in zip(graph.visual, same, strict=True)]
    np.testing.assert_allclose(known.visual, looks, atol=1e-5)
    np.testing.assert_allclose(known.fused, np.array(looks) * graph.feasibility, atol=1e-5)
    plain, marks = (
        one_run(marked, 0, Conditions(s, "independent", 0.0, "plain")) for s in ("greedy", "greedy-marks")
    )
    assert marks.to[1] is not None
    assert plain.to[1] is not None
    assert marks.to[1] < plain.to[1]
    with pytest.raises(ValueError, match="hyena109 has no local features"):
        drawn.known(sides=True, marks=True)


@pytest.mark.usefixtures("drawn")
def test_a_survey_without_photographs_is_not_measured_with_marks() -> None:
    assert "learned-marks" not in invoke("--strategies", "greedy,learned-marks").output
    assert {run["strategy"] for run in written()["runs"]} == {"greedy"}


def test_marks_must_not_cost_questions() -> None:
    ups = [
        SpeedUp("belize_jaguars", "learned-marks", "learned-sides", "none", "plain", recall, 10, factor, 1, 2)
        for recall, factor in ((0.95, 1.3), (0.99, 0.99), (0.99, 0.97), (1.0, 0.5))
    ]
    assert [bar.held for bar in bars_of([], ups, [])] == [True, True, False]


def test_nothing_to_measure_is_an_error_that_names_the_options() -> None:
    done = CliRunner().invoke(main, ["--generator", "no.py", "--data", "no"])
    assert done.exit_code == 1
    assert "no survey by no.py" in done.output


@pytest.mark.usefixtures("drawn")
def test_a_survey_that_is_not_there_is_named() -> None:
    done = CliRunner().invoke(main, ["--generator", "generator.py", "--shapes", "hyena109,lions"])
    assert done.exit_code == 1
    assert "no lions by generator.py" in done.output
