"""`spotted export-segmenter`: an exported encoder and decoder to a segmenter of the embedder."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from spotted.errors import PreconditionError
from spotted.local.models import models_directory

FORMS = ("sam", "sam-with-preprocessing", "sam2", "efficient-sam")
MODULE = "services.embedder.segmenter_export"
MARGIN = 0.25
ROOT = Path(__file__).resolve().parents[3]
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(name="export-segmenter")
@click.argument("name")
@click.option("--encoder", type=FILE, required=True, help="ONNX file of the encoder.")
@click.option("--decoder", type=FILE, required=True, help="ONNX file of the decoder.")
@click.option(
    "--form",
    type=click.Choice(FORMS),
    default=FORMS[0],
    show_default=True,
    help="How the encoder takes the photograph; sam also for MobileSAM.",
)
@click.option("--licence", required=True, help="SPDX id of the licence of the weights, e.g. Apache-2.0.")
@click.option("--source", required=True, help="Origin of the weights, e.g. the address of their download.")
@click.option(
    "--margin",
    type=click.FloatRange(min=0.0),
    default=MARGIN,
    show_default=True,
    help="Share of the box that the encoder sees around it on each side.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory to write; default: segmenters/NAME in the directory of backbones.",
)
@click.pass_context
def export_segmenter(
    ctx: click.Context,
    *,
    name: str,
    encoder: Path,
    decoder: Path,
    form: str,
    licence: str,
    source: str,
    margin: float,
    output: Path | None,
) -> None:
    """Assemble a segmenter from the encoder and decoder of Segment Anything, checked on a drawing.

    NAME is the name of the segmenter. Both files are copied with a description. A drawn ellipse has to be
    found by its box, so that a wrong --form is noticed. Start the embedder with SPOTTED_SEGMENTER set to the
    directory, and embed with `spotted embed SURVEY --segment`.
    """
    if find_spec("onnxruntime") is None:
        raise PreconditionError(
            "onnxruntime is not installed; install the extra `cpu` or `gpu`: pip install 'spotted[cpu]'"
        )
    target = (output or models_directory() / "segmenters" / name).resolve()
    command = [sys.executable, "-m", MODULE, name, "--encoder", str(encoder.resolve())]
    command += ["--decoder", str(decoder.resolve()), "--form", form, "--licence", licence]
    command += ["--source", source, "--margin", str(margin), "--output", str(target)]
    done = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603 - our own module, no shell
    ctx.exit(done.returncode)
