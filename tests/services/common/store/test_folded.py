from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from services.common.store import keys, request_content
from services.common.store.folded import Folded, Reply
from services.common.store.journal import PAGE_ENTRIES, Change, Journal
from services.common.store.store import Store
from spotted.errors import ConcurrencyError, InvalidInputError, NotFoundError, RequestIdReusedError
from spotted.v1 import scorer_pb2
from tests.services.journal_entries import rewind
from tests.services.store_requests import round_trips
from tests.waiting import PATIENCE_S, until

AnswerT = TypeVar("AnswerT")


class Words:
    def __init__(self) -> None:
        self.words: list[str] = []

    def apply(self, entry: bytes) -> None:
        self.words.append(entry.decode())


def journal_of(store: Store, survey_id: str) -> Journal:
    return Journal(store, survey_id)


def folded(store: Store, survey_id: str) -> Folded[Words]:
    return Folded(journal_of(store, survey_id), Words, lambda: NotFoundError("no survey"))


def begin(store: Store, survey_id: str, first: bytes = b"first") -> Folded[Words]:
    journal = journal_of(store, survey_id)
    answer = journal.append(Change(first, b""), expected=0, scope="create", request_id=first.decode())
    assert answer == b""
    return folded(store, survey_id)


def begin_anew(store: Store, survey_id: str, first: bytes) -> None:
    rewind(store, keys.survey_journal(survey_id), 0)
    begin(store, survey_id, first)


def add(fold: Folded[Words], word: str, request_id: str = "") -> bytes:
    return added(fold, word, request_id).value


def added(fold: Folded[Words], word: str, request_id: str = "") -> Reply:
    def decide(state: Words) -> Change:
        return Change(word.encode(), f"{word} is number {len(state.words) + 1}".encode())

    return fold.change(decide, scope="add", request_id=request_id)


def added_together(fold: Folded[Words], word: str, request_id: str = "") -> Reply:
    def decide(_: Words, position: int) -> Change:
        return Change(word.encode(), f"{word} is number {position + 1}".encode())

    def look(reply: Reply, _: Words, __: int) -> Reply:
        return reply

    return fold.change_together(decide, look, scope="add", request_id=request_id)


def add_together(fold: Folded[Words], word: str, request_id: str = "") -> tuple[str, bool, int]:
    """The answer, whether the state after it holds the word, and its number of events."""

    def decide(_: Words, position: int) -> Change:
        return Change(word.encode(), f"{word} is number {position + 1}".encode())

    def look(reply: Reply, state: Words, position: int) -> tuple[str, bool, int]:
        return reply.value.decode(), word in state.words, position

    return fold.change_together(decide, look, scope="add", request_id=request_id)


def add_alone(fold: Folded[Words], word: str) -> str:
    return add(fold, word).decode()


def add_beside(fold: Folded[Words], word: str) -> str:
    return add_together(fold, word)[0]


def rename(fold: Folded[Words], word: str, request_id: str = "") -> bytes:
    """Refused while the word is missing, and once it was renamed."""

    def decide(state: Words) -> Change:
        if word not in state.words or f"-{word}" in state.words:
            raise InvalidInputError(f"{word} is missing")
        return Change(f"-{word}".encode(), b"renamed")

    return fold.change(decide, scope="rename", request_id=request_id).value


def words(fold: Folded[Words]) -> list[str]:
    return fold.view(lambda state, _: list(state.words))


def test_a_change_is_seen_by_every_other_fold_of_the_journal(store: Store, survey_id: str) -> None:
    here = begin(store, survey_id)
    there = folded(store, survey_id)
    assert add(here, "leopard") == b"leopard is number 2"
    assert there.view(lambda state, position: (list(state.words), position)) == (["first", "leopard"], 2)


def test_a_change_and_a_view_cost_one_round_trip_each(store: Store, survey_id: str) -> None:
    fold = begin(store, survey_id)
    words(fold)
    add(fold, "warm")
    with round_trips(store, 1):
        add(fold, "leopard")
    with round_trips(store, 1):
        assert add_together(fold, "hyena") == ("hyena is number 4", True, 4)
    with round_trips(store, 1):
        assert words(fold) == ["first", "warm", "leopard", "hyena"]


