from __future__ import annotations

from pathlib import Path

import pytest

from spotted import object_stores
from spotted.errors import InvalidInputError, NotFoundError, PreconditionError
from spotted.object_stores import failures_named, is_url, open_object_store, read_settings

pytest.importorskip("obstore", reason="the extra s3 is not installed")


def test_a_url_differs_from_a_file() -> None:
    assert is_url("s3://bucket/prefix")
    assert not is_url("/backups/kenya.spotted")


def test_wrong_urls_and_refusals_are_named_with_a_remedy() -> None:
    with pytest.raises(InvalidInputError, match="use a URL such as s3://bucket/prefix"):
        open_object_store("what://no-such/x", {})
    with (
        pytest.raises(NotFoundError, match="s3://a/b has no such bucket or file"),
        failures_named("s3://a/b"),
    ):
        raise FileNotFoundError
    with pytest.raises(PreconditionError, match="refuses the credentials"), failures_named("s3://a/b"):
        raise PermissionError


def test_without_the_package_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_stores, "find_spec", lambda _: None)
    with pytest.raises(PreconditionError, match=r"spotted\[s3\]"):
        open_object_store("s3://a/b", {})


def test_settings_are_read_from_files_named_like_them(tmp_path: Path) -> None:
    (tmp_path / "AWS_REGION").write_text("eu-west-1\n")
    (tmp_path / "..data").mkdir()
    (tmp_path / ".hidden").write_text("no")
    assert read_settings(tmp_path) == {"aws_region": "eu-west-1"}
    assert read_settings(None) == read_settings(tmp_path / "missing") == {}
