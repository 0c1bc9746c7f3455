"""Every attack in its short form; `make attack` runs them in full, and judges the times of others too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tools.attack.__main__ import SHORT, attack, attacks
from tools.attack.bystanders import Bystanders
from tools.attack.outcomes import BreachError
from tools.attack.site import Site

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("attack"), models) as started:
        yield started


@pytest.fixture(scope="module")
def bystanders(site: Site) -> Iterator[Bystanders]:
    with Bystanders(site, pause_s=SHORT.pause_s) as working:
        yield working


@pytest.mark.parametrize("name", attacks(SHORT))
def test_an_attack_gets_nothing(site: Site, bystanders: Bystanders, name: str) -> None:
    assert attack(site, bystanders, name, attacks(SHORT)[name]).breaches == []


def test_what_an_attack_gets_is_a_breach(site: Site, bystanders: Bystanders) -> None:
    def succeed(_: Site) -> str:
        raise BreachError("it read another survey")

    assert attack(site, bystanders, "test", succeed).breaches == ["BreachError: it read another survey"]


def test_a_service_that_ends_is_a_breach(site: Site, bystanders: Bystanders) -> None:
    def kill(site: Site) -> str:
        process = site.members["sampler"].process()
        assert process is not None
        process.kill()
        process.wait()
        return ""

    breaches = attack(site, bystanders, "test", kill).breaches
    assert "the sampler ended" in breaches
    assert all(isinstance(site.members[role].process(), psutil.Process) for role in ("scorer", "embedder"))
