"""Many surveys at once, stage by stage: what fails is named by its survey, and the other surveys go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from spotted.batch.engines import Engine
from spotted.errors import SpottedError

# advances a bar by a number of pieces
Advance = Callable[[int], None]
# the bar of a stage, with its title and number of pieces
Bar = Callable[[str, int], AbstractContextManager[Advance]]
FAILURES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a stage of one survey; it pickles.

    >>> Piece("ridge", "block 3", lambda: None).part
    'block 3'
    """

    survey: str
    """Name of the survey."""
    part: str
    """Its name in messages."""
    work: Callable[[], None]
    """Does it."""


def work_on(piece: Piece) -> None:
    """Do a piece; the task of an engine."""
    piece.work()


@dataclass(slots=True)
class SurveyBatch:
    """Surveys that go through stages together; one that fails a stage is left out of the next.

    >>> from contextlib import nullcontext
    >>> from spotted.batch.engines import LocalEngine
    >>> batch = SurveyBatch(["ridge", "valley"], LocalEngine(1), lambda title, count: nullcontext(print))
    >>> def none(survey):
    ...     return []
    >>> batch.stage("surveys read", none)
    0
    >>> batch.going_on
    ['ridge', 'valley']
    """

    surveys: Sequence[str]
    """Names, in the order of reports."""
    engine: Engine
    """Works on the pieces."""
    bar: Bar
    """Shows how far a stage is."""
    failures: dict[str, list[str]] = field(default_factory=dict)
    """Why surveys failed, by name."""

    @property
    def going_on(self) -> list[str]:
        """The surveys that have not failed."""
        return [name for name in self.surveys if name not in self.failures]

    def stage(self, title: str, pieces_of: Callable[[str], Iterable[Piece]]) -> int:
        """Work on the pieces of all surveys that have not failed; returns how many pieces were done.

        title: what the pieces are, e.g. "blocks embedded". pieces_of: returns those of a survey that are not
        done yet; a SpottedError that it raises is that of the survey.
        """
        pieces: list[Piece] = []
        self.each(lambda name: pieces.extend(pieces_of(name)))
        done = 0
        if not pieces:
            return done
        with self.bar(title, len(pieces)) as advance:
            for result in self.engine.run(work_on, pieces):
                piece = result.item
                if result.error:
                    self.failures.setdefault(piece.survey, []).append(f"{piece.part}: {result.error}")
                else:
                    done += 1
                advance(1)
        return done

    def each(self, work: Callable[[str], object]) -> None:
        """Do something quick with each survey that has not failed, in this process."""
        for name in self.going_on:
            try:
                work(name)
            except SpottedError as error:
                self.failures.setdefault(name, []).append(str(error))

    def raise_failures(self) -> None:
        """Raise SpottedError that names each survey that failed, with its reasons."""
        if not self.failures:
            return
        lines = [f"{name}: {_reasons(self.failures[name])}" for name in self.surveys if name in self.failures]
        summary = (
            f"{len(lines)} of {len(self.surveys)} surveys failed; what is finished is kept: fix the cause "
            "and run the command again"
        )
        raise SpottedError("\n  ".join([summary, *lines]))


def _reasons(failures: Sequence[str]) -> str:
    shown = "; ".join(sorted(failures)[:FAILURES_SHOWN])
    return f"{shown}; and {len(failures) - FAILURES_SHOWN} more" if len(failures) > FAILURES_SHOWN else shown
