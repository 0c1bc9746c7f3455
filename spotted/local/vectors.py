"""The folder of the vectors of surveys, beside the store's own file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

VARIABLE = "SPOTTED_VECTOR_BLOCKS_URL"
FOLDER = "vectors"


def folder(directory: Path) -> Path:
    """The folder of a run in a directory."""
    return directory.resolve() / FOLDER


def settings(directory: Path) -> Mapping[str, str]:
    """The settings by which a service finds the vectors."""
    return {VARIABLE: str(folder(directory))}
