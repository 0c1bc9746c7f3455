from __future__ import annotations

import os
from pathlib import Path

from services.review.images.cache import EMPTIED_TO, PictureCache, digest


def test_what_was_not_read_for_longest_leaves_first(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, most_bytes=1000)
    keys = [digest(n) for n in range(10)]
    for age, key in enumerate(keys):
        cache.put(key, bytes(100))
        path = tmp_path / key[:2] / key
        os.utime(path, (1_000_000 + age, 1_000_000 + age))
    assert cache.get(keys[0]) == bytes(100)
    cache.put(digest("more"), bytes(100))
    assert cache.get(keys[0]) is not None
    assert cache.get(keys[1]) is None
    total = sum(file.stat().st_size for file in tmp_path.glob("*/*"))
    assert total <= EMPTIED_TO * 1000


def test_the_bound_holds_over_restarts(tmp_path: Path) -> None:
    PictureCache(tmp_path, most_bytes=1000).put(digest("a"), bytes(900))
    again = PictureCache(tmp_path, most_bytes=1000)
    again.put(digest("b"), bytes(200))
    assert sum(file.stat().st_size for file in tmp_path.glob("*/*")) <= 1000


def test_a_cache_that_is_deleted_meanwhile_is_filled_again(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path / "pictures", most_bytes=1000)
    cache.put(digest("a"), b"a")
    (file,) = (tmp_path / "pictures").glob("*/*")
    file.unlink()
    assert cache.get(digest("a")) is None
    cache.put(digest("a"), b"b")
    assert cache.get(digest("a")) == b"b"


def test_a_disk_that_takes_nothing_is_no_failure(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, most_bytes=1000)
    key = digest("a")
    # a file stands where the folder should be
    (tmp_path / key[:2]).write_bytes(b"")
    cache.put(key, b"a")
    assert cache.get(key) is None


def test_keys_of_other_parts_differ() -> None:
    assert digest("a", "bc") != digest("ab", "c")
    assert digest(1, None) == digest("1", "None")
