"""The product of torch on a GPU, where the rows stay in its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from spotted.arrays import Float32Array
from spotted.errors import PreconditionError
from spotted.ranking.products.single_precision import SingleProduct
from spotted.scoring.similarity import single_precision

if TYPE_CHECKING:
    import torch

# rows that are copied to the device at once
COPIED = 16_384


class DeviceProducts:
    """Rows multiplied by torch in float32, without TF32, within `product_error` as by BLAS.

    device: a device of torch. Float16 rows stay float16 in its memory. Raises PreconditionError if torch or
    the device is missing; no other is used instead.

    >>> rows = np.float32([[1.0, 0.0], [0.6, 0.8]])
    >>> product = DeviceProducts(rows, "cpu").multiply(rows[1:], slice(0, 2))
    >>> product.cosines(np.array([0, 0]), np.array([0, 1])).round(2).tolist()
    [0.6000000238418579, 1.0]
    """

    def __init__(self, vectors: npt.NDArray[np.floating], device: str) -> None:
        self.vectors = vectors
        self._device = open_device(device)
        self.rows = _copied(vectors, self._device)

    @property
    def rough(self) -> bool:
        """Whether close values cost more."""
        return False

    def multiply(self, queries: Float32Array, rows: slice) -> SingleProduct:
        """The cosines of unit vectors (q, D) with some rows."""
        import torch  # noqa: PLC0415 - seconds, and optional

        with torch.inference_mode():
            asked = torch.from_numpy(np.ascontiguousarray(queries)).to(self._device)
            product = asked @ self.rows[rows].float().T
            return SingleProduct(product.cpu().numpy(), self.vectors.shape[1])


def open_device(name: str) -> torch.device:
    """A device of torch that multiplies float32 as float32.

    Raises PreconditionError if torch or the device is missing.
    """
    try:
        import torch  # noqa: PLC0415 - seconds, and optional
    except ImportError as error:
        raise PreconditionError(
            f"ranking on device {name!r} needs torch; install the extra `train`, or rank on the CPU"
        ) from error
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = (str(error).splitlines() or ["it is missing"])[0]
        raise PreconditionError(
            f"device {name!r} cannot be used for ranking: {reason}; install its driver and a torch made for "
            "it, or rank on the CPU"
        ) from error
    # TF32 rounds to ten bits, far beyond the bound of the error
    torch.backends.cuda.matmul.allow_tf32 = False
    return device


def _copied(vectors: npt.NDArray[np.floating], device: torch.device) -> torch.Tensor:
    import torch  # noqa: PLC0415 - as above

    half = vectors.dtype == np.float16
    rows = torch.empty(vectors.shape, dtype=torch.float16 if half else torch.float32, device=device)
    for start in range(0, len(vectors), COPIED):
        block = vectors[start : start + COPIED]
        rows[start : start + COPIED] = torch.from_numpy(np.array(block if half else single_precision(block)))
    return rows
