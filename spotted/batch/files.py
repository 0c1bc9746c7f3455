"""Arrays in files that say from what they were made, so that a run continues only what is its own."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from spotted import __version__
from spotted.batch.places import Place, open_place
from spotted.errors import NotFoundError, PreconditionError

Arrays = dict[str, npt.NDArray[Any]]
DIGEST = "digest"
# errors of numpy for a file that is truncated or not of arrays
UNREADABLE = (NotFoundError, OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile)


@dataclass(frozen=True, slots=True)
class PlacedJob:
    """Work on one survey; small, because it is sent with every part of it."""

    PLACES: ClassVar[tuple[str, ...]] = ("url",)
    """Fields that say where something is, and do not change what is made of it."""

    url: str
    """Folder or URL of the survey's files."""

    @property
    def place(self) -> Place:
        """The place of the survey's files."""
        return open_place(self.url)

    @property
    def digest(self) -> str:
        """Digest of all inputs: files of equal digest and name are equal."""
        made_from = asdict(self) | {"kind": type(self).__name__, "version": __version__}
        made_from |= dict.fromkeys(self.PLACES, "")
        return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()


def write_arrays(job: PlacedJob, name: str, **arrays: npt.NDArray[np.generic]) -> None:
    """Write a file of a job; it appears once it is complete."""
    content, named = io.BytesIO(), Arrays({DIGEST: np.array(job.digest)}, **arrays)
    np.savez(content, **named)  # type: ignore[arg-type] # no array is named as an option
    job.place.write(name, content.getvalue())


def read_arrays(job: PlacedJob, name: str) -> Arrays | None:
    """A finished file of a job; None if it is absent or damaged.

    Raises PreconditionError if it belongs to another job.
    """
    try:
        with np.load(io.BytesIO(job.place.read(name))) as file:
            arrays = {each: file[each] for each in file.files}
        digest = str(arrays.pop(DIGEST))
    except UNREADABLE:
        return None
    if digest != job.digest:
        raise PreconditionError(
            f"{job.url}/{name} was made from another snapshot, with other options or by another version of "
            "Spotted; give the same options, another -o, or --fresh to start again"
        )
    return arrays
