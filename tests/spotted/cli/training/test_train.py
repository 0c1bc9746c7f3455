from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from spotted.cli import main
from spotted.cli.training import options, train
from spotted.formats.layouts.recognition import PUBLISHED_SET
from spotted.formats.sources import Source, remember
from spotted.training.runs.folder import read_run
from tests.spotted.training.coat_table import write_coats

SMALL = ["--network", "test_resnet", "--size", "32", "--start", "random", "--epochs", "1", "--batch", "16"]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coats(tmp_path_factory.mktemp("coats"), 8, 6)


def test_a_table_becomes_a_run(table: Path, tmp_path: Path) -> None:
    command = ["train", str(table), "-o", str(tmp_path / "coats"), *SMALL, "--flanks-apart", "drawn"]
    command += ["--licence", "CC0-1.0", "--seed", "3", "--precision", "bf16", "--average", "ema"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert f"next: spotted export-backbone {tmp_path / 'coats'}" in done.output
    assert "drawn: top-1 " in done.output
    run = read_run(tmp_path / "coats")
    assert (run.name, run.licence, run.network.name) == ("coats", "CC0-1.0", "test_resnet")
    assert run.recipe["loop.precision"] == "bf16"
    assert run.recipe["split.seed"] == 3
    assert run.labels[0].endswith(" left")


def test_an_imported_survey_becomes_a_run(table: Path, tmp_path: Path) -> None:
    folder = tmp_path / "animals"
    for line in table.read_text().splitlines()[1:]:
        photograph, name = line.split(",")[1:3]
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / photograph).write_bytes((table.parent / photograph).read_bytes())
    data = ["--data", str(tmp_path / "data")]
    train_it = ["train", "animals", "-o", str(tmp_path / "run"), *SMALL, "--test-share", "0", "--json", *data]
    done = CliRunner().invoke(main, train_it)
    assert done.exit_code == 4
    assert "survey 'animals' was not imported" in done.output
    remember(tmp_path / "data", "animals", Source(package=str(folder), layout=PUBLISHED_SET))
    done = CliRunner().invoke(main, train_it)
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert (document["individuals"], document["photographs"], document["metrics"]) == (8, 48, [])


def test_a_missing_package_is_named_with_the_extra(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_timm(name: str) -> object:
        return None if name == "timm" else importlib.util.find_spec(name)

    monkeypatch.setattr(options, "find_spec", without_timm)
    done = CliRunner().invoke(main, ["train", str(table), "-o", str(tmp_path / "run")])
    assert done.exit_code == 6
    assert "timm not installed; install the extra `train`: pip install 'spotted[train]'" in done.output
    assert train.train.name == "train"
