from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.training.from_session import FILE, HEAD, RULE, session_lines
from benchmarks.training.material import Material
from benchmarks.training.plan import FROZEN, cells_of
from benchmarks.training.runs import Runs
from benchmarks.training.settings import Settings
from spotted.scoring.similarity import unit_rows
from spotted.training import Photograph

ANIMALS, EACH = 40, 5


def test_a_head_and_a_network_are_measured_on_animals_that_neither_knew(tmp_path: Path) -> None:
    photographs = [
        Photograph(f"{n}", Path(f"{n}.png"), name=f"a{n // EACH}", species="lion")
        for n in range(ANIMALS * EACH)
    ]
    material = Material.of(photographs, [], RULE)
    labels, split = material.labels.of, material.split
    assert set(labels[split.train]).isdisjoint(labels[split.test])
    assert len(set(labels[split.train])) == len(set(labels[split.test])) == ANIMALS // 2

    # an element that says nothing about the animal rules the frozen vectors
    rng = np.random.default_rng(0)
    looks = np.repeat(rng.normal(size=(ANIMALS, 16)), EACH, axis=0)
    looks[:, 0] = 8.0 * rng.normal(size=len(looks))
    runs = Runs(tmp_path, Settings(epochs=1), material)
    (cell,) = cells_of("from-session", material.species, {})
    assert cell.training is not None
    (tmp_path / cell.training.name).mkdir()
    np.save(tmp_path / FILE, unit_rows(looks))
    looks[:, 0] = 0.0
    np.save(tmp_path / cell.training.name / "vectors.npy", unit_rows(looks[split.test]))

    lines = {line.title: line for line in session_lines(runs, [cell]) if line.part == "new"}
    assert list(lines) == [FROZEN, HEAD, "fine-tuned"]
    assert lines[FROZEN].gains["top-1"].value == 0.0
    assert lines["fine-tuned"].values["top-1"].value == 1.0
    assert lines[HEAD].gains["top-1"].low > 0.0
