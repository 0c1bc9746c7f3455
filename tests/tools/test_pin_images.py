from __future__ import annotations

import hashlib
import os
import shlex
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from spotted.errors import InvalidInputError
from tests.deploy.rendered import KUBERNETES, containers, kustomized
from tools.pin_images import digests, main

# stands for a registry: the manifest of an image is its own name; one image is not there
REGISTRY = """
import sys
if "missing" in sys.argv[1]:
    sys.exit("no such manifest")
print(end=sys.argv[1])
"""
COMMAND = [sys.executable, "-c", REGISTRY]


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    made = tmp_path / "ours"
    made.mkdir()
    write(made, {"name": "spotted/scorer", "newName": "registry.example.org:5000/spotted/scorer"})
    return made


def write(overlay: Path, *images: dict[str, str], base: str = "overlays/gpu") -> None:
    kustomization = {"resources": [f"{os.path.relpath(KUBERNETES, overlay)}/{base}"], "images": [*images]}
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))


def pinned(overlay: Path) -> set[str]:
    """Pin the images; returns those of all containers as kubectl renders them then."""
    done = CliRunner().invoke(main, [str(overlay), "--command", shlex.join(COMMAND)])
    assert done.exit_code == 0, done.output
    directory = overlay.with_name("ours-pinned")
    return {container["image"] for _, container in containers(kustomized.__wrapped__(directory))}


def by_digest(image: str) -> str:
    return f"{image.rpartition(':')[0]}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"


def test_every_image_is_pinned_by_the_digest_of_its_manifest(overlay: Path) -> None:
    images = pinned(overlay)
    assert images >= {
        by_digest(image)
        for image in (
            "registry.example.org:5000/spotted/scorer:0.1.0",
            "spotted/embedder-gpu:0.1.0",
            "spotted/upkeep:0.1.0",
            "valkey/valkey:9.1.1",
        )
    }
    assert all("@sha256:" in image for image in images)


def test_a_changed_tag_gets_its_own_digest(overlay: Path) -> None:
    assert by_digest("spotted/sampler:0.1.0") in pinned(overlay)
    write(overlay, {"name": "spotted/sampler", "newTag": "0.2.0"})
    images = pinned(overlay)
    assert by_digest("spotted/sampler:0.2.0") in images
    assert by_digest("spotted/sampler:0.1.0") not in images


def test_an_image_that_the_registry_does_not_have_is_named_and_nothing_is_written(overlay: Path) -> None:
    write(overlay, {"name": "spotted/scorer", "newName": "registry.example.org/missing"})
    done = CliRunner().invoke(main, [str(overlay), "--command", shlex.join(COMMAND)])
    assert done.exit_code == 1
    assert "registry.example.org/missing:0.1.0` failed: no such manifest; push the image" in done.output
    assert not overlay.with_name("ours-pinned").exists()


def test_an_overlay_that_cannot_be_rendered_is_named(overlay: Path) -> None:
    write(overlay, base="nowhere")
    with pytest.raises(InvalidInputError, match=r"ours cannot be rendered: .*nowhere"):
        digests(overlay, COMMAND)
