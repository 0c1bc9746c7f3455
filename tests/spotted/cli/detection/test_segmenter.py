from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from services.embedder.images.prompted_network import MARGIN
from services.embedder.segmenter_export import FORMS
from spotted.cli import main
from spotted.cli.detection import segmenter


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    for name in ("e.onnx", "d.onnx"):
        (tmp_path / name).write_bytes(b"never read")
    files = ["--encoder", str(tmp_path / "e.onnx"), "--decoder", str(tmp_path / "d.onnx")]
    return ["export-segmenter", "mobile-sam", *files, "--licence", "Apache-2.0", "--source", "a test"]


def test_the_assembly_runs_with_what_was_given(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []

    def run(command: list[str], **_: object) -> SimpleNamespace:
        started.append(command)
        return SimpleNamespace(returncode=1)

    monkeypatch.setattr(subprocess, "run", run)
    done = CliRunner().invoke(main, [*arguments, "--form", "sam2", "-o", str(tmp_path / "out")])
    assert done.exit_code == 1
    _, *given = started[0]
    assert given[:3] == ["-m", "services.embedder.segmenter_export", "mobile-sam"]
    options = dict(zip(given[3::2], given[4::2], strict=True))
    assert (options["--form"], options["--output"]) == ("sam2", str(tmp_path / "out"))
    assert float(options["--margin"]) == MARGIN
    CliRunner().invoke(main, arguments)
    assert started[1][-1].endswith("models/segmenters/mobile-sam")


def test_the_forms_are_those_of_the_assembly() -> None:
    assert set(segmenter.FORMS) == set(FORMS)


def test_without_onnxruntime_the_extra_is_named(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(name: str) -> object:
        return None if name == "onnxruntime" else importlib.util.find_spec(name)

    monkeypatch.setattr(segmenter, "find_spec", without)
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 6
    assert "install the extra `cpu` or `gpu`" in done.output
