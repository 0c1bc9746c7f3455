"""The description beside the ONNX file of a detector: `model.onnx` and `manifest.json` in one folder."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, TypeAlias

from spotted.boxes import FITS, FORMS, Fit, OutputForm, ScoreKind
from spotted.errors import NotFoundError, PreconditionError

DETECTOR_FILE = "model.onnx"
DETECTOR_MANIFEST = "manifest.json"
KIND = "detector"
# share of the union above which two boxes show one animal, as in MegaDetector
OVERLAP = 0.45
# forms whose exports return every object several times
REPEATING: frozenset[OutputForm] = frozenset({"yolov5", "yolov8"})

Colour: TypeAlias = tuple[float, float, float]
Kernel: TypeAlias = Literal["bilinear", "bicubic", "lanczos", "opencv-linear"]

_CHOICES: dict[str, tuple[str, ...]] = {
    "kind": (KIND,),
    "output": FORMS,
    "fit": FITS,
    "scores": ("probabilities", "logits"),
    "box_unit": ("pixels", "fractions"),
    "resize_kernel": ("bilinear", "bicubic", "lanczos", "opencv-linear"),
    "colour_order": ("RGB", "BGR"),
    "layout": ("nchw", "nhwc"),
}
_DESCRIPTIVE = frozenset({"model_id", "version", "licence", "source"})


@dataclass(frozen=True, slots=True)
class DetectorManifest:
    """Description of a detector. Raises ValueError or TypeError for values that are not possible."""

    model_id: str
    """Name of the detector."""
    version: str
    """Version of the weights, as their publisher writes it."""
    input_size: tuple[int, int]
    """Height and width of the input, pixels; a manifest may give one number for a square."""
    output: OutputForm
    """Form of the outputs."""
    class_names: tuple[str, ...]
    """Names of the classes, in the order of their indices."""
    sha256: str
    """SHA-256 (hex) of the model file."""
    licence: str
    """SPDX id of the licence of the weights."""
    source: str
    """Origin of the weights."""
    animals: tuple[str, ...] = ()
    """Classes that are animals; empty: all but persons and vehicles."""
    box_unit: Literal["pixels", "fractions"] | None = None
    """Unit of the boxes, of the input; None: fractions for rt-detr, pixels for the other forms."""
    scores: ScoreKind = "probabilities"
    """Scores that the graph returns."""
    overlap: float | None = None
    """Intersection over union above which a box repeats a more confident one; None: 0.45 for yolov5 and
    yolov8, while the other forms return each object once."""
    fit: Fit = "letterbox"
    """How the photograph fills the input."""
    fill: Colour = (114.0, 114.0, 114.0)
    """Colour beside the photograph, levels 0 to 255 of red, green and blue."""
    resize_kernel: Kernel = "opencv-linear"
    """Kernel that scales the photograph."""
    colour_order: Literal["RGB", "BGR"] = "RGB"
    """Order of the channels of the input."""
    layout: Literal["nchw", "nhwc"] = "nchw"
    """Order of the axes of the input."""
    scale: float = 1.0 / 255.0
    """Factor of the levels 0 to 255."""
    mean: Colour = (0.0, 0.0, 0.0)
    """By channel of the input, subtracted from the scaled levels."""
    std: Colour = (1.0, 1.0, 1.0)
    """By channel of the input, divisor after the mean is subtracted."""
    kind: str = KIND
    """Always "detector"."""

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            if value not in allowed and not (name == "box_unit" and value is None):
                raise ValueError(f"{name} is {value!r}, not {' or '.join(allowed)}")
        if len(self.input_size) != len(("height", "width")) or min(self.input_size) < 1:
            raise ValueError("input_size must be a number of pixels, or [height, width]")
        if not self.class_names or not set(self.animals) <= set(self.class_names):
            raise ValueError("class_names must name every class, and animals some of them")
        if not all(len(colour) == len("RGB") for colour in (self.fill, self.mean, self.std)):
            raise ValueError("fill, mean and std need three numbers each")
        if self.scale <= 0 or min(self.std) <= 0 or not 0 < self.suppression <= 1:
            raise ValueError("scale and std must be above 0, overlap above 0 and at most 1")
        if not all(0 <= level <= 255 for level in self.fill):  # noqa: PLR2004 - levels of 8 bits
            raise ValueError("fill must have levels from 0 to 255")

    @property
    def unit(self) -> Literal["pixels", "fractions"]:
        """Unit of the boxes."""
        return self.box_unit or ("fractions" if self.output == "rt-detr" else "pixels")

    @property
    def suppression(self) -> float:
        """Intersection over union above which a box repeats another; 1: no box repeats another."""
        if self.overlap is not None:
            return self.overlap
        return OVERLAP if self.output in REPEATING else 1.0

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of everything that affects the boxes."""
        parts = {name: value for name, value in asdict(self).items() if name not in _DESCRIPTIVE}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> str:
        """The text of a manifest file."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> DetectorManifest:
        """Parse the text of a manifest file. Raises ValueError or TypeError if it is invalid."""
        given = json.loads(text)
        if not isinstance(given, dict):
            raise TypeError("it is no JSON object")
        unknown = sorted(given.keys() - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"unknown fields {', '.join(unknown)}")
        lists = {name: tuple(value) for name, value in given.items() if isinstance(value, list)}
        size = given.get("input_size")
        square = {"input_size": (size, size)} if isinstance(size, int) else {}
        return cls(**(given | lists | square))


def read_detector_manifest(directory: Path) -> DetectorManifest:
    """The description of the detector in a folder.

    Raises NotFoundError if a file is missing, PreconditionError if the manifest is invalid.
    """
    for name in (DETECTOR_FILE, DETECTOR_MANIFEST):
        if not (directory / name).is_file():
            raise NotFoundError(
                f"no detector in {directory}: {name} is missing; copy {DETECTOR_FILE} and "
                f"{DETECTOR_MANIFEST} there"
            )
    path = directory / DETECTOR_MANIFEST
    try:
        return DetectorManifest.from_json(path.read_text(encoding="utf-8"))
    except (ValueError, TypeError) as error:
        raise PreconditionError(f"{path} is not a manifest of a detector ({error}); correct it") from error
