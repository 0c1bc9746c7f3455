"""The cells of a backbone: the last feature map, and how the vector follows from it.

If a vector is a generalised mean over the cells of a map, followed by a scale and a shift of each element,
it is the sum of one part for each cell, so that the similarity of two vectors can be shared out among pairs
of of cells. Beside `model.onnx`, `cells.npz` names the tensor of the map. The model file stays as it is, and
with it the digest that identifies stored vectors: the tensor becomes a second output when the file is loaded.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, fields

import numpy as np

from spotted.arrays import Float32Array
from spotted.errors import PreconditionError

CELLS_FILE = "cells.npz"
# a map has at most this many cells: every pair of cells of two maps gets its share
MOST_CELLS = 1024
# numbers of fields of onnx.proto: ModelProto.graph, GraphProto.output, ValueInfoProto.name
_GRAPH, _OUTPUT, _NAME = 7, 12, 1
_LENGTH_DELIMITED, _MORE, _BITS = 2, 0x80, 7


@dataclass(frozen=True, slots=True, eq=False)
class CellMap:
    """How the vector of a backbone follows from its last feature map."""

    model_sha256: str
    """SHA-256 (hex) of the model file that it belongs to."""
    tensor: str
    """Name of the map in the graph, as it enters the mean: raised to `power` already."""
    channels_last: bool
    """Whether the map of an image is (rows, columns, channels); else (channels, rows, columns)."""
    power: float
    """Order of the generalised mean; 1 for the average."""
    scale: Float32Array
    """(dimension,) factor of each pooled element."""
    shift: Float32Array
    """(dimension,) added to each of them; every cell has an equal part of it."""

    def parts(self, tensor: Float32Array) -> Float32Array:
        """The part (rows, columns, dimension) of each cell in the vector; their sum is the vector.

        tensor: the map of one image. With m the mean over n cells x, the generalised mean m^(1/p) is the sum
        of x m^(1/p - 1) / n.
        """
        cells = tensor.astype(np.float64)
        cells = cells if self.channels_last else cells.transpose(1, 2, 0)
        count = cells.shape[0] * cells.shape[1]
        if self.power != 1.0:
            cells = cells * cells.mean(axis=(0, 1)) ** (1.0 / self.power - 1.0)
        parts: Float32Array = ((cells * self.scale + self.shift) / count).astype(np.float32)
        return parts

    def to_bytes(self) -> bytes:
        """The content of a `cells.npz`; equal maps have equal contents."""
        with io.BytesIO() as file:
            np.savez(file, **{one.name: np.asarray(getattr(self, one.name)) for one in fields(self)})  # type: ignore[arg-type] # arrays by name
            return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, model_sha256: str) -> CellMap:
        """Parse a `cells.npz`. Raises PreconditionError if it is damaged or belongs to another model file."""
        remedy = "export the backbone again with `spotted export-backbone`, or remove the file"
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                found = cls(
                    model_sha256=str(arrays["model_sha256"]),
                    tensor=str(arrays["tensor"]),
                    channels_last=bool(arrays["channels_last"]),
                    power=float(arrays["power"]),
                    scale=arrays["scale"].astype(np.float32),
                    shift=arrays["shift"].astype(np.float32),
                )
        except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise PreconditionError(f"{CELLS_FILE} cannot be read ({error}); {remedy}") from error
        if found.model_sha256 != model_sha256:
            raise PreconditionError(
                f"{CELLS_FILE} belongs to model file {found.model_sha256[:12]}, not to {model_sha256[:12]}; "
                f"{remedy}"
            )
        return found


def with_output(content: bytes, tensor: str) -> bytes:
    """The content of an ONNX file with one of its tensors as a further output.

    Protocol buffers that follow each other are merged, so that the file needs not be parsed here.
    """
    name = _field(_NAME, tensor.encode())
    return content + _field(_GRAPH, _field(_OUTPUT, name))


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field of a protocol buffer."""
    return bytes([number << 3 | _LENGTH_DELIMITED]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    written = bytearray()
    while value >= _MORE:
        written.append(value % _MORE | _MORE)
        value >>= _BITS
    written.append(value)
    return bytes(written)
