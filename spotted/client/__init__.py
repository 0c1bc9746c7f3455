"""A typed client over the three services.

    from spotted.client import Spotted

    with Spotted.local() as spotted:
        for candidates in spotted.candidates("serengeti-2026", top_k=5):
            print(candidates.detection_id, [c.detection_id for c in candidates.candidates])

What goes in are the library's value classes; what comes back are the messages of the contract, typed and
described in docs/api.md. Every method raises the classes of spotted.errors. Every call has a deadline and
is repeated only where nothing answered (see spotted.client.calls).
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from spotted.client.credentials import Credentials
from spotted.client.embedding import Crop, Embedded, EmbedderCalls
from spotted.client.heads import HeadCalls
from spotted.client.matrices import MatrixCalls
from spotted.client.sessions import SamplerCalls
from spotted.client.surveys import ScorerCalls
from spotted.errors import PreconditionError

__all__ = ["DEFAULT_DIRECTORY", "Credentials", "Crop", "Embedded", "Spotted"]

DEFAULT_DIRECTORY = Path.home() / ".local" / "share" / "spotted"


class Spotted(EmbedderCalls, HeadCalls, ScorerCalls, MatrixCalls, SamplerCalls):
    """The three services as one object; close it, or use it in a `with` statement."""

    @classmethod
    def local(cls, directory: Path = DEFAULT_DIRECTORY) -> Self:
        """A client of what `spotted up` started. Raises PreconditionError where it did not."""
        # a client of services elsewhere needs no store of its own
        from spotted.local import processes  # noqa: PLC0415

        run = processes.read(directory)
        if run is None:
            raise PreconditionError(f"nothing was started in {directory}; run `spotted up` first")
        return cls(
            embedder=run.address("embedder"), scorer=run.address("scorer"), sampler=run.address("sampler")
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
