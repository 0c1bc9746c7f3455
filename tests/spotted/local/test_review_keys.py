from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from spotted.local.review_keys import FOLDER, LIFETIME_S, Opened, make, redeem

ANNA = Opened("anna", "kruger", "main")


def test_a_key_is_redeemed_once(tmp_path: Path) -> None:
    key = make(tmp_path, ANNA)
    with ThreadPoolExecutor(8) as threads:
        redeemed = list(threads.map(lambda _: redeem(tmp_path, key), range(8)))
    assert [one for one in redeemed if one] == [ANNA]
    assert not list((tmp_path / FOLDER).iterdir())


def test_only_the_owner_of_the_data_reads_keys_and_no_file_has_one(tmp_path: Path) -> None:
    key = make(tmp_path, ANNA)
    (file,) = (tmp_path / FOLDER).iterdir()
    assert (tmp_path / FOLDER).stat().st_mode & 0o077 == 0
    assert file.stat().st_mode & 0o077 == 0
    assert key not in file.name + file.read_text()
    assert make(tmp_path, ANNA) != key


def test_a_key_holds_for_ten_minutes(tmp_path: Path) -> None:
    key = make(tmp_path, ANNA)
    (file,) = (tmp_path / FOLDER).iterdir()
    os.utime(file, (file.stat().st_atime, file.stat().st_mtime - LIFETIME_S - 1))
    assert redeem(tmp_path, key) is None
    old = make(tmp_path, ANNA)
    (file,) = (tmp_path / FOLDER).iterdir()
    os.utime(file, (0, 0))
    make(tmp_path, ANNA)
    assert len(list((tmp_path / FOLDER).iterdir())) == 1
    assert redeem(tmp_path, old) is None


@pytest.mark.parametrize("key", ["", "x", "../../keys", "a/b", "\0"])
def test_what_is_no_key_opens_nothing(tmp_path: Path, key: str) -> None:
    assert redeem(tmp_path, key) is None
    make(tmp_path, ANNA)
    assert redeem(tmp_path, key) is None
