"""Options that several benchmarks share, with the same help and default."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

generator_option = click.option(
    "--generator",
    type=click.Path(path_type=Path),
    default=Path("../shared/tools/annotation_surveys.py"),
    show_default=True,
    help="Fixed generator of surveys in the published shapes.",
)
data_option = click.option(
    "--data", type=click.Path(path_type=Path), default=Path("../shared/data"), show_default=True
)
models_option = click.option(
    "--models", type=click.Path(path_type=Path), default=Path("models"), show_default=True
)
cache_option = click.option(
    "--cache",
    type=click.Path(path_type=Path),
    default=Path(tempfile.gettempdir()) / "spotted-local",
    show_default=True,
    help="Folder of local features and scores, in which a stopped run continues.",
)
share_option = click.option(
    "--share",
    type=click.FloatRange(0.1, 1.0),
    default=1.0,
    show_default=True,
    help="Part of the animals of nyala.",
)
