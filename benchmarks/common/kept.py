"""Finished runs of a benchmark, kept in a file so that a stopped one resumes."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

One = TypeVar("One", bound="DataclassInstance")


class KeptRuns(Generic[One]):
    """Finished runs, one per line of a file."""

    def __init__(self, path: Path, kind: type[One], key_of: Callable[[One], Hashable]) -> None:
        self._path, self._key_of = path, key_of
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self._runs = {key_of(run): run for run in (kind(**json.loads(line)) for line in lines)}

    def find(self, key: Hashable) -> One | None:
        """The run of this key, None if it is still to do."""
        return self._runs.get(key)

    def add(self, run: One) -> None:
        """Store a finished run."""
        self._runs[self._key_of(run)] = run
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(run)) + "\n")
