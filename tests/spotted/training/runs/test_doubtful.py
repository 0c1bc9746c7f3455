from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from spotted.training.photographs.photograph import Photograph
from spotted.training.runs.doubtful import DOUBTFUL_FILE, find_doubtful, write_doubtful


def test_photographs_far_from_the_main_center_are_found_the_farthest_first() -> None:
    # two animals; the second center of the first one holds a wrongly named photograph
    centers = torch.zeros(2, 2, 3)
    centers[0, 0, 0] = centers[0, 1, 1] = centers[1, 0, 2] = centers[1, 1, 1] = 1.0
    tilted = [math.cos(math.radians(80)), 0.0, math.sin(math.radians(80))]
    vectors = np.array([[1, 0, 0], [0.8, 0.6, 0], [0, 1, 0], tilted, [0, 0, 1], [0, 0.6, 0.8]], np.float32)
    labels = np.array([0, 0, 0, 0, 1, 1])
    found = find_doubtful(vectors, labels, centers)
    assert [row for row, _ in found] == [2, 3]
    assert [angle for _, angle in found] == pytest.approx([90, 80], abs=0.1)
    assert not find_doubtful(vectors, labels, centers, least_angle_deg=95.0)


def test_they_are_written_as_a_table(tmp_path: Path) -> None:
    write_doubtful(tmp_path, [(Photograph("p1", Path("a.jpg"), name="Asha"), 88.25)])
    (row,) = csv.DictReader((tmp_path / DOUBTFUL_FILE).read_text().splitlines())
    assert row == {"photograph": "p1", "path": "a.jpg", "name": "Asha", "angle_deg": "88.2"}
