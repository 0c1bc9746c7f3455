"""timm and torchvision imported, also if the compiled operators of torchvision do not fit this torch.

torchvision adds shapes and gradients in Python to two operators of its compiled library. If that library
cannot be loaded, e.g. because torch is a build for the CPU and torchvision one for CUDA, its import fails at
the first of them, and so does that of timm, although no network of Spotted uses these operators. Declared
without an implementation, they let both packages be imported; a call of one still fails.
"""

from __future__ import annotations

import importlib
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import torch

from spotted.errors import PreconditionError

OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
# a library takes its operators with it when it is collected
_declared: list[torch.library.Library] = []


def import_timm(needed_by: str, *, extra: str = "train") -> ModuleType:
    """The package timm.

    needed_by: what needs it, for the error; extra: the extra of Spotted that installs it.
    Raises PreconditionError if it or torchvision is missing or cannot be loaded.
    """
    try:
        declare_missing()
        return importlib.import_module("timm")
    except (ImportError, RuntimeError) as error:
        # torchvision for another version of CUDA raises RuntimeError
        raise PreconditionError(
            f"{needed_by} needs timm, which cannot be loaded ({error}); install the extra `{extra}`: "
            f"pip install 'spotted[{extra}]'"
        ) from error


def declare_missing() -> bool:
    """Declare the operators that torchvision expects, if its compiled library cannot be loaded.

    Call it before the first import of a package that imports torchvision. Returns whether they are declared
    here; False: the library of torchvision has them, or torchvision is not installed.
    """
    found = find_spec("torchvision")
    if found is None or found.origin is None:
        return False
    if not _declared and not hasattr(torch.ops.torchvision, "nms"):
        try:
            _load_compiled(Path(found.origin).parent)
        except OSError:
            _declare()
    return bool(_declared)


def _load_compiled(directory: Path) -> None:
    """Load the compiled library. Raises OSError if it is missing or does not fit this torch."""
    finder = FileFinder(str(directory), (ExtensionFileLoader, EXTENSION_SUFFIXES))
    compiled = finder.find_spec("_C")
    if compiled is None or compiled.origin is None:
        raise FileNotFoundError(directory / "_C")
    torch.ops.load_library(compiled.origin)  # type: ignore[no-untyped-call] # torch leaves it untyped


def _declare() -> None:
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call] # as above
    for operator in OPERATORS:
        library.define(operator)  # type: ignore[no-untyped-call] # as above
    _declared.append(library)
