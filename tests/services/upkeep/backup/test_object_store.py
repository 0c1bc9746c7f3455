from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from services.common.store.store import Store
from services.upkeep.backup.contents import read_contents
from services.upkeep.backup.directory import back_up_all
from services.upkeep.backup.object_store import PART_BYTES, Bucket, local_copy
from spotted.errors import InvalidInputError, NotFoundError, UnavailableError
from spotted.local import processes
from tests.services.upkeep.backup.test_directory import plant, ticking

if TYPE_CHECKING:
    from obstore.store import ObjectStore

obstore = pytest.importorskip("obstore", reason="the extra s3 is not installed")


@pytest.fixture
def bucket(s3: dict[str, str]) -> Bucket:
    """A prefix of its own."""
    return Bucket(f"s3://backups/{uuid.uuid4().hex}/", s3)


@pytest.mark.parametrize("size", [0, 1000, 2 * PART_BYTES + 1])
def test_a_file_comes_back_as_it_was(bucket: Bucket, tmp_path: Path, size: int) -> None:
    path = tmp_path / "one.spotted"
    path.write_bytes(bytes(i % 251 for i in range(1000)) * (size // 1000) + b"x" * (size % 1000))
    assert bucket.upload(path) == f"{bucket.url}/one.spotted"
    assert bucket.names() == ["one.spotted"]
    bucket.download("one.spotted", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == path.read_bytes()
    assert (tmp_path / "back").stat().st_mode & 0o077 == 0
    bucket.remove("one.spotted")
    assert bucket.names() == []


def test_an_object_that_differs_from_the_file_is_noticed_and_removed(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(store: ObjectStore, name: str, path: Path, **_: int) -> None:
        obstore.put(store, name, path.read_bytes()[:-1])

    monkeypatch.setattr(type(bucket._store), "put", damaged)
    (tmp_path / "one.spotted").write_text("text")
    with pytest.raises(UnavailableError, match="differs from what was uploaded and was removed; repeat"):
        bucket.upload(tmp_path / "one.spotted")
    assert bucket.names() == []


def test_errors_name_the_url_and_no_key(s3: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"s3://no-such/x has no such bucket or file"):
        Bucket("s3://no-such/x", s3).download("a", tmp_path / "a")
    with pytest.raises(InvalidInputError, match="use a URL such as s3://bucket/prefix"):
        Bucket("what://no-such/x", s3)
    gone = {**s3, "aws_endpoint": f"http://127.0.0.1:{processes.free_port()}"}
    with pytest.raises(UnavailableError, match="does not answer as expected") as failed:
        Bucket("s3://backups/x", gone).names()
    assert "hidden" not in str(failed.value)


def test_surveys_are_backed_up_to_a_bucket_where_the_newest_stay(
    store: Store, bucket: Bucket, s3: dict[str, str], tmp_path: Path
) -> None:
    surveys = [plant(store, f"org/{uuid.uuid4().hex[:8]}") for _ in range(2)]
    now = ticking()
    runs = [back_up_all(store, surveys, tmp_path, now=now, keep=2, bucket=bucket) for _ in range(3)]
    assert not any(run.failed for run in runs)
    assert list(tmp_path.iterdir()) == []
    assert runs[2].removed == [each.url for each in runs[0].backed_up]
    kept = [each.url for run in runs[1:] for each in run.backed_up]
    assert [f"{bucket.url}/{name}" for name in bucket.names()] == sorted(kept)
    with local_copy(kept[0], s3) as path:
        assert read_contents(path).header.survey_id == surveys[0]
    assert not path.exists()


def test_a_bucket_that_does_not_answer_is_refused_before_a_survey_is_read(
    store: Store, s3: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(UnavailableError, match="s3://no-such does not answer as expected"):
        back_up_all(store, ["a"], tmp_path, now=ticking(), bucket=Bucket("s3://no-such", s3))
