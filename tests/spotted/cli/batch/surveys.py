"""A directory of two surveys of drawn coats, embedded by processes of a Ray cluster of this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from spotted.cli import main
from tests.spotted.coat_surveys import write_coat_survey

# animals by survey
SURVEYS = {"ridge": 4, "valley": 2}


def write_surveys(directory: Path) -> Path:
    for seed, (name, animals) in enumerate(SURVEYS.items()):
        write_coat_survey(directory / name, animals, seed)
    return directory


def run_batch(*arguments: str, code: int = 0) -> dict[str, Any]:
    """The document of a batch command; its stderr as well if it should fail with a code."""
    done = CliRunner().invoke(main, ["batch", *arguments, "--json"])
    assert done.exit_code == code, done.stderr
    document: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
    return document | {"stderr": done.stderr}


def run_embed(surveys: str, results: str, models: Path, *more: str, code: int = 0) -> dict[str, Any]:
    options = ("--models", str(models), "--local", "hotspotter", "--timezone", "UTC", *more)
    return run_batch("embed", surveys, "-o", results, *options, code=code)
