"""Assembly of a segmenter of two graphs, checked on a drawing; used at build time only.

python -m services.embedder.segmenter_export mobile-sam --encoder E.onnx --decoder D.onnx \
        --form sam --licence Apache-2.0 --source URL --output models/segmenters/mobile-sam
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
import onnxruntime

from services.embedder.images.decoding import ByteArray
from services.embedder.images.prompted_network import MARGIN, PromptedManifest
from services.embedder.images.segmenting import (
    DECODER_FILE,
    ENCODER_FILE,
    MANIFEST_FILE,
    load_segmenter,
)
from spotted.errors import AlreadyExistsError, NotFoundError, PreconditionError, SpottedError

# edge of the input of an encoder that takes any
DEFAULT_SIZE = 1024
# intersection over union of the mask and the drawing; a segmenter that is fed wrongly finds noise
LEAST_AGREEMENT = 0.5
# height and width of the drawing, and the box around its ellipse
DRAWING = (384, 512)
ROWS, COLUMNS = slice(96, 288), slice(128, 416)


class _Form(TypedDict, total=False):
    encoder_input: str
    fit: str
    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# how the encoders that people export take the photograph
FORMS: dict[str, _Form] = {
    "sam": {},
    "sam-with-preprocessing": {"encoder_input": "hwc"},
    "sam2": {"fit": "stretch", "scale": 1 / 255, "mean": IMAGENET_MEAN, "std": IMAGENET_STD},
    "efficient-sam": {"scale": 1 / 255, "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)},
}


@dataclass(frozen=True, slots=True)
class Origin:
    """A segmenter as it was exported elsewhere."""

    model_id: str
    """Name of the segmenter."""
    encoder: Path
    """ONNX file of the encoder."""
    decoder: Path
    """ONNX file of the decoder."""
    form: str
    """One of FORMS."""
    licence: str
    """SPDX id of the licence of the weights."""
    source: str
    """Origin of the weights."""


def assemble(origin: Origin, target: Path, *, margin: float) -> float:
    """Write a segmenter into a directory, and return its agreement with a drawing, 0 to 1.

    margin: share of the width and height of a box that the encoder sees on each side.
    Raises NotFoundError if a file is missing, PreconditionError if the segmenter cannot be used or does not
    find the drawing, AlreadyExistsError if the directory holds another segmenter.
    """
    manifest = _described(origin, margin)
    existing = target / MANIFEST_FILE
    if existing.exists() and existing.read_text(encoding="utf-8") != manifest.to_json():
        raise AlreadyExistsError(
            f"{target} holds another segmenter, on which stored vectors may depend; choose another --output"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as staging:
        staged = Path(staging)
        shutil.copyfile(origin.encoder, staged / ENCODER_FILE)
        shutil.copyfile(origin.decoder, staged / DECODER_FILE)
        (staged / MANIFEST_FILE).write_text(manifest.to_json(), encoding="utf-8")
        agreement = check(staged)
        target.mkdir(exist_ok=True)
        # the manifest is written last: without it the directory holds no segmenter
        for name in (ENCODER_FILE, DECODER_FILE, MANIFEST_FILE):
            (staged / name).replace(target / name)
    return agreement


def check(directory: Path) -> float:
    """Agreement of a segmenter with a drawn ellipse. Raises PreconditionError if it is too low."""
    image, ellipse = drawing()
    found = load_segmenter(directory).mask(image, ROWS, COLUMNS)
    expected = ellipse[ROWS, COLUMNS]
    agreement = float((found & expected).sum() / max((found | expected).sum(), 1))
    if agreement < LEAST_AGREEMENT:
        raise PreconditionError(
            f"the segmenter finds a drawn ellipse with an intersection over union of {agreement:.2f}, less "
            f"than {LEAST_AGREEMENT}; choose another --form ({', '.join(FORMS)})"
        )
    return agreement


def drawing() -> tuple[ByteArray, np.ndarray[tuple[int, int], np.dtype[np.bool_]]]:
    """A bright ellipse on a dark slope, (H, W, 3), and where it is, (H, W)."""
    height, width = DRAWING
    down, across = np.mgrid[:height, :width]
    centre_y, centre_x = (ROWS.start + ROWS.stop) / 2, (COLUMNS.start + COLUMNS.stop) / 2
    half_y, half_x = (ROWS.stop - ROWS.start) / 2, (COLUMNS.stop - COLUMNS.start) / 2
    ellipse = ((down - centre_y) / half_y) ** 2 + ((across - centre_x) / half_x) ** 2 <= 1
    image = np.stack([across * 60 // width, down * 60 // height, np.full(DRAWING, 40)], axis=2)
    image[ellipse] = (230, 180, 90)
    return image.astype(np.uint8), ellipse


def _described(origin: Origin, margin: float) -> PromptedManifest:
    for path in (origin.encoder, origin.decoder):
        if not path.is_file():
            raise NotFoundError(f"{path} does not exist; give the exported ONNX file")
    digests = [_sha256(path) for path in (origin.encoder, origin.decoder)]
    return PromptedManifest(
        model_id=origin.model_id,
        version=1,
        input_size=_input_size(origin.encoder),
        encoder_sha256=digests[0],
        decoder_sha256=digests[1],
        licence=origin.licence,
        source=origin.source,
        margin=margin,
        **FORMS[origin.form],  # type: ignore[arg-type] # the manifest checks the values
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _input_size(encoder: Path) -> int:
    """The edge of the input of an encoder, if it is fixed."""
    session = onnxruntime.InferenceSession(str(encoder), providers=["CPUExecutionProvider"])
    *_, last = session.get_inputs()[0].shape or [None]
    return last if isinstance(last, int) and last > len("RGB") else DEFAULT_SIZE


def main() -> None:
    """Assemble the segmenter named on the command line and print one line with the result."""
    arguments = _parser().parse_args()
    origin = Origin(
        arguments.model_id,
        arguments.encoder,
        arguments.decoder,
        arguments.form,
        arguments.licence,
        arguments.source,
    )
    try:
        agreement = assemble(origin, arguments.output, margin=arguments.margin)
    except SpottedError as error:
        sys.exit(f"{error.reason}: {error}")
    sys.stdout.write(f"assembled {arguments.output} (drawing found with {agreement:.2f})\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.embedder.segmenter_export", description=__doc__)
    parser.add_argument("model_id")
    parser.add_argument("--encoder", type=Path, required=True, help="ONNX file of the encoder")
    parser.add_argument("--decoder", type=Path, required=True, help="ONNX file of the decoder")
    parser.add_argument("--form", choices=FORMS, required=True, help="How the encoder takes the photograph")
    parser.add_argument("--licence", required=True, help="SPDX id of the licence of the weights")
    parser.add_argument("--source", required=True, help="Origin of the weights")
    parser.add_argument("--margin", type=float, default=MARGIN, help="Margin of a box")
    parser.add_argument("--output", "-o", type=Path, required=True, help="Directory to write")
    return parser


if __name__ == "__main__":
    main()
