from __future__ import annotations

import json

import pytest

from tools import sbom
from tools.licences import pinned
from tools.sbom import bill, components, images, licensed


@pytest.fixture(scope="module")
def found() -> str:
    return components("scorer")


@pytest.mark.slow
def test_the_bill_of_an_image_is_valid_lists_what_is_pinned_and_is_always_the_same(
    found: str,
) -> None:
    text = licensed("scorer", found)
    made = json.loads(text)
    assert {c["name"]: c["version"] for c in made["components"]} == pinned("scorer")
    assert all(c["licenses"] and c["purl"].startswith("pkg:pypi/") for c in made["components"])
    assert made["metadata"]["component"]["name"] == "spotted"
    assert bill("scorer") == text


def test_every_image_has_a_bill_and_ways_to_install_have_none() -> None:
    assert {"embedder-cpu", "embedder-gpu", "scorer", "sampler", "upkeep"} <= set(images())
    assert not {"dev", "cpu", "build"} & set(images())


@pytest.mark.slow
def test_a_bill_that_is_not_valid_is_refused(found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sbom, "licence", lambda _: 5)
    with pytest.raises(ValueError, match="the bill of scorer is not valid"):
        licensed("scorer", found)
