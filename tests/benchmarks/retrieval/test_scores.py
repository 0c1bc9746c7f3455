from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.common.known_surveys import KnownSurvey
from benchmarks.retrieval.scores import Subject, Tally, bars_of, by_animal, main, measure, named, one_survey
from benchmarks.retrieval.table import METRICS, TOP, markdown
from spotted.evaluation.retrieval import measure_retrieval
from spotted.ranking.gallery import Gallery
from spotted.scoring.feasibility import FeasibilityParams
from spotted.scoring.fusion import Fusion
from spotted.scoring.similarity import unit_rows
from spotted.survey import DetectionTable, Extent
from tests.benchmarks.common.test_known_surveys import GENERATOR


def survey(seed: int, *, places: bool = True, kind: str = "composite", name: str = "s") -> KnownSurvey:
    """60 detections of 12 animals, each near a place of its own, some of unknown animals."""
    rng = np.random.default_rng(seed)
    individuals = rng.integers(0, 12, 60)
    positions = rng.random((12, 2))[individuals] * 1e4 if places else np.full((60, 2), np.nan)
    table = DetectionTable(
        positions,
        rng.random(60) * 1e6,
        image=np.full(60, -1),
        side=np.zeros(60, np.int64),
        location_uncertainty_m=np.zeros(60),
        clock_suspect=np.zeros(60, np.bool_),
    )
    looks = rng.normal(size=(12, 8))[individuals] + rng.normal(size=(60, 8))
    vectors = unit_rows(looks.astype(np.float32))
    gallery = Gallery(vectors, table, np.arange(60), Extent(1.5e4, 1e6), FeasibilityParams())
    return KnownSurvey(name, kind, gallery, np.where(rng.random(60) < 0.1, -1, individuals))


@pytest.mark.parametrize("fusion", [Fusion.VISUAL, Fusion.LOCATION, Fusion.PRODUCT])
def test_animal_by_animal_sums_to_the_whole(fusion: Fusion) -> None:
    known = survey(1)
    whole = measure_retrieval(known.gallery, named(known), fusion=fusion, ks=TOP)
    tally = by_animal(known.gallery, named(known), {"score": fusion}, draw=0)["score"]
    assert tally.queries.sum() == whole.queries
    expected = [*whole.top.values(), whole.mean_average_precision]
    np.testing.assert_allclose(tally.figures(), expected, rtol=0, atol=1e-12)


def test_an_interval_is_that_of_animals_drawn_in_a_plain_loop() -> None:
    rng = np.random.default_rng(5)
    queries = rng.integers(2, 9, 30).astype(np.float64)
    hits = np.floor(queries * rng.random(30))
    drawn = Tally(queries, hits[:, None], draw=3).drawn()[:, 0]
    loop = []
    for _ in range(4000):
        chosen = rng.integers(0, 30, 30)
        loop.append(hits[chosen].sum() / queries[chosen].sum())
    # both are Monte Carlo, so the ends agree to a few percent of the width
    assert np.percentile(drawn, (2.5, 97.5)) == pytest.approx(np.percentile(loop, (2.5, 97.5)), abs=0.02)


def test_a_training_that_changes_nothing_gains_nothing_exactly() -> None:
    results = measure([one_survey(survey(1))], (1, 2), train=lambda known, _: known.gallery)
    gains = {(gain.score, gain.over): gain.metrics for gain in results.gains}
    assert set(gains[("adapted fused", "fused")].values()) == {(0.0, 0.0, 0.0)}
    assert set(gains[("adapted", "visual")].values()) == {(0.0, 0.0, 0.0)}
    assert {line.score: line.seeds for line in results.lines} == {
        "visual": 1,
        "location": 1,
        "fused": 1,
        "adapted": 2,
        "adapted fused": 2,
    }


def test_a_training_gets_every_seed_and_its_gallery_is_what_is_measured() -> None:
    seeds = []

    def truth(known: KnownSurvey, seed: int) -> Gallery:
        seeds.append(seed)
        identities = np.eye(13, dtype=np.float32)[known.individuals]
        return replace(known.gallery, embeddings=identities)

    results = measure([one_survey(survey(1))], (4, 7), train=truth)
    assert seeds == [4, 7]
    (adapted,) = [line for line in results.lines if line.score == "adapted"]
    assert adapted.metrics["top-1"] == (1.0, 1.0, 1.0)


def test_a_survey_that_varies_is_measured_for_each_seed_and_averaged() -> None:
    varied = Subject("s", "generated", survey, varies=True)
    line = measure([varied], (1, 2)).lines[0]
    single = [measure([one_survey(survey(seed))], (1,)).lines[0].metrics["top-1"][0] for seed in (1, 2)]
    assert line.seeds == 2
    assert line.metrics["top-1"][0] == pytest.approx(np.mean(single))
    assert line.metrics["top-1"][1] <= line.metrics["top-1"][0] <= line.metrics["top-1"][2]


def test_without_places_only_visual_is_measured_and_that_is_said() -> None:
    results = measure([one_survey(survey(1, places=False))], (1,), train=lambda known, _: known.gallery)
    assert [line.score for line in results.lines] == ["visual"]
    assert results.gains == []
    assert "only visual similarity is measured" in results.notes["s"][0]
    assert bars_of(results) == []


def test_the_papers_marks_stand_beside_a_published_set_and_nowhere_else() -> None:
    published = one_survey(survey(1, kind="published", name="LeopardID102"))
    text = markdown(measure([published], (1,)), "some backbone")
    assert "| paper |" in text
    (row,) = [line for line in text.splitlines() if "| published | location |" in line]
    assert row.endswith("| top-1 0.48, top-20 0.97 |")
    same_name = one_survey(survey(1, kind="catalogue", name="LeopardID102"))
    assert "paper" not in markdown(measure([same_name], (1,)), "some backbone")


def test_bars_ask_fused_to_reach_both_of_its_parts_and_adapted_to_gain_on_average() -> None:
    results = measure([one_survey(survey(1))], (1,), train=lambda known, _: known.gallery)
    bars = bars_of(results)
    assert [bar.least for bar in bars] == [0.0, 0.0, 0.0, -0.01, 0.0, -0.01]
    gain = next(g for g in results.gains if (g.score, g.over) == ("fused", "visual"))
    assert bars[0].value == gain.metrics["top-5"][0]


def test_the_quick_run_writes_the_table_for_machines_and_for_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shapes = '"leopard102": {"animals": 16, "images": 160}, "hyena415": {"animals": 16, "images": 160}, '
    text = GENERATOR.replace(
        '{"hyena109": {"animals": 8, "images": 40}}',
        f'{{{shapes}"hyena109": {{"animals": 16, "images": 160}}}}',
    )
    (tmp_path / "generator.py").write_text(text)
    done = CliRunner().invoke(main, ["--quick", "--generator", "generator.py"])
    assert done.exit_code == 0, done.output
    written = json.loads((tmp_path / "out" / "benchmarks" / "retrieval-quick.json").read_text())
    assert [line["score"] for line in written["lines"]] == ["visual", "location", "fused"] * 3
    assert all(set(line["metrics"]) == set(METRICS) for line in written["lines"])
    table = (tmp_path / "out" / "benchmarks" / "retrieval-quick.md").read_text()
    assert table.count("| generated | fused |") == 3


def test_nothing_to_measure_is_an_error_that_names_the_options(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["--data", str(tmp_path / "no"), "--generator", str(tmp_path / "no.py")])
    assert done.exit_code == 1
    assert "pass --data, --generator" in done.output