def test_a_writer_behind_by_a_page_or_less_needs_two_round_trips(store: Store, survey_id: str) -> None:
    ahead, behind = begin(store, survey_id), folded(store, survey_id)
    words(behind)
    for i in range(PAGE_ENTRIES):
        add(ahead, f"w{i}")
    with round_trips(store, 2):
        assert add(behind, "late") == f"late is number {PAGE_ENTRIES + 2}".encode()


@pytest.mark.parametrize("missed", [1, PAGE_ENTRIES, PAGE_ENTRIES + 1, 3 * PAGE_ENTRIES + 5])
def test_a_writer_behind_by_any_number_of_events_catches_up(
    store: Store, survey_id: str, missed: int
) -> None:
    ahead, alone, beside = begin(store, survey_id), folded(store, survey_id), folded(store, survey_id)
    words(alone)
    words(beside)
    for i in range(missed):
        add(ahead, f"w{i}")
    assert add(alone, "alone") == f"alone is number {missed + 2}".encode()
    assert add_together(beside, "beside") == (f"beside is number {missed + 3}", True, missed + 3)
    assert words(beside) == words(ahead) == words(folded(store, survey_id))


def test_a_repeated_request_returns_the_first_answer_and_changes_nothing(
    store: Store, survey_id: str
) -> None:
    fold = begin(store, survey_id)
    answer = add(fold, "leopard", request_id="r1")
    assert add(folded(store, survey_id), "leopard", request_id="r1") == answer
    assert add(fold, "leopard", request_id="r1") == answer
    assert add_together(fold, "leopard", request_id="r1") == (answer.decode(), True, 2)
    assert add_together(folded(store, survey_id), "leopard", request_id="r1")[1:] == (True, 2)
    assert words(fold) == ["first", "leopard"]


@pytest.mark.parametrize("change", [added, added_together])
def test_a_reply_says_whether_its_request_is_repeated(
    store: Store, survey_id: str, change: Callable[[Folded[Words], str, str], Reply]
) -> None:
    fold, other = begin(store, survey_id), folded(store, survey_id)
    words(fold)
    assert change(fold, "leopard", "r1") == (b"leopard is number 2", False)
    assert change(fold, "leopard", "r1") == (b"leopard is number 2", True)
    assert change(other, "lion", "r1") == (b"leopard is number 2", True)
    assert change(other, "lion", "r2") == (b"lion is number 3", False)
    assert change(fold, "hyena", "r3") == (b"hyena is number 4", False)


def test_a_request_refused_because_of_its_own_first_call_is_repeated(store: Store, survey_id: str) -> None:
    fold = begin(store, survey_id)
    add(fold, "leopard")

    def decide(state: Words) -> Change:
        if "-leopard" in state.words:
            raise InvalidInputError("already renamed")
        return Change(b"-leopard", b"renamed")

    replies = [fold.change(decide, scope="rename", request_id="r1") for _ in range(2)]
    assert replies == [(b"renamed", False), (b"renamed", True)]


def test_a_request_id_of_one_rpc_is_unknown_to_another(store: Store, survey_id: str) -> None:
    fold = begin(store, survey_id)
    add(fold, "leopard", request_id="r1")
    fold.change(lambda _: Change(b"hyena", b"other rpc"), scope="other", request_id="r1")
    assert words(fold) == ["first", "leopard", "hyena"]


def test_a_refusal_by_what_is_not_yet_read_is_none(store: Store, survey_id: str) -> None:
    here, there = begin(store, survey_id), folded(store, survey_id)
    words(here)
    add(there, "leopard")
    assert rename(here, "leopard") == b"renamed"
    with pytest.raises(InvalidInputError, match="leopard is missing"):
        rename(there, "leopard")
    assert words(there) == ["first", "leopard", "-leopard"]


def test_a_repeat_that_its_own_first_call_stands_against_is_answered_alike(
    store: Store, survey_id: str
) -> None:
    fold = begin(store, survey_id)
    add(fold, "leopard")
    assert rename(fold, "leopard", request_id="r1") == b"renamed"
    assert rename(fold, "leopard", request_id="r1") == b"renamed"
    with pytest.raises(InvalidInputError):
        rename(fold, "leopard", request_id="r2")


