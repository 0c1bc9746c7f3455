"""`spotted export-backbone`: published weights to a file that the embedder runs."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from spotted.cli.machine import MODELS
from spotted.errors import PreconditionError

# what turns a network into a file, whichever it is
NEEDED = ("torch", "onnx", "onnxscript")
ROOT = Path(__file__).resolve().parents[2]


@click.command(name="export-backbone")
@click.argument("name")
@click.option(
    "--weights", type=click.Path(path_type=Path), help="A downloaded checkpoint, safetensors or torch."
)
@click.option("--hub", metavar="ID", help="Model repository: owner/name, or owner/name@revision.")
@click.option(
    "--output",
    "-o",
    "models",
    type=click.Path(file_okay=False, path_type=Path),
    default=MODELS,
    envvar="SPOTTED_MODELS",
    help="Directory of models, NAME/VERSION below it; by default where `spotted up` looks.",
)
@click.option("--precision", type=click.Choice(["fp32", "fp16", "int8"]), default="fp32", show_default=True)
@click.option(
    "--calibration",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Photographs like those of the survey, for int8, and to measure fp16 and int8 on.",
)
@click.option(
    "--version", type=click.IntRange(min=1), default=1, show_default=True, help="For other weights."
)
@click.pass_context
def export_backbone(
    ctx: click.Context,
    *,
    name: str,
    weights: Path | None,
    hub: str | None,
    models: Path,
    precision: str,
    calibration: Path | None,
    version: int,
) -> None:
    """Turn the published weights of a backbone into an ONNX file, proven equal to the torch network.

    NAME is efficientnet-lite0, miewid-msv2, miewid-msv3, miewid-msv4, megadescriptor-t-224,
    megadescriptor-s-224, megadescriptor-b-224, megadescriptor-l-224 or megadescriptor-l-384. Without
    --weights and --hub the weights come from where their makers publish them. fp16 and int8 are written as
    NAME-fp16 and NAME-int8. Needs the extra `export`.
    """
    missing = [package for package in NEEDED if find_spec(package) is None]
    if missing:
        raise PreconditionError(
            f"{', '.join(missing)} not installed; install the extra `export`: pip install 'spotted[export]'"
        )
    command = [sys.executable, "-m", "services.embedder.export", name]
    command += ["--output", str(models.resolve()), "--precision", precision, "--version", str(version)]
    for option, given in (("--weights", weights), ("--calibration", calibration)):
        command += [option, str(given.resolve())] if given else []
    command += ["--hub", hub] if hub else []
    done = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603 - our own module, no shell
    ctx.exit(done.returncode)
