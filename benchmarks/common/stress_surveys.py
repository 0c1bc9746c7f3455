"""Surveys that do not look like the published ones: fixed scenarios, each with one assumption broken."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import click

from benchmarks.common.known_surveys import KnownSurvey, made_survey

STRESS_FILE = "stress_surveys.py"


def stressed(generator: Path, shape: str, seed: int) -> Iterator[KnownSurvey]:
    """Every scenario of a shape, by the file of scenarios that lies beside the generator.

    Raises click.ClickException if it is missing.
    """
    path = generator.parent / STRESS_FILE
    spec = importlib.util.spec_from_file_location("stress_surveys", path)
    if not path.exists() or spec is None or spec.loader is None:
        raise click.ClickException(f"no scenarios at {path}; pass --generator with {STRESS_FILE} beside it")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for scenario, made in module.scenarios(shape, seed=seed):
        yield made_survey(f"{shape}-{seed}: {scenario}", "stress", made)
