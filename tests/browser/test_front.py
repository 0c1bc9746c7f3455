"""The built page is that of its sources, small, and complete without a network."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.browser.front import FRONT, STATIC, with_packages

MOST_BYTES = 150_000
VIEWER = "viewer-"


def files(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def npm(*arguments: str, folder: Path) -> str:
    done = subprocess.run(["npm", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_build_elsewhere_gives_the_committed_bytes(tmp_path: Path) -> None:
    front = with_packages()
    copy = tmp_path / "front"
    shutil.copytree(front, copy, ignore=shutil.ignore_patterns("node_modules"))
    (copy / "node_modules").symlink_to(front / "node_modules")
    npm("run", "build", folder=copy)
    built, committed = files(tmp_path / "static"), files(STATIC)
    assert sorted(built) == sorted(committed), "run `make front` and commit services/review/static"
    changed = [name for name, content in built.items() if content != committed[name]]
    assert not changed, "run `make front` and commit services/review/static"


@pytest.mark.slow
def test_the_units_of_the_page_pass() -> None:
    assert "passed" in npm("test", folder=with_packages())


def test_the_page_beside_the_viewer_is_small() -> None:
    assets = files(STATIC / "assets")
    assert any(name.startswith(VIEWER) for name in assets)
    own = [content for name, content in assets.items() if not name.startswith(VIEWER)]
    packed = len(gzip.compress((STATIC / "index.html").read_bytes()))
    packed += sum(len(gzip.compress(content)) for content in own)
    assert packed < MOST_BYTES


def test_the_page_names_only_its_own_files() -> None:
    page = (STATIC / "index.html").read_text()
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert named
    for name in named:
        assert (STATIC / name).is_file(), f"{name} is not a file of the page"
    assert "<style" not in page
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    for name, content in files(STATIC / "assets").items():
        if name.endswith(".css"):
            assert b"http" not in content
            assert b"@import" not in content


def test_the_lock_of_the_packages_names_no_registry() -> None:
    lock = json.loads((FRONT / "package-lock.json").read_text())
    assert all("resolved" not in package for package in lock["packages"].values())
    assert all("integrity" in package for name, package in lock["packages"].items() if name)


def test_every_bundled_package_is_named_with_its_licence() -> None:
    licences = (STATIC / "licences.md").read_text()
    for package in ("openseadragon", "preact"):
        assert f"## {package}" in licences
