"""Photographs examined by a detector in a process of its own, which a crash of a decoder ends by itself."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from importlib.util import find_spec
from pathlib import Path

from spotted.errors import PreconditionError
from spotted.formats.detectors import FoundAnimals, FoundBox

MODULE = "services.embedder.detection"
ROOT = Path(__file__).resolve().parents[3]


def examine(
    detector: Path, photographs: Sequence[Path], *, device: str
) -> Generator[tuple[Path, FoundAnimals], None, None]:
    """The boxes in each photograph, as soon as it is known, in any order.

    detector: its folder. device: cpu or cuda.
    The process ends with this iterator. Raises PreconditionError if the detector cannot be used.
    """
    if not photographs:
        return
    if find_spec("onnxruntime") is None:
        raise PreconditionError(
            "onnxruntime is not installed; install the extra `cpu` or `gpu`: pip install 'spotted[cpu]'"
        )
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as listed:
        listed.writelines(json.dumps(str(path.absolute())) + "\n" for path in photographs)
        listed.flush()
        command = [sys.executable, "-m", MODULE, str(detector.resolve()), listed.name, "--device", device]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module, no shell
        with process:
            try:
                for line in process.stdout or ():
                    yield _found(json.loads(line), photographs)
            finally:
                process.terminate()
    if process.returncode:
        raise PreconditionError(
            f"the detector's process ended with status {process.returncode}; what it found so far is kept, "
            "and the same command continues from there"
        )


def _found(fields: dict[str, object], photographs: Sequence[Path]) -> tuple[Path, FoundAnimals]:
    match fields:
        case {"error": message}:
            raise PreconditionError(str(message))
        case {"index": int(index), "failure": failure}:
            return photographs[index], FoundAnimals(failure=str(failure))
        case {"index": int(index), "boxes": list(boxes)}:
            rows = ((category, confidence, tuple(box)) for category, confidence, *box in boxes)
            return photographs[index], FoundAnimals(tuple(FoundBox(*row) for row in rows))
    raise PreconditionError(f"the detector's process wrote {fields}; install one version of Spotted again")
