from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.common.known_surveys import KnownSurvey
from benchmarks.common.report import RESULTS
from benchmarks.heads import cost
from benchmarks.heads.recipes import PLAIN, RECIPES, Row, bars_of, gains, hits, measured, rejoined
from spotted.arrays import Float32Array
from spotted.ranking.gallery import Gallery
from spotted.scoring.feasibility import FeasibilityParams
from spotted.scoring.local_pairs import LocalPairs
from tests.waiting import PATIENCE_S


def survey(count: int = 40) -> KnownSurvey:
    embeddings, table = cost.random_survey(count, 8)
    individuals = np.arange(count) % 11
    order = np.random.default_rng(1).permutation(count)
    gallery = Gallery(embeddings, table, order, cost.EXTENT, FeasibilityParams())
    return KnownSurvey("drawn", "generated", gallery, individuals)


def test_hits_are_those_of_a_plain_loop_with_ties_by_id() -> None:
    rng = np.random.default_rng(4)
    scores: Float32Array = rng.integers(0, 3, (30, 30)).astype(np.float32)
    individuals, order = rng.integers(0, 8, 30), rng.permutation(30)
    found = hits(scores, individuals, order)
    for query in range(30):
        others = [row for row in range(30) if row != query]
        ranked = sorted(others, key=lambda row: (-scores[query, row], order[row]))
        for i, k in enumerate((1, 5)):
            assert found[query, i] == any(individuals[row] == individuals[query] for row in ranked[:k])


def test_a_gain_is_the_mean_difference_within_its_interval() -> None:
    rng = np.random.default_rng(2)
    plain = [rng.random((50, 2)) < 0.5 for _ in range(3)]
    better = [base | (rng.random((50, 2)) < 0.2) for base in plain]
    asking = [np.arange(50) // 2] * 3
    for i, (value, low, high) in enumerate(gains(better, plain, asking)):
        assert value == pytest.approx(
            np.mean([b[:, i].mean() - p[:, i].mean() for b, p in zip(better, plain, strict=True)])
        )
        assert 0 < low < value < high
    assert gains(plain, plain, asking) == ((0.0, 0.0, 0.0),) * 2


def test_every_recipe_and_the_scores_without_a_head_have_a_row() -> None:
    rows = measured("drawn", [survey(), survey(44)], epochs=1)
    with_head = {(recipe, score) for recipe in RECIPES for score in ("adapted", "adapted product")}
    assert {(row.recipe, row.score) for row in rows} == with_head | {("-", score) for score in PLAIN}
    assert all(row.seeds == 2 and 0 <= row.top[0] <= row.top[1] <= 1 for row in rows)


def test_a_rejoined_survey_keeps_its_journeys_and_lends_whole_albums() -> None:
    before = survey()
    after = rejoined(before, 3)
    np.testing.assert_array_equal(after.gallery.table.position_m, before.gallery.table.position_m)
    albums = [
        {frozenset(map(bytes, known.gallery.embeddings[before.individuals == a])) for a in range(11)}
        for known in (before, after)
    ]
    assert albums[0] == albums[1]
    assert (after.gallery.embeddings != before.gallery.embeddings).any()


def test_a_rejoined_survey_lends_the_local_scores_of_its_photographs() -> None:
    before = survey()
    vectors = before.gallery.embeddings
    first, second = np.triu_indices(len(vectors), 1)
    scores = np.abs((vectors[first] * vectors[second]).sum(axis=1))
    local = LocalPairs.of(first, second, scores, np.ones(len(scores), np.uint16))
    after = rejoined(replace(before, gallery=replace(before.gallery, local=local)), 3).gallery
    assert after.local is not None
    lent = np.abs((after.embeddings[first] * after.embeddings[second]).sum(axis=1))
    np.testing.assert_allclose(after.local.scores_of(first, second), lent, atol=1e-6)


def test_a_loss_of_more_than_a_point_misses_a_bar() -> None:
    def row(name: str, gain: float) -> Row:
        return Row(name, "default", "adapted product", 1, (0.5, 0.6), ((gain, 0, 0), (0.0, 0, 0)))

    held = {bar.words: bar.held for bar in bars_of([row("good", 0.03), row("bad", -0.02)])}
    assert held["mean gain in top-1 over the product"]
    assert held["gain in top-1 over the product on good"]
    assert not held["gain in top-1 over the product on bad"]


@pytest.mark.slow
def test_a_smoke_run_writes_rows_and_costs(real_files: Path) -> None:
    generator = real_files.parent / "tools" / "annotation_surveys.py"
    if not generator.is_file():
        pytest.skip(f"no generator of surveys at {generator}; it lies beside the directory of SPOTTED_DATA")
    path = RESULTS / "heads-quick.json"
    path.unlink(missing_ok=True)
    command = [sys.executable, "-m", "benchmarks.heads", "--quick", "--generator", str(generator)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    written = json.loads(Path(path).read_text(encoding="utf-8"))
    assert {row["survey"] for row in written["rows"]} == {"leopard102", "hyena109", "hyena415"}
    assert written["cost"]["ratio"] > 0
