from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.embedder.export.__main__ import Exported
from services.embedder.export.architectures import ARCHITECTURES, POOLINGS
from services.embedder.export.variants import PRECISIONS
from spotted.cli import backbones, main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs the command; answers its exit code and what the export that it starts wrote to both streams."""

    def export_backbone(*arguments: str) -> tuple[int, str, str]:
        code = CliRunner().invoke(main, ["export-backbone", *arguments]).exit_code
        return (code, *capfd.readouterr())

    return export_backbone


def test_the_default_backbone_is_found_where_it_was_exported(exported: Exported, run: Run) -> None:
    code, stdout, stderr = run("efficientnet-lite0", "-o", str(exported.directory.parent.parent))
    assert code == 0, stderr
    file = exported.directory / "model.onnx"
    assert stdout == f"verified {file} (SHA-256 {exported.manifest.sha256[:12]})\n"


@pytest.mark.processes
def test_a_failure_is_that_of_the_export(tmp_path: Path, run: Run) -> None:
    weights = tmp_path / "weights.bin"
    code, stdout, stderr = run("efficientnet-lite0", "--weights", str(weights), "-o", str(tmp_path))
    assert code == 1
    remedy = "give the path of the downloaded .safetensors, .bin or .pt file"
    assert stderr == f"NOT_FOUND: weights not found: {weights}; {remedy}\n"
    assert not stdout


def test_the_help_names_every_backbone_precision_and_pooling() -> None:
    shown = CliRunner().invoke(main, ["export-backbone", "--help"]).output
    assert {*ARCHITECTURES, *PRECISIONS, *POOLINGS} <= set(re.findall(r"[\w-]*\w", shown))


def test_missing_packages_are_named_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_onnx(name: str) -> object:
        return None if name.startswith("onnx") else importlib.util.find_spec(name)

    monkeypatch.setattr(backbones, "find_spec", without_onnx)
    done = CliRunner().invoke(main, ["export-backbone", "miewid-msv3"])
    assert done.exit_code == 6
    assert "onnx, onnxscript not installed; install the extra `export`" in done.output
