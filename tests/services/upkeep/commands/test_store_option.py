from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.common.store import keys
from services.upkeep.commands.store_option import open_store
from spotted.errors import PreconditionError, StoreVersionError
from spotted.local.processes import RUN_FILE


def test_the_store_that_is_named_comes_first(store_url: str, tmp_path: Path) -> None:
    with open_store(store_url, tmp_path) as store:
        assert store.url == store_url


def test_without_a_name_it_is_that_of_the_local_run(store_url: str, tmp_path: Path) -> None:
    port = int(store_url.rsplit(":", 1)[1].partition("/")[0])
    members = [{"role": "store", "port": port, "pid": 1, "started_at_s": 0.0}]
    (tmp_path / RUN_FILE).write_text(json.dumps({"members": members}))
    with open_store(None, tmp_path) as store:
        assert store.url == store_url


def test_without_both_it_says_what_to_do(tmp_path: Path) -> None:
    with (
        pytest.raises(PreconditionError, match="give a store with --store or SPOTTED_STORE_URL, or run"),
        open_store(None, tmp_path),
    ):
        pass


def test_a_store_of_another_version_is_opened_for_an_upgrade_only(second_url: str, tmp_path: Path) -> None:
    with open_store(second_url, tmp_path, version=None) as store:
        store.put(keys.VERSION, b"0")
        try:
            with (
                pytest.raises(StoreVersionError, match="spotted upgrade"),
                open_store(second_url, tmp_path),
            ):
                pass
        finally:
            store.put(keys.VERSION, keys.STORE_VERSION.encode())
