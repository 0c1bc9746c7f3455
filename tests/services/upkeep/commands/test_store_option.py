from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from services.common.store import keys
from services.upkeep.commands.store_option import open_store, open_with_vectors, store_options
from spotted.errors import PreconditionError, StoreVersionError
from spotted.local import vectors
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


def test_the_vectors_of_the_local_run_are_found(second_url: str, tmp_path: Path) -> None:
    port = int(second_url.rsplit(":", 1)[1].partition("/")[0])
    members = [{"role": "store", "port": port, "pid": 1, "started_at_s": 0.0}]
    (tmp_path / RUN_FILE).write_text(json.dumps({"members": members}))
    with open_with_vectors(None, tmp_path, None) as store:
        assert store.blocks is None
    vectors.folder(tmp_path).mkdir()
    try:
        for url, given in ((None, None), (second_url, str(vectors.folder(tmp_path)))):
            with open_with_vectors(url, tmp_path, given) as store:
                assert store.blocks is not None
        refused = pytest.raises(PreconditionError, match="SPOTTED_VECTOR_BLOCKS_URL")
        with refused, open_with_vectors(second_url, tmp_path, None):
            pass
    finally:
        with open_store(second_url, tmp_path) as store:
            store.delete(keys.BLOCKS)


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


@pytest.mark.parametrize("by_variable", [True, False])
def test_a_password_in_a_file_completes_the_url(tmp_path: Path, *, by_variable: bool) -> None:
    @click.command()
    @store_options
    def show(*, url: str | None, directory: Path) -> None:
        click.echo(f"{url} {directory.name}")

    file = tmp_path / "password"
    file.write_text("secret\n")
    variables = {"SPOTTED_STORE_URL": "redis://store/0", "SPOTTED_STORE_PASSWORD_FILE": str(file)}
    options = ["--data", str(tmp_path / "here")]
    if not by_variable:
        options += ["--store-password-file", str(file), "--store", "redis://store/0"]
    done = CliRunner().invoke(show, options, env=variables if by_variable else {})
    assert done.output == "redis://:secret@store/0 here\n"
