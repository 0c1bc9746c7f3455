from __future__ import annotations

from pathlib import Path

import pytest

from services.common.settings import from_environment
from spotted.local import vectors


def test_the_vectors_of_a_run_are_in_its_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    read = from_environment("scorer", vectors.settings(Path("data")))
    assert read.vector_blocks == str(vectors.folder(Path("data"))) == str(tmp_path / "data" / "vectors")
