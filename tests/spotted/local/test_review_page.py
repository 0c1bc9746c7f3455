from __future__ import annotations

from pathlib import Path

import pytest

from services.review.settings import from_environment
from spotted.local import processes, review_page
from spotted.local.review_page import missing_packages, settings

ADDRESSES = {"embedder": "127.0.0.1:1", "scorer": "127.0.0.1:2", "sampler": "127.0.0.1:3"}


def test_the_settings_are_those_that_the_page_reads(tmp_path: Path) -> None:
    read = from_environment(settings(tmp_path, 7204, ADDRESSES, {}))
    assert (read.listen, read.directory) == ("127.0.0.1:7204", tmp_path)
    assert (read.embedder, read.scorer, read.sampler) == tuple(ADDRESSES.values())
    assert read.allowed_hosts == {"127.0.0.1:7204", "localhost:7204"}
    assert review_page.HOSTS not in settings(tmp_path, 7204, ADDRESSES, {review_page.HOSTS: "a.example"})


def test_packages_that_are_not_installed_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing_packages() == []
    monkeypatch.setattr(review_page, "PACKAGES", ("json", "no_such_package"))
    assert missing_packages() == ["no_such_package"]


@pytest.mark.processes
def test_the_page_answers_by_itself_and_is_stopped_with_the_rest(tmp_path: Path) -> None:
    members = tuple(processes.Member(role, 1, 2**22 - 1, 0.0) for role in processes.SERVICES)
    page = processes.start_page(processes.LocalRun(tmp_path, members), processes.free_port())
    processes._write(processes.LocalRun(tmp_path, (*members, page)))
    try:
        processes.wait(page, tmp_path / "review.log")
        assert processes.answers(page)
    finally:
        assert processes.down(tmp_path) == ["review"]
    assert not processes.answers(page)
