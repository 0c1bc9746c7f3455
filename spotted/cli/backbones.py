"""`spotted export-backbone`: published weights, or a training, to a model file for the embedder."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from spotted.errors import PreconditionError
from spotted.local.models import models_directory

# required for every backbone
REQUIRED = ("torch", "onnx", "onnxscript")
POOLINGS = ("mean", "rmac")
PRECISIONS = ("fp32", "fp16", "int8")
ROOT = Path(__file__).resolve().parents[2]


@click.command(name="export-backbone")
@click.argument("name")
@click.option(
    "--weights", type=click.Path(path_type=Path), help="Downloaded checkpoint, safetensors or PyTorch."
)
@click.option("--hub", metavar="ID", help="Hugging Face repository: owner/name or owner/name@revision.")
@click.option(
    "--output",
    "-o",
    "models",
    type=click.Path(file_okay=False, path_type=Path),
    default=models_directory,
    envvar="SPOTTED_MODELS",
    help="Models directory; writes NAME/VERSION below it. Default: the one `spotted up` reads.",
)
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default=PRECISIONS[0],
    show_default=True,
    help="Numeric format of the weights.",
)
@click.option(
    "--calibration",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Directory of sample photographs: calibrates int8, measures the error of fp16 and int8.",
)
@click.option(
    "--image-size",
    type=click.IntRange(min=1),
    metavar="PX",
    help="Edge of the images, a multiple of 32; for convolutional networks. Default: that of the network.",
)
@click.option(
    "--pooling",
    type=click.Choice(POOLINGS),
    default=POOLINGS[0],
    show_default=True,
    help="How efficientnet-lite0 pools its features: their mean, or maxima of regions.",
)
@click.option(
    "--version", type=click.IntRange(min=1), default=1, show_default=True, help="Model version to write."
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
    image_size: int | None,
    pooling: str,
    version: int,
) -> None:
    """Export a backbone to ONNX, verified against its PyTorch network.

    NAME is the folder of a finished training (`spotted train`), or a published backbone: efficientnet-lite0,
    miewid-msv2, miewid-msv3, miewid-msv4, megadescriptor-t-224, megadescriptor-s-224, megadescriptor-b-224,
    megadescriptor-l-224 or megadescriptor-l-384. Without --weights and --hub, published weights are
    downloaded. Variants are written under names of their own: NAME-rmac, NAME-PX with another image size,
    NAME-fp16, NAME-int8. Requires the extra `export`; for a training, `train` is enough.
    """
    missing = [package for package in REQUIRED if find_spec(package) is None]
    if missing:
        raise PreconditionError(
            f"{', '.join(missing)} not installed; install the extra `export`: pip install 'spotted[export]'"
        )
    # the export runs in another folder
    chosen = str(Path(name).resolve()) if Path(name).is_dir() else name
    command = [sys.executable, "-P", "-m", "services.embedder.export", chosen]
    command += ["--output", str(models.resolve()), "--precision", precision, "--version", str(version)]
    for option, given in (("--weights", weights), ("--calibration", calibration)):
        command += [option, str(given.resolve())] if given else []
    command += ["--hub", hub] if hub else []
    command += ["--pooling", pooling]
    command += ["--image-size", str(image_size)] if image_size else []
    done = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603 - our own module, no shell
    ctx.exit(done.returncode)
