from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.embedder.export.__main__ import Exported
from services.embedder.export.architectures import ARCHITECTURES
from services.embedder.export.variants import PRECISIONS
from spotted.cli import backbones, main

COMMAND = [sys.executable, "-m", "spotted.cli", "export-backbone"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in its own process, which shares its output with the export that it starts."""
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)


def test_the_default_backbone_is_found_where_it_was_exported(exported: Exported) -> None:
    done = run("efficientnet-lite0", "-o", str(exported.directory.parent.parent))
    assert done.returncode == 0, done.stderr
    assert (
        done.stdout
        == f"verified {exported.directory / 'model.onnx'} (SHA-256 {exported.manifest.sha256[:12]})\n"
    )


def test_a_failure_is_that_of_the_export(tmp_path: Path) -> None:
    weights = tmp_path / "weights.bin"
    done = run("efficientnet-lite0", "--weights", str(weights), "-o", str(tmp_path))
    assert done.returncode == 1
    remedy = "give the path of the downloaded .safetensors, .bin or .pt file"
    assert done.stderr == f"NOT_FOUND: weights not found: {weights}; {remedy}\n"
    assert not done.stdout


def test_the_help_names_every_backbone_and_precision() -> None:
    shown = CliRunner().invoke(main, ["export-backbone", "--help"]).output
    assert {*ARCHITECTURES, *PRECISIONS} <= set(re.findall(r"[\w-]*\w", shown))


def test_missing_packages_are_named_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_onnx(name: str) -> object:
        return None if name.startswith("onnx") else importlib.util.find_spec(name)

    monkeypatch.setattr(backbones, "find_spec", without_onnx)
    done = CliRunner().invoke(main, ["export-backbone", "miewid-msv3"])
    assert done.exit_code == 6
    assert "onnx, onnxscript not installed; install the extra `export`" in done.output
