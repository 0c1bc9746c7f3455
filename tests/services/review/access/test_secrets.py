from __future__ import annotations

from pathlib import Path

import pytest

from services.review.access.secrets import FILE, read_secret
from spotted.errors import InvalidInputError


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    cookie = read_secret(tmp_path, None).encrypt(b"anna")
    assert read_secret(tmp_path, None).decrypt(cookie) == b"anna"
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0
    assert [one.name for one in (tmp_path / "review").iterdir()] == ["cookies.key"]


def test_a_wrong_secret_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "secret"
    wrong.write_text("too short")
    for file in (wrong, tmp_path / "nosuch"):
        with pytest.raises(InvalidInputError, match=file.name):
            read_secret(tmp_path, file)
