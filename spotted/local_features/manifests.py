"""The files of a method with networks: a manifest, a network that extracts, perhaps one that matches.

On disk they are `local-method.json`, `extractor.onnx` and `matcher.onnx` of one directory. Any network serves
that has these inputs and outputs:

    extractor  pixels uint8 (1, s, s, 3) RGB, valid uint8 (1, s, s): 1 if a keypoint may lie there
               -> points float32 (n, 2) x and y in pixels, strengths (n,), 0 for no keypoint,
                  descriptors (n, d) of length 1
    matcher    points_a (1, n, 2), x and y from the centre in halves of the longest side,
               descriptors_a (1, n, d), points_b, descriptors_b
               -> scores float32 (1, n, m) from 0 to 1
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

import onnxruntime

from spotted.errors import PreconditionError
from spotted.local_features.methods import MethodSpec
from spotted.local_features.quantisation import LENGTH

MANIFEST_FILE = "local-method.json"
EXTRACTOR_FILE = "extractor.onnx"
MATCHER_FILE = "matcher.onnx"
# log level of onnxruntime: errors, without its warnings about harmless graph details
ERRORS_ONLY = 3


@dataclass(frozen=True, slots=True)
class MethodManifest:
    """Description of a method with networks.

    >>> manifest = MethodManifest("dots", 320, 256, 64, "a" * 64, "", "MIT", "ours")
    >>> MethodManifest.from_json(manifest.to_json()) == manifest
    True
    >>> manifest.spec.matcher
    'lnbnn'
    """

    name: str
    """Name by which users choose the method."""
    chip_size_px: int
    """Edge of the square input of the extractor."""
    most_points: int
    """Keypoints that are kept, strongest first."""
    dimension: int
    """Elements of a descriptor."""
    extractor_sha256: str
    """SHA-256 (hex) of the network that extracts."""
    matcher_sha256: str
    """SHA-256 (hex) of the network that matches; empty: descriptors are matched by LNBNN."""
    licence: str
    """SPDX id of the licence of the weights."""
    source: str
    """Origin of the weights."""
    largest_difference: float | None = None
    """Largest difference of an output from torch, in parts of its range; None: not measured."""

    @property
    def spec(self) -> MethodSpec:
        """Everything on which features and scores depend."""
        return MethodSpec(
            name=self.name,
            detector="network",
            matcher="lightglue" if self.matcher_sha256 else "lnbnn",
            chip_size_px=self.chip_size_px,
            most_points=self.most_points,
            dimension=self.dimension,
            descriptor_length=LENGTH,
            weights_sha256=self.extractor_sha256,
            matcher_sha256=self.matcher_sha256,
        )

    def to_json(self) -> str:
        """The text of a manifest file."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> MethodManifest:
        """Parse the text of a manifest file. Raises PreconditionError if it is invalid."""
        try:
            manifest = cls(**json.loads(text))
            positive = min(manifest.chip_size_px, manifest.most_points, manifest.dimension) > 0
        except (ValueError, TypeError) as error:
            raise PreconditionError(
                f"{MANIFEST_FILE} does not describe a local method ({error}); export the method again"
            ) from error
        if not positive:
            raise PreconditionError(
                f"{MANIFEST_FILE} of {manifest.name!r} has a size below 1; export the method again"
            )
        return manifest


@dataclass(frozen=True, slots=True, eq=False)
class MethodFiles:
    """The content of the files of a method.

    >>> manifest = MethodManifest("dots", 320, 256, 64, "a" * 64, "", "MIT", "ours")
    >>> MethodFiles(manifest, extractor=b"...").manifest.spec.name
    'dots'
    """

    manifest: MethodManifest
    """Description of the method and its files."""
    extractor: bytes = b""
    """Content of the network that extracts; empty: it was not read."""
    matcher: bytes = b""
    """Content of the network that matches; empty: there is none, or it was not read."""

    def open_extractor(self, *, threads: int = 1) -> onnxruntime.InferenceSession:
        """The network that extracts. Raises PreconditionError if it is not the one of the manifest."""
        return self._open(EXTRACTOR_FILE, self.extractor, self.manifest.extractor_sha256, threads)

    def open_matcher(self, *, threads: int = 1) -> onnxruntime.InferenceSession:
        """The network that matches. Raises PreconditionError if it is not the one of the manifest."""
        return self._open(MATCHER_FILE, self.matcher, self.manifest.matcher_sha256, threads)

    def _open(self, file: str, content: bytes, sha256: str, threads: int) -> onnxruntime.InferenceSession:
        if hashlib.sha256(content).hexdigest() != sha256:
            raise PreconditionError(
                f"{file} of {self.manifest.name!r} is not the file of its manifest; export the method again"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = ERRORS_ONLY
        # memory that a run took is free after it, for images and surveys
        options.enable_cpu_mem_arena = False
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
