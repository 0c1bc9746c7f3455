from __future__ import annotations

from pathlib import Path

import pytest

from services.common.store import keys
from services.upkeep.backup.contents import pages, read_contents
from services.upkeep.backup.file import open_writer
from spotted.errors import InvalidInputError, StoreVersionError
from spotted.v1 import store_pb2 as pb


def header(version: str = keys.STORE_VERSION, **events: int) -> pb.BackupRecord:
    journals = [
        pb.BackupJournal(session_id="" if journal == "own" else journal, events=count)
        for journal, count in events.items()
    ]
    return pb.BackupRecord(
        header=pb.BackupHeader(survey_id="s", store_version=version, spotted_version="9.9", journals=journals)
    )


def page(count: int, session_id: str = "") -> pb.BackupRecord:
    return pb.BackupRecord(page=pb.BackupPage(session_id=session_id, entries=[b"e"] * count))


HEAD = pb.BackupRecord(head=pb.StoredHead(onnx=b"o"))
CALIBRATION = pb.BackupRecord(calibration=pb.StoredCalibration(json="{}"))


def file_of(directory: Path, *records: pb.BackupRecord) -> Path:
    path = directory / "survey.spotted"
    with open_writer(path) as writer:
        for record in records:
            writer.write(record)
    return path


def test_a_whole_file_is_counted(tmp_path: Path) -> None:
    records = [header(own=5, a=2), page(3), page(2), page(2, "a"), HEAD, CALIBRATION]
    path = file_of(tmp_path, *records)
    found = read_contents(path)
    assert found.events == {"": 5, "a": 2}
    assert (found.sessions, found.heads, found.calibrations) == (1, 1, 1)
    assert found.size_bytes == path.stat().st_size
    assert [len(each.entries) for each in pages(path)] == [3, 2, 2]


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([], "has no list of its journals"),
        ([page(1)], "has no list of its journals"),
        ([header(own=2), page(1)], "differ from the list in its header"),
        ([header(own=1, a=1), page(1)], "differ from the list in its header"),
        ([header(own=1), page(1), page(1, "a")], "differ from the list in its header"),
        ([header(own=1, a=1), page(1, "a"), page(1)], "differ from the list in its header"),
    ],
)
def test_a_file_that_holds_other_than_it_says_is_refused(
    tmp_path: Path, records: list[pb.BackupRecord], words: str
) -> None:
    with pytest.raises(InvalidInputError, match=words):
        read_contents(file_of(tmp_path, *records))


def test_a_file_of_a_store_of_another_version_is_refused(tmp_path: Path) -> None:
    path = file_of(tmp_path, header("0", own=1), page(1))
    with pytest.raises(StoreVersionError, match=r"restore it with Spotted 9\.9 into an empty store"):
        read_contents(path)


def test_a_file_from_before_vectors_had_blocks_is_the_same(tmp_path: Path) -> None:
    assert read_contents(file_of(tmp_path, header("3", own=1), page(1))).events == {"": 1}
