from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from spotted.batch import files
from spotted.batch.files import PlacedJob, read_arrays, write_arrays
from spotted.errors import PreconditionError


@dataclass(frozen=True, slots=True)
class Counting(PlacedJob):
    to: int


def test_arrays_come_back_unless_the_file_is_cut_off(tmp_path: Path) -> None:
    job = Counting(str(tmp_path), 3)
    assert read_arrays(job, "a/1.npz") is None
    write_arrays(job, "a/1.npz", numbers=np.arange(3), text=np.array("three"))
    found = read_arrays(job, "a/1.npz")
    assert found is not None
    assert (found["numbers"].tolist(), str(found["text"])) == ([0, 1, 2], "three")
    path = tmp_path / "a" / "1.npz"
    path.write_bytes(path.read_bytes()[:-9])
    assert read_arrays(job, "a/1.npz") is None


def test_files_of_other_work_or_another_version_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Counting(str(tmp_path), 3)
    write_arrays(job, "1.npz", numbers=np.arange(3))
    with pytest.raises(PreconditionError, match="--fresh"):
        read_arrays(replace(job, to=4), "1.npz")
    monkeypatch.setattr(files, "__version__", "9.9.9")
    with pytest.raises(PreconditionError, match="another version"):
        read_arrays(job, "1.npz")


def test_where_the_files_are_is_no_part_of_the_digest() -> None:
    assert Counting("/here", 3).digest == Counting("s3://there", 3).digest != Counting("/here", 4).digest
