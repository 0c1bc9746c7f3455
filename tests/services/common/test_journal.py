from __future__ import annotations

import threading

import pytest

from services.common import keys
from services.common.journal import Change, Folded, Journal
from services.common.store import Store
from spotted.errors import ConcurrencyError, NotFoundError


class Words:
    def __init__(self) -> None:
        self.words: list[str] = []

    def apply(self, entry: bytes) -> None:
        self.words.append(entry.decode())


def folded(store: Store, survey_id: str) -> Folded[Words]:
    journal = Journal(store, keys.survey_journal(survey_id), survey_id)
    return Folded(journal, Words, lambda: NotFoundError("no survey"))


def add(fold: Folded[Words], word: str, request_id: str = "") -> bytes:
    def decide(state: Words) -> Change:
        return Change(word.encode(), f"{word} is number {len(state.words) + 1}".encode())

    return fold.change(decide, scope="add", request_id=request_id)


def begin(store: Store, survey_id: str) -> Folded[Words]:
    journal = Journal(store, keys.survey_journal(survey_id), survey_id)
    assert journal.append(Change(b"first", b""), expected=0, scope="create", request_id="x") == b""
    return folded(store, survey_id)


def test_a_change_is_seen_by_every_other_fold_of_the_journal(store: Store, survey_id: str) -> None:
    here = begin(store, survey_id)
    there = folded(store, survey_id)
    assert add(here, "leopard") == b"leopard is number 2"
    assert there.view(lambda state, position: (list(state.words), position)) == (["first", "leopard"], 2)


def test_a_repeated_request_returns_the_first_answer_and_changes_nothing(
    store: Store, survey_id: str
) -> None:
    fold = begin(store, survey_id)
    answer = add(fold, "leopard", request_id="r1")
    assert add(folded(store, survey_id), "leopard", request_id="r1") == answer
    assert fold.view(lambda state, _: state.words.count("leopard")) == 1


def test_a_request_id_of_one_rpc_is_unknown_to_another(store: Store, survey_id: str) -> None:
    fold = begin(store, survey_id)
    add(fold, "leopard", request_id="r1")
    fold.change(lambda _: Change(b"hyena", b"other rpc"), scope="other", request_id="r1")
    assert fold.view(lambda state, _: list(state.words)) == ["first", "leopard", "hyena"]


def test_an_append_behind_the_end_writes_nothing(store: Store, survey_id: str) -> None:
    begin(store, survey_id)
    journal = Journal(store, keys.survey_journal(survey_id), survey_id)
    assert journal.append(Change(b"late", b"a"), expected=0, scope="add", request_id="late") is None
    assert journal.length() == 1
    assert journal.answered("add", "late") is None


def test_writers_who_race_lose_no_event_and_number_each_once(store: Store, survey_id: str) -> None:
    begin(store, survey_id)
    folds = [folded(store, survey_id) for _ in range(4)]
    answers: list[bytes] = []

    def write(fold: Folded[Words], writer: int) -> None:
        answers.extend(add(fold, f"w{writer}-{i}") for i in range(25))

    threads = [threading.Thread(target=write, args=(fold, n)) for n, fold in enumerate(folds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    words = folds[0].view(lambda state, _: list(state.words))
    assert sorted(words[1:]) == sorted(f"w{n}-{i}" for n in range(4) for i in range(25))
    assert sorted(a.split(b" is number ")[1] for a in answers) == sorted(b"%d" % n for n in range(2, 102))


def test_a_journal_made_anew_under_the_same_id_is_folded_anew(store: Store, survey_id: str) -> None:
    fold = begin(store, survey_id)
    add(fold, "leopard")
    store.delete(keys.survey_journal(survey_id))
    journal = Journal(store, keys.survey_journal(survey_id), survey_id)
    journal.append(Change(b"another", b""), expected=0, scope="create", request_id="y")
    assert fold.view(lambda state, position: (list(state.words), position)) == (["another"], 1)


def test_a_journal_without_events_is_not_found(store: Store, survey_id: str) -> None:
    with pytest.raises(NotFoundError, match="no survey"):
        folded(store, survey_id).view(lambda state, _: state)


def test_a_writer_who_always_loses_is_told_so(store: Store, survey_id: str) -> None:
    fold = begin(store, survey_id)
    rival = Journal(store, keys.survey_journal(survey_id), survey_id)

    def decide(_: Words) -> Change:
        # another writer comes between the decision and every append
        length = rival.length()
        rival.append(Change(b"rival", b""), expected=length, scope="rival", request_id=f"rival-{length}")
        return Change(b"mine", b"")

    with pytest.raises(ConcurrencyError, match="repeat"):
        fold.change(decide, scope="add")


def test_entries_of_any_size_are_read_in_order_over_many_pages(store: Store, survey_id: str) -> None:
    begin(store, survey_id)
    journal = Journal(store, keys.survey_journal(survey_id), survey_id)
    for i in range(1, 50):
        journal.append(Change(b"%d" % i, b""), expected=i, scope="add", request_id=str(i))
    assert list(journal.read(1)) == [b"%d" % i for i in range(1, 50)]


def test_a_long_reading_tells_how_far_it_is(
    store: Store, survey_id: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fold = begin(store, survey_id)
    add(fold, "leopard")
    monkeypatch.setattr("services.common.journal.TOLD_EVERY_S", -1.0)
    with caplog.at_level("INFO"):
        folded(store, survey_id).view(lambda state, _: state.words)
    assert "1 of 2 events" in caplog.text
    assert survey_id in caplog.text
