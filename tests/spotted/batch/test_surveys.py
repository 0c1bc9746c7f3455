from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest

from spotted.batch.engines import LocalEngine
from spotted.batch.surveys import Piece, SurveyBatch, work_on
from spotted.errors import PreconditionError, SpottedError
from tests.spotted.batch import tasks

NAMES = ["a", "poison", "b", "killer"]
Shown = list[tuple[str, int, int]]


def bar(shown: Shown) -> Callable[[str, int], AbstractContextManager[Callable[[int], None]]]:
    @contextmanager
    def opened(title: str, count: int) -> Iterator[Callable[[int], None]]:
        done: list[int] = []
        yield done.append
        shown.append((title, count, sum(done)))

    return opened


@pytest.mark.processes
def test_surveys_that_fail_or_kill_their_process_are_named_and_the_others_are_finished(
    tmp_path: Path,
) -> None:
    shown: Shown = []
    batch = SurveyBatch(NAMES, LocalEngine(2), bar(shown))
    # number 2 ends its process, number 3 raises
    numbers = {"a": [0, 1], "poison": [3], "b": [5], "killer": [2]}
    work = {"a": tasks.noted, "poison": tasks.poisoned, "b": tasks.noted, "killer": tasks.deadly}

    def pieces(name: str) -> list[Piece]:
        return [Piece(name, f"block {n}", partial(work[name], tmp_path, n)) for n in numbers[name]]

    assert batch.stage("blocks embedded", pieces) == 3
    assert shown == [("blocks embedded", 5, 5)]
    assert batch.going_on == ["a", "b"]
    assert batch.stage("surveys put together", pieces) == 3
    with pytest.raises(SpottedError, match=r"2 of 4 surveys failed; what is finished is kept") as failed:
        batch.raise_failures()
    lines = str(failed.value).splitlines()[1:]
    assert lines[0].strip() == "poison: block 3: ValueError: a poison block"
    assert lines[1].strip().startswith("killer: block 2: BrokenProcessPool")


def test_a_survey_whose_pieces_cannot_be_listed_is_left_out() -> None:
    def pieces(name: str) -> list[Piece]:
        if name != "a":
            raise PreconditionError(f"{name} changed")
        return []

    batch = SurveyBatch(["a", "b"], LocalEngine(1), bar([]))
    assert batch.stage("blocks", pieces) == 0
    assert batch.failures == {"b": ["b changed"]}
    done: list[str] = []
    batch.each(done.append)
    assert done == ["a"]
    batch.failures["b"] = [f"block {n}: no" for n in range(7)]
    with pytest.raises(SpottedError, match="block 4: no; and 2 more"):
        batch.raise_failures()
    work_on(Piece("a", "", lambda: done.append("worked")))
    assert done == ["a", "worked"]


def test_without_failures_nothing_is_raised() -> None:
    SurveyBatch(["a"], LocalEngine(1), bar([])).raise_failures()
