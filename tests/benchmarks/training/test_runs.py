from __future__ import annotations

import fcntl
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.training import runs as runs_module
from benchmarks.training.material import Material
from benchmarks.training.plan import Training
from benchmarks.training.runs import LOCK_FILE, Runs
from benchmarks.training.settings import Settings
from spotted.training import Photograph, SplitRule, read_run
from tests.spotted.training.coats import coat_crops

SETTINGS = Settings("test_resnet", size=32, start="random", epochs=1, batch=16, test_share=0.5)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    crops, labels = coat_crops(16, 6, size=32, seed=1)
    photographs = []
    for row, (crop, label) in enumerate(zip(crops, labels.tolist(), strict=True)):
        path = tmp_path / f"{row}.png"
        Image.fromarray(crop).save(path)
        species = "lion" if label < 8 else "nyala"
        photographs.append(Photograph(str(row), path, name=f"a{label}", species=species))
    material = Material.of(photographs, [], SplitRule(0.5))
    return Runs(tmp_path / "runs", SETTINGS, material)


def test_a_network_without_names_is_trained_and_fine_tuned(runs: Runs) -> None:
    without = Training(("lion", "nyala"), method="simclr")
    tuned = Training(("nyala",), finetunes=without)
    runs.train([tuned, without])
    found = read_run(runs.folder / tuned.name)
    assert found.start.startswith(f"the run {without.name}")
    assert (found.method, read_run(runs.folder / without.name).method) == ("arcface", "simclr")
    vectors = runs.vectors(tuned)
    assert len(vectors) == len(runs.material.split.test)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert not np.allclose(vectors, runs.vectors(None))


def test_a_training_of_another_process_is_left_to_it_until_the_others_are_done(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    busy, other = Training(("nyala",)), Training(("lion",))
    (runs.folder / busy.name).mkdir(parents=True)
    lock = (runs.folder / busy.name / LOCK_FILE).open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)

    def trained(_: Runs, training: Training, folder: Path) -> None:
        done.append(training.name)
        (folder / "run.json").write_text("{}")
        # the other process ends
        lock.close()

    monkeypatch.setattr(runs_module.Runs, "_train", trained)
    runs.train([busy, other])
    assert done == ["lion", "nyala"]
    assert replace(runs).is_finished(busy)
