"""An object detector given as an ONNX file with its description, as it was exported.

Nothing is added to the graph: scaling, normalisation, decoding of the outputs and suppression follow the
manifest (`spotted.formats.detectors`).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from services.embedder.images.decoding import ByteArray
from services.embedder.images.resizing import resize_into
from services.embedder.inference import devices
from spotted.arrays import FloatArray, IntArray
from spotted.boxes import FoundBoxes, Placement, place, read_outputs, rows_of_image, suppress
from spotted.errors import PreconditionError
from spotted.formats.detectors import (
    DETECTOR_FILE,
    DETECTOR_MANIFEST,
    DetectorManifest,
    FoundAnimals,
    FoundBox,
    read_detector_manifest,
)

# as in the files of MegaDetector, boxes far below any threshold are not kept
LEAST_CONFIDENCE = 0.01
MOST_BOXES = 300
# of the boxes before suppression; as in YOLO
MOST_CANDIDATES = 30_000
# second input of exports of RT-DETR, which scale their boxes to it: width, height
SIZES_INPUT = "orig_target_sizes"
CHANNELS = 3
# edge of a blank photograph, pixels
BLANK = 32

_ELEMENTS = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}
# parts of the names of outputs, in the order in which `read_outputs` takes them
_NAMES = {
    "rt-detr": (("box",), ("logit", "score", "class", "label")),
    "labels-boxes-scores": (("label", "class"), ("box",), ("score", "conf")),
}


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """A photograph in the input of a detector."""

    pixels: ByteArray
    """(height, width, 3) RGB."""
    placement: Placement
    """Part of the input that shows the photograph."""


class Detector:
    """A loaded detector; its methods may be called from several threads at once."""

    def __init__(
        self, manifest: DetectorManifest, session: onnxruntime.InferenceSession, device: str
    ) -> None:
        """Raises PreconditionError if the graph does not take the input that the manifest describes."""
        self.manifest = manifest
        self._session = session
        images, *others = session.get_inputs()
        self._input = images.name
        self._elements = _ELEMENTS.get(images.type)
        self._fixed_batch = _check_input(manifest, images, [other.name for other in others])
        height, width = manifest.input_size
        self.max_batch = self._fixed_batch or devices.max_batch(device, math.isqrt(height * width))
        # an export without an axis for the batch returns the boxes of one photograph, unless they name theirs
        axes = len(session.get_outputs()[0].shape or ())
        if axes == len(("boxes", "columns")) - self._is_labelled and manifest.output != "yolov7":
            self.max_batch = 1
        self._sized = SIZES_INPUT in {other.name for other in others}

    def prepare(self, image: ByteArray) -> PreparedImage:
        """An upright (H, W, 3) photograph in the input of the detector."""
        manifest = self.manifest
        height, width = manifest.input_size
        placement = place(image.shape[1], image.shape[0], width=width, height=height, fit=manifest.fit)
        red, green, blue = (round(level) for level in manifest.fill)
        pixels = resize_into(
            image, (height, width), placement, manifest.resize_kernel, fill=(red, green, blue)
        )
        return PreparedImage(pixels, placement)

    def detect(self, images: Sequence[PreparedImage]) -> list[FoundAnimals]:
        """The boxes in each image, most confident first.

        Raises InvalidInputError or PreconditionError if the outputs are not as the manifest describes them.
        """
        found: list[FoundAnimals] = []
        for start in range(0, len(images), self.max_batch):
            part = images[start : start + self.max_batch]
            arrays = self._run(np.stack([image.pixels for image in part]))
            for index, image in enumerate(part):
                found.append(self._boxes(list(self._of_image(arrays, index, len(part))), image.placement))
        return found

    def warm_up(self) -> None:
        """Run blank photographs: a wrong manifest and the memory of a run are known before the first one.

        Raises InvalidInputError or PreconditionError as `detect` does.
        """
        self.detect([self.prepare(np.zeros((BLANK, BLANK, CHANNELS), dtype=np.uint8))] * self.max_batch)

    @property
    def _is_labelled(self) -> bool:
        return self.manifest.output == "labels-boxes-scores"

    def _run(self, pixels: ByteArray) -> list[FloatArray]:
        """The outputs of a batch, in the order in which `read_outputs` takes them."""
        batch = self._normalised(pixels)
        if self._fixed_batch and len(batch) < self._fixed_batch:
            batch = np.concatenate(
                [batch, np.zeros_like(batch, shape=(self._fixed_batch - len(batch), *batch.shape[1:]))]
            )
        height, width = self.manifest.input_size
        given: dict[str, FloatArray | ByteArray | IntArray] = {self._input: batch}
        if self._sized:
            given[SIZES_INPUT] = np.tile(np.array([width, height], dtype=np.int64), (len(batch), 1))
        names = [output.name for output in self._session.get_outputs()]
        arrays: list[FloatArray] = self._session.run(None, given)
        return [arrays[index] for index in _order(self.manifest, names)]

    def _normalised(self, pixels: ByteArray) -> FloatArray | ByteArray:
        """(n, height, width, 3) RGB as the graph takes it."""
        manifest = self.manifest
        ordered = pixels[..., ::-1] if manifest.colour_order == "BGR" else pixels
        if self._elements is not np.uint8:
            mean, std = (np.array(each, dtype=np.float32) for each in (manifest.mean, manifest.std))
            scaled = (ordered.astype(np.float32) * np.float32(manifest.scale) - mean) / std
            ordered = scaled.astype(self._elements)
        moved = ordered.transpose(0, 3, 1, 2) if manifest.layout == "nchw" else ordered
        return np.ascontiguousarray(moved)

    def _of_image(self, arrays: Sequence[FloatArray], index: int, count: int) -> Iterator[FloatArray]:
        if self.manifest.output == "yolov7":
            yield from (rows_of_image(array, index) for array in arrays[:1])
            return
        for number, array in enumerate(arrays):
            axes = 1 if self._is_labelled and number != 1 else 2
            if array.ndim == axes and count == 1:
                yield array
            elif array.ndim == 0 or len(array) <= index:
                raise PreconditionError(
                    f"detector {self.manifest.model_id!r} returned an array of shape {array.shape} for "
                    f'{count} photographs; correct "output" in its manifest'
                )
            else:
                yield array[index]

    def _boxes(self, arrays: Sequence[FloatArray], placement: Placement) -> FoundAnimals:
        manifest = self.manifest
        found = read_outputs(
            arrays,
            manifest.output,
            classes=len(manifest.class_names),
            scores=manifest.scores,
            least=LEAST_CONFIDENCE,
        )
        found = found[np.argsort(-found.confidence, kind="stable")[:MOST_CANDIDATES]]
        if manifest.unit == "fractions":
            height, width = manifest.input_size
            sides = np.array([width, height, width, height], dtype=np.float64)
            found = FoundBoxes(found.corners * sides, found.confidence, found.category)
        kept = suppress(
            found.corners, found.confidence, found.category, overlap=manifest.suppression, most=MOST_BOXES
        )
        chosen = found[kept]
        boxes = placement.to_fractions(chosen.corners).tolist()
        rows = zip(chosen.category.tolist(), chosen.confidence.tolist(), boxes, strict=True)
        return FoundAnimals(
            tuple(
                FoundBox(category, confidence, (x, y, width, height))
                for category, confidence, (x, y, width, height) in rows
                # what lies beside the photograph is no box in it
                if width > 0.0 and height > 0.0
            )
        )


def load_detector(directory: Path, *, device: str = "cpu", threads: int = 1) -> Detector:
    """Verify and load the detector in a folder.

    threads: number of threads of one run on the CPU.
    Raises NotFoundError if a file is missing, PreconditionError if the manifest is invalid or does not match
    the model file, or the device is not available.
    """
    manifest = read_detector_manifest(directory)
    path = directory / DETECTOR_FILE
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != manifest.sha256:
        raise PreconditionError(
            f"{path} has the SHA-256 {found}, but {DETECTOR_MANIFEST} says {manifest.sha256}; download the "
            "model again, or correct the manifest if the model is the right one"
        )
    height, width = manifest.input_size
    session = devices.open_session(path, device, threads=threads, input_size=math.isqrt(height * width))
    return Detector(manifest, session, device)


def _check_input(manifest: DetectorManifest, images: onnxruntime.NodeArg, others: Sequence[str]) -> int:
    """The fixed batch size of a graph, 0 if it is free. others: names of further inputs."""
    unknown = [name for name in others if name != SIZES_INPUT]
    height, width = manifest.input_size
    wanted = [CHANNELS, height, width] if manifest.layout == "nchw" else [height, width, CHANNELS]
    first, *rest = images.shape or [None]
    # names and None stand for any length
    fits = len(rest) == len(wanted) and all(
        not isinstance(length, int) or length == want for length, want in zip(rest, wanted, strict=True)
    )
    if unknown or not fits or images.type not in _ELEMENTS:
        raise PreconditionError(
            f"detector {manifest.model_id!r} takes {images.type} {images.shape}"
            f"{' and ' + ', '.join(unknown) if unknown else ''}, but its manifest describes an input of "
            f'n x {" x ".join(map(str, wanted))}; correct "input_size" and "layout", or export it again '
            "with images as its input"
        )
    return first if isinstance(first, int) else 0


def _order(manifest: DetectorManifest, names: Sequence[str]) -> Sequence[int]:
    """The outputs by name, in the order of `_NAMES`; in their own order if names do not tell them apart."""
    parts = _NAMES.get(manifest.output, ())
    if len(names) < len(parts):
        return range(len(names))
    found = [
        [index for index, name in enumerate(names) if any(part in name.lower() for part in one)]
        for one in parts
    ]
    if parts and all(len(indices) == 1 for indices in found):
        return [index for (index,) in found]
    return range(len(parts) or 1)
