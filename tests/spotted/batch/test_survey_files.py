from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from spotted.batch.places import Folder, open_place
from spotted.batch.survey_files import SURVEY, ReadJob, files_digest, read_back, read_survey, stored_survey
from spotted.client.ingest import boxed
from spotted.errors import InvalidInputError, PreconditionError
from spotted.formats.sources import Source
from tests.spotted.coat_surveys import write_coat_survey
from tests.spotted.photograph_folder import write_photograph

pytest.importorskip("cv2", reason="the extra `local` is not installed")


@pytest.fixture
def job(tmp_path: Path) -> ReadJob:
    write_coat_survey(tmp_path / "surveys" / "ridge", 2, 0)
    results, source = tmp_path / "results" / "ridge", tmp_path / "surveys" / "ridge"
    return ReadJob(str(results), str(source), "ridge", timezone="UTC")


def test_a_survey_is_as_an_import_reads_it_with_the_detections_of_a_file_together(job: ReadJob) -> None:
    assert stored_survey(job) is None
    read_survey(job)
    filed = stored_survey(job)
    assert filed is not None
    root = Path(job.source)
    tables = {"cameras": str(root / "cameras.csv"), "detections": str(root / "detections.csv")}
    imported = Source(**tables, timezone="UTC").read("ridge")  # type: ignore[arg-type] # by name
    assert filed.survey == imported.survey
    assert {boxed(p).detection_id: boxed(p) for p in filed.pictures} == {
        boxed(p).detection_id: boxed(p) for p in imported.pictures
    }
    assert [p.detection.detection_id for p in filed.pictures[:2]] == ["coat0-0", "second"]
    assert filed.pictures[0].path == Path("coat0-0.png")
    assert read_back(job) is filed


def test_files_that_changed_and_other_options_are_refused(job: ReadJob) -> None:
    read_survey(job)
    with pytest.raises(PreconditionError, match="other options"):
        stored_survey(replace(job, timezone="Africa/Harare"))
    write_photograph(Path(job.source) / "new.jpg")
    with pytest.raises(PreconditionError, match=r"have changed since they were read; give --fresh"):
        stored_survey(job)


def test_photographs_in_folders_are_a_survey(tmp_path: Path) -> None:
    for station in ("north", "south"):
        write_photograph(tmp_path / "surveys" / "valley" / station / "1.jpg", "2024:01:05 10:00:00")
    job = ReadJob(str(tmp_path / "results"), str(tmp_path / "surveys" / "valley"), "valley", timezone="UTC")
    read_survey(job)
    assert {str(p.path) for p in read_back(job).pictures} == {"north/1.jpg", "south/1.jpg"}


def test_what_is_no_survey_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "surveys" / "notes").mkdir(parents=True)
    (tmp_path / "surveys" / "notes" / "readme.txt").write_text("nothing here")
    job = ReadJob(str(tmp_path / "results"), str(tmp_path / "surveys" / "notes"), "notes")
    with pytest.raises(InvalidInputError, match="notes has no known layout"):
        read_survey(job)
    assert not open_place(job.url).exists(SURVEY)


def test_the_digest_of_files_changes_with_their_names_and_contents(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    digests = [files_digest(folder)]
    for name, content in (("a", b"one"), ("b", b"one"), ("a", b"other")):
        folder.write(name, content)
        digests.append(files_digest(folder))
    assert len(set(digests)) == 4