def asked(content: str, call: Callable[[], AnswerT]) -> AnswerT:
    """A call while a request of this content is served."""

    def serve() -> AnswerT:
        request_content.enter(scorer_pb2.DeleteSurveyRequest(survey_id=content, request_id="any"))
        return call()

    return contextvars.copy_context().run(serve)


@pytest.mark.parametrize("change", [added, added_together, rename])
def test_another_request_under_the_id_of_an_earlier_one_is_refused(
    store: Store, survey_id: str, change: Callable[[Folded[Words], str, str], object]
) -> None:
    fold = begin(store, survey_id)
    add(fold, "leopard")
    asked("one", lambda: change(fold, "leopard", "r1"))
    before = words(fold)
    for other in (fold, folded(store, survey_id)):
        with pytest.raises(RequestIdReusedError):
            asked("other", lambda other=other: change(other, "leopard", "r1"))  # type: ignore[misc] # default
        asked("one", lambda other=other: change(other, "leopard", "r1"))  # type: ignore[misc] # default
    assert words(fold) == before


def test_of_requests_that_come_together_under_one_id_only_the_repeats_are_answered(
    store: Store, survey_id: str
) -> None:
    fold = begin(store, survey_id)
    words(fold)
    contents = [f"{animal}-{n % 5}" for n in range(40) for animal in ("leopard", "hyena")]

    def submit(content: str) -> str:
        number = content.rpartition("-")[2]
        try:
            return asked(content, lambda: add_together(fold, content, f"r{number}")[0])
        except RequestIdReusedError:
            return "refused"

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(submit, contents))
    stored = words(fold)[1:]
    assert sorted(word.rpartition("-")[2] for word in stored) == list("01234")
    for content, answer in zip(contents, answers, strict=True):
        first = f"{content} is number {stored.index(content) + 2}" if content in stored else "refused"
        assert answer == first


@pytest.mark.parametrize("change", [add_alone, add_beside])
def test_a_journal_recreated_between_two_writes_is_decided_on_again(
    store: Store, survey_id: str, change: Callable[[Folded[Words], str], str]
) -> None:
    fold = begin(store, survey_id)
    add(fold, "leopard")
    begin_anew(store, survey_id, b"another")
    other = folded(store, survey_id)
    # as long as the one before, so that the length shows nothing
    add(other, "hyena")
    change(fold, "lion")
    assert words(fold) == words(other) == ["another", "hyena", "lion"]


def test_a_journal_recreated_under_the_same_id_is_folded_again(store: Store, survey_id: str) -> None:
    fold = begin(store, survey_id)
    add(fold, "leopard")
    begin_anew(store, survey_id, b"another")
    assert fold.view(lambda state, position: (list(state.words), position)) == (["another"], 1)


def test_a_journal_without_events_is_not_found(store: Store, survey_id: str) -> None:
    for change in (words, lambda fold: add(fold, "lost"), lambda fold: add_together(fold, "lost")):
        with pytest.raises(NotFoundError, match="no survey"):
            change(folded(store, survey_id))
    assert journal_of(store, survey_id).length() == 0


@pytest.mark.parametrize("change", [add_alone, add_beside])
def test_a_deleted_journal_is_not_written_to(
    store: Store, survey_id: str, change: Callable[[Folded[Words], str], str]
) -> None:
    fold = begin(store, survey_id)
    add(fold, "leopard")
    rewind(store, keys.survey_journal(survey_id), 0)
    with pytest.raises(NotFoundError, match="no survey"):
        change(fold, "lost")
    assert journal_of(store, survey_id).length() == 0


def test_the_first_answer_goes_with_its_journal(store: Store, survey_id: str) -> None:
    fold = begin(store, survey_id)
    add(fold, "leopard", request_id="r1")
    rewind(store, keys.survey_journal(survey_id), 0)
    for either in (fold, folded(store, survey_id)):
        with pytest.raises(NotFoundError, match="no survey"):
            add(either, "leopard", request_id="r1")
    begin(store, survey_id, b"again")
    assert add(fold, "hyena", request_id="r1") == b"hyena is number 2"
    assert add(folded(store, survey_id), "hyena", request_id="r1") == b"hyena is number 2"
    assert words(fold) == ["again", "hyena"]


