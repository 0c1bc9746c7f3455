from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from spotted import __version__
from tests.deploy.images import DOCKER, IMAGES, ROOT, Image
from tests.deploy.rendered import tool

every_image = pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.called)


def instructions(dockerfile: Path) -> list[str]:
    """The instructions, one a line, without comments."""
    text = re.sub(r"^#.*\n", "", dockerfile.read_text(), flags=re.MULTILINE)
    return [line for line in re.sub(r"\s*\\\n\s*", " ", text).splitlines() if line]


def stages(dockerfile: Path) -> dict[str, list[str]]:
    """The instructions of each stage, FROM included, by its name."""
    found: dict[str, list[str]] = {}
    for line in instructions(dockerfile):
        if line.startswith("FROM "):
            stage = line.rpartition(" AS ")[2]
            found[stage] = []
        if found:
            found[stage].append(line)
    return found


def test_every_dockerfile_is_of_a_known_image() -> None:
    assert {path.name for path in DOCKER.glob("*.Dockerfile")} == {i.dockerfile.name for i in IMAGES}


@every_image
def test_hadolint_finds_nothing(image: Image) -> None:
    found = subprocess.run(
        [tool("hadolint"), str(image.dockerfile)], check=False, capture_output=True, text=True
    )
    assert (found.returncode, found.stdout) == (0, "")


@every_image
def test_all_stages_stand_on_one_pinned_base(image: Image) -> None:
    (base,) = [line for line in instructions(image.dockerfile) if line.startswith("ARG PYTHON_IMAGE=")]
    assert re.fullmatch(r"ARG PYTHON_IMAGE=python:3\.11\.\d+-slim-[a-z]+", base)
    own = stages(image.dockerfile)
    for lines in own.values():
        assert lines[0].split()[1] in {"${PYTHON_IMAGE}", *own}


@every_image
def test_what_is_served_holds_no_build_tools_and_runs_without_root(image: Image) -> None:
    own = stages(image.dockerfile)
    assert [*own][-1] == "serve", "the last stage is what `docker build` makes"
    lines = [*own["base"], *own["serve"]]
    assert "USER 10001:10001" in lines
    assert not [line for line in lines if re.search(r"\b(pip|apt-get|curl)\b", line)]
    assert "COPY --from=build /opt/spotted /opt/spotted" in own["serve"]


@every_image
def test_the_entry_point_is_the_process_that_gets_signals(image: Image) -> None:
    (entry,) = [line for line in instructions(image.dockerfile) if line.startswith("ENTRYPOINT")]
    assert entry == f'ENTRYPOINT ["python", "-m", "{image.module}"]'


@every_image
def test_packages_come_from_the_lock_with_their_hashes(image: Image) -> None:
    (install,) = [line for line in stages(image.dockerfile)["build"] if "python -m venv" in line]
    assert install.count("--require-hashes") == install.count("--requirement ") == 2
    assert f"requirements/{image.lock}.lock" in install


@every_image
def test_what_is_copied_is_there_and_reaches_the_build(image: Image) -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for line in instructions(image.dockerfile):
        if line.startswith("COPY ") and "--from=" not in line:
            for source in line.split()[1:-1]:
                assert source == "models" or (ROOT / source).exists(), source
                assert any(Path(source).match(pattern) for pattern in kept), source


@every_image
def test_its_first_lines_say_how_to_build_it(image: Image) -> None:
    command = (
        f"docker build -f deploy/docker/{image.called}.Dockerfile -t spotted/{image.called}:{__version__} ."
    )
    assert command in image.dockerfile.read_text()
