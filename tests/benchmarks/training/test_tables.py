from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from benchmarks.common import report
from benchmarks.training.__main__ import main
from benchmarks.training.tables import most_photographs
from tests.spotted.training.coats import coat_crops

QUICK = (
    "--network",
    "test_resnet",
    "--size",
    "32",
    "--start",
    "random",
    "--batch",
    "16",
    "--test-share",
    "0.5",
)


def photographs(folder: Path, table: str, seed: int) -> None:
    """Twelve animals with six photographs each, in the form of the published folders."""
    crops, labels = coat_crops(12, 6, size=32, seed=seed)
    path = folder / table
    path.parent.mkdir()
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "identity", "side", "encounter", "split"])
        for row, (crop, label) in enumerate(zip(crops, labels.tolist(), strict=True)):
            Image.fromarray(crop).save(path.parent / f"{row}.png")
            writer.writerow([f"{row}.png", f"animal{label}", "left", f"e{row}", "val"])


def test_figure_3_asks_about_animals_with_as_many_photographs_as_leave_a_hundred_queries() -> None:
    # 60 photographs of animals with 6, 60 of animals with 4, 60 of animals with 2
    classes = [f"{each}-{animal}" for each in (6, 4, 2) for animal in range(60 // each) for _ in range(each)]
    assert most_photographs(classes) == 3
    assert most_photographs(classes[:60]) == 1
    assert most_photographs(classes * 40) == 5


def test_tables_are_trained_once_measured_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    (tmp_path / "data").mkdir()
    photographs(tmp_path / "data", "nyala/index.csv", 1)
    photographs(tmp_path / "data", "lions/photographs.csv", 2)
    common = ("--data", str(tmp_path / "data"), "--folder", str(tmp_path / "runs"), *QUICK)

    def run(*arguments: str) -> str:
        found = CliRunner().invoke(main, [*arguments, *common], catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return found.output

    first = run("table-2", "--minutes", "0.001")
    assert re.search(r"\| nyala \| single species \| \d+ \| 6 \| .* \| 0\.218 \|", first)
    written = json.loads((tmp_path / "results" / "training-table-2.json").read_text())["results"]
    assert {(line["species"], line["title"]) for line in written} == {
        (species, title)
        for species in ("lion", "nyala")
        for title in ("start", "multi-species", "leave-one-out", "single species")
    }
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").glob("*/run.json")}
    assert sorted(path.parent.name for path in times) == ["lion", "lion+nyala", "nyala"]
    # the photographs that they learnt from are asked about too
    learnt = first.partition("queries: learnt from")[2]
    assert learnt.count("single species") == 2
    assert "start" not in learnt
    # further tables use what was trained
    assert "leave-one-out" in run("table-3")
    assert "queries: [[" in run("figure-3")
    assert "'score'" in run("known-unknown")
    assert "all animals, fine-tuned" in run("table-5")
    # more photographs would be divided otherwise
    other = CliRunner().invoke(main, ["without-names", "--species", "nyala", *common])
    assert "give the same, or another folder" in other.output
    shown = run("without-names", "--finished")
    assert "single species" in shown
    assert "SimCLR" not in shown
    assert {path: path.stat().st_mtime_ns for path in times} == times
