"""Pixels to unit vectors by a frozen backbone, whose file is known by its SHA-256.

On disk a backbone is `<models>/<model_id>/<version>/model.onnx` with a `manifest.json` beside it. The
graph takes uint8 (n, size, size, 3) and normalises it itself, so nothing outside can do that differently.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from services.embedder.images import ByteArray, Preprocessing
from spotted.errors import NotFoundError, PreconditionError
from spotted.survey import Float32Array

MODEL_FILE = "model.onnx"
MANIFEST_FILE = "manifest.json"
REMEDY = "export it with `make models`"

# TF32 would round to 10 bits of mantissa, and two devices' vectors would differ in the third digit
_CUDA = ("CUDAExecutionProvider", {"use_tf32": "0"})
# the first must take part, the others run what it cannot
_PROVIDERS: dict[str, list[tuple[str, dict[str, str]]]] = {
    "cpu": [("CPUExecutionProvider", {})],
    "cuda": [_CUDA],
    "tensorrt": [("TensorrtExecutionProvider", {}), _CUDA],
}
# onnxruntime's levels: 3 reports errors only, as it warns of harmless graph details
_ERRORS_ONLY = 3


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known of an exported backbone.

    input_size: edge of the square input, pixels; dimension: elements of a vector.
    mean, std: by channel, what the graph subtracts from 0..255 pixels and divides them by, for readers only.
    resize_kernel, colour_order: what the pixels must be like.
    opset: version of the ONNX operators; sha256: of the model file, hexadecimal.
    licence: SPDX id of the weights' licence; source: where they came from.
    """

    model_id: str
    version: int
    input_size: int
    dimension: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resize_kernel: str
    colour_order: str
    opset: int
    sha256: str
    licence: str
    source: str

    def to_json(self) -> str:
        """The text of a manifest file."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """The manifest in a file's text. Raises ValueError, KeyError or TypeError where it holds another."""
        fields = json.loads(text)
        return cls(**{**fields, "mean": tuple(fields["mean"]), "std": tuple(fields["std"])})


class Backbone:
    """A loaded backbone; `embed` may be called from several threads at once."""

    def __init__(self, manifest: Manifest, session: onnxruntime.InferenceSession, device: str) -> None:
        self.manifest = manifest
        self.device = device
        self.preprocessing = Preprocessing(manifest.input_size)
        self._session = session

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the model file, the backbone's part of an embedding's spec."""
        return self.manifest.sha256

    def embed(self, images: ByteArray) -> list[Float32Array | PreconditionError]:
        """Unit vectors, (dimension,) each, of images (n, size, size, 3) uint8 RGB.

        An image whose vector is not finite or has no direction gets an error in its place, so that it
        does not spoil those it shares a batch with.
        """
        (features,) = self._session.run(None, {"pixels": images})
        lengths = np.linalg.norm(features, axis=1, keepdims=True)
        sound = (np.isfinite(lengths) & (lengths > 0))[:, 0]
        # the others become NaN, and are replaced below
        vectors = np.divide(features, lengths, out=np.full_like(features, np.nan), where=sound[:, None])
        return [row if whole else self._unsound() for row, whole in zip(vectors, sound, strict=True)]

    def warm_up(self, batch: int) -> None:
        """Run an empty batch, so that the first caller does not wait for memory to be laid out."""
        size = self.manifest.input_size
        self._session.run(None, {"pixels": np.zeros((batch, size, size, 3), dtype=np.uint8)})

    def _unsound(self) -> PreconditionError:
        return PreconditionError(
            f"backbone {self.manifest.model_id!r} on {self.device} made no finite vector of this image; "
            f"if others fail too, its file or the device is faulty: {REMEDY}, or use another device"
        )


def load_backbone(
    models: Path, model_id: str, *, version: int | None = None, device: str = "cpu", threads: int = 1
) -> Backbone:
    """Load a backbone from a directory of models after its file is verified.

    version: None takes the newest. device: cpu, cuda or tensorrt; nothing falls back to another device.
    threads: of one run on the CPU.
    Raises NotFoundError where the model is missing, PreconditionError where its file is not the one its
    manifest describes, or the device is not there.
    """
    directory = _version_directory(models, model_id, version)
    manifest = read_manifest(directory)
    path = directory / MODEL_FILE
    if not verified(directory, manifest):
        raise PreconditionError(
            f"{path} is missing or is not the file that {MANIFEST_FILE} describes "
            f"(SHA-256 {manifest.sha256}); {REMEDY}"
        )
    return Backbone(manifest, _session(path, device, threads), device)


def read_manifest(directory: Path) -> Manifest:
    """The manifest of one version of a backbone.

    Raises NotFoundError where there is none, PreconditionError where it cannot be read.
    """
    path = directory / MANIFEST_FILE
    try:
        return Manifest.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFoundError(f"no backbone at {directory}; {REMEDY}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise PreconditionError(f"{path} is no manifest of this version ({error}); {REMEDY}") from error


def verified(directory: Path, manifest: Manifest) -> bool:
    """True where the model file is the one that its manifest describes."""
    path = directory / MODEL_FILE
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == manifest.sha256


def _version_directory(models: Path, model_id: str, version: int | None) -> Path:
    if version is not None:
        return models / model_id / str(version)
    found = [p for p in (models / model_id).glob("*") if p.name.isdigit() and p.is_dir()]
    if not found:
        raise NotFoundError(f"no backbone {model_id!r} under {models}; {REMEDY}")
    return max(found, key=lambda directory: int(directory.name))


def _session(path: Path, device: str, threads: int) -> onnxruntime.InferenceSession:
    providers = _PROVIDERS[device]
    wanted = providers[0][0]
    present = onnxruntime.get_available_providers()
    if wanted not in present:
        raise PreconditionError(
            f"device {device!r} needs onnxruntime's {wanted}, and this one has {', '.join(present)}; install "
            "the extra `gpu` instead of `cpu`, or set SPOTTED_DEVICE=cpu"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = _ERRORS_ONLY
    # a spinning thread takes the core that the next image's decoder needs
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    # onnxruntime itself falls back to the CPU where the driver or a library is missing
    if wanted not in session.get_providers():
        raise PreconditionError(
            f"device {device!r} cannot be used: its driver or libraries are missing or do not fit this "
            "onnxruntime; install them, or set SPOTTED_DEVICE=cpu"
        )
    return session
