from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spotted.cli.detection import examination
from spotted.cli.detection.examination import examine
from spotted.errors import PreconditionError
from spotted.formats.detectors import DETECTOR_FILE, FoundAnimals, FoundBox
from tests.services.embedder.detection.drawn_networks import squares, write_detector

LION = (0.25, 0.25, 0.25, 0.5)


@pytest.mark.processes
def test_what_is_found_comes_from_another_process(tmp_path: Path) -> None:
    detector = write_detector(tmp_path / "detector", "end-to-end")
    photographs = [tmp_path / name for name in ("lion.png", "damaged.png", "gone.png", "blank.png")]
    Image.fromarray(squares(64, 48, (0, LION))).save(photographs[0])
    photographs[1].write_bytes(photographs[0].read_bytes()[:60])
    Image.fromarray(squares(64, 48)).save(photographs[3])
    found = dict(examine(detector, photographs, device="cpu"))
    assert set(found) == set(photographs)
    (box,) = found[photographs[0]].boxes
    assert (box.category, round(box.confidence, 3)) == (0, 0.9)
    np.testing.assert_allclose(box.box, LION, atol=1e-6)
    assert "the image is damaged or truncated" in found[photographs[1]].failure
    assert "cannot be read: No such file" in found[photographs[2]].failure
    assert found[photographs[3]] == FoundAnimals()


@pytest.mark.processes
def test_a_detector_that_cannot_be_used_ends_the_examination(tmp_path: Path) -> None:
    detector = write_detector(tmp_path / "detector", "end-to-end")
    (detector / DETECTOR_FILE).write_bytes(b"another file")
    with pytest.raises(PreconditionError, match=r"model.onnx has the SHA-256"):
        list(examine(detector, [tmp_path / "a.png"], device="cpu"))


def test_no_photograph_starts_no_process(tmp_path: Path) -> None:
    assert list(examine(tmp_path / "no detector", [], device="cpu")) == []


def test_a_process_that_ends_early_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "MODULE", "services.embedder.nosuch")
    with pytest.raises(PreconditionError, match="ended with status 1; what it found so far is kept"):
        list(examine(tmp_path, [tmp_path / "a.png"], device="cpu"))


def test_without_onnxruntime_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        examination, "find_spec", lambda name: None if name == "onnxruntime" else importlib.util
    )
    with pytest.raises(PreconditionError, match="install the extra `cpu` or `gpu`"):
        list(examine(tmp_path, [tmp_path / "a.png"], device="cpu"))


def test_lines_become_what_was_found() -> None:
    paths = [Path("a"), Path("b")]
    found = examination._found({"index": 1, "boxes": [[2, 0.5, 0.1, 0.2, 0.3, 0.4]]}, paths)
    assert found == (Path("b"), FoundAnimals((FoundBox(2, 0.5, (0.1, 0.2, 0.3, 0.4)),)))
    with pytest.raises(PreconditionError, match="install one version of Spotted"):
        examination._found({"indices": []}, paths)