@pytest.mark.parametrize("change", [add_alone, add_beside])
def test_writers_who_race_lose_no_event_and_number_each_once(
    store: Store, survey_id: str, change: Callable[[Folded[Words], str], str]
) -> None:
    begin(store, survey_id)
    # two processes with two threads each
    folds = [folded(store, survey_id) for _ in range(2)] * 2
    answers: list[str] = []

    def write(writer: int) -> None:
        answers.extend(change(folds[writer], f"w{writer}-{i}") for i in range(25))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    written = words(folds[0])
    assert sorted(written[1:]) == sorted(f"w{n}-{i}" for n in range(4) for i in range(25))
    assert sorted(answers) == sorted(f"{word} is number {n}" for n, word in enumerate(written[1:], start=2))
    assert words(folds[1]) == written


def test_threads_that_come_while_another_appends_share_one_round_trip(store: Store, survey_id: str) -> None:
    fold = begin(store, survey_id)
    words(fold)
    held, free = threading.Event(), threading.Event()

    def hold(_: Words, __: int) -> Change:
        held.set()
        assert free.wait(PATIENCE_S)
        return Change(b"slow", b"")

    with ThreadPoolExecutor(6) as threads, round_trips(store, 2):
        slow = threads.submit(fold.change_together, hold, lambda *_: None, scope="add")
        assert held.wait(PATIENCE_S)
        others = [threads.submit(add_together, fold, f"w{i}") for i in range(5)]
        until(lambda: len(fold._waiting) >= len(others), "all others wait")
        free.set()
        slow.result()
        seen = [other.result() for other in others]
    written = words(folded(store, survey_id))
    assert sorted(answer for answer, *_ in seen) == [
        f"w{i} is number {written.index(f'w{i}') + 1}" for i in range(5)
    ]
    assert all(there and position == 7 for _, there, position in seen)


def test_one_refused_among_those_that_wait_stops_no_other(store: Store, survey_id: str) -> None:
    fold = begin(store, survey_id)
    words(fold)

    def refuse(_: Words, __: int) -> Change:
        raise InvalidInputError("refused")

    def submit(i: int) -> str:
        if i % 3:
            return add_together(fold, f"w{i}", f"r{i // 2}")[0]
        with pytest.raises(InvalidInputError, match="refused"):
            fold.change_together(refuse, lambda *_: None, scope="add")
        return ""

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(submit, range(48)))
    written = words(fold)
    numbered = {f"{word} is number {n}" for n, word in enumerate(written[1:], start=2)}
    # two calls of one request write once and are answered alike
    assert {answer for answer in answers if answer} == numbered
    assert len(written) - 1 == len({i // 2 for i in range(48) if i % 3})


def test_a_writer_who_always_loses_is_reported(
    store: Store, survey_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.common.store.folded.ATTEMPTS", 5)
    fold = begin(store, survey_id)
    rival = journal_of(store, survey_id)

    def decide(_: Words, __: int = 0) -> Change:
        # another writer comes between the decision and every append
        length = rival.length()
        rival.append(Change(b"rival", b""), expected=length, scope="rival", request_id=f"rival-{length}")
        return Change(b"mine", b"")

    with pytest.raises(ConcurrencyError, match="repeat"):
        fold.change(decide, scope="add")
    with pytest.raises(ConcurrencyError, match="repeat"):
        fold.change_together(decide, lambda *_: None, scope="add")


def test_a_long_reading_reports_its_progress(
    store: Store, survey_id: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fold = begin(store, survey_id)
    for i in range(PAGE_ENTRIES):
        add(fold, f"w{i}")
    monkeypatch.setattr("services.common.store.folded.LOG_EVERY_S", -1.0)
    with caplog.at_level("INFO"):
        words(folded(store, survey_id))
    assert f"{PAGE_ENTRIES} of {PAGE_ENTRIES + 1} events" in caplog.text
    assert survey_id in caplog.text


def test_a_state_ahead_of_a_store_that_lost_its_last_events_folds_what_came_in_their_place(
    store: Store, survey_id: str
) -> None:
    fold = begin(store, survey_id)
    add(fold, "leopard")
    rewind(store, fold.journal.key, 1)
    # a replica that knows of no leopard comes to as many events
    add(folded(store, survey_id), "hyena")
    assert fold.view(lambda state, position: (state.words, position)) == (["first", "hyena"], 2)
    add(fold, "nyala")
    assert list(fold.journal.read(0)) == [b"first", b"hyena", b"nyala"]
