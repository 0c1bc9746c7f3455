"""timm, also beside a torchvision whose compiled operators do not fit this torch.

torchvision completes in Python some operators that its compiled part defines, and if that part cannot be
loaded it cannot be imported, nor can timm. No backbone uses these operators.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
# a library takes its operators with it when it is collected
DEFINED: list[torch.library.Library] = []


def require_timm() -> None:
    """Make timm ready to be imported, or skip if it is not installed."""
    found = find_spec("torchvision")
    if found is None or found.origin is None or find_spec("timm") is None:
        pytest.skip("timm is not installed; it comes with the extra `export`")
    if DEFINED or hasattr(torch.ops.torchvision, "nms"):
        return
    try:
        for compiled in Path(found.origin).parent.glob("_C*.so"):
            torch.ops.load_library(compiled)  # type: ignore[no-untyped-call] # torch leaves it untyped
    except OSError:
        library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call] # as above
        for operator in OPERATORS:
            library.define(operator)  # type: ignore[no-untyped-call] # as above
        DEFINED.append(library)
