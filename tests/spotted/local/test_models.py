from __future__ import annotations

import sys
from pathlib import Path

import pytest

from spotted.errors import PreconditionError
from spotted.local import models
from spotted.local.models import DEFAULT_BACKBONE, MANIFEST_FILE, models_directory, prepare


def backbone(directory: Path, name: str, content: str = "weights") -> Path:
    """A directory of models with one backbone."""
    version = directory / name / "1"
    version.mkdir(parents=True)
    (version / MANIFEST_FILE).write_text("{}")
    (version / "model.onnx").write_text(content)
    return directory


def test_a_checkout_has_its_own_models_and_an_installed_package_those_of_the_user(tmp_path: Path) -> None:
    assert models_directory(tmp_path / "spotted") == Path.home() / ".local" / "share" / "spotted" / "models"
    (tmp_path / "pyproject.toml").touch()
    assert models_directory(tmp_path / "spotted") == tmp_path / "models"


def test_a_backbone_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    own = backbone(tmp_path / "own", "lite", "mine")
    prepare(own, ["lite"], bundled=backbone(tmp_path / "package", "lite"))
    assert (own / "lite" / "1" / "model.onnx").read_text() == "mine"


def test_a_missing_one_is_copied_from_the_package_whole_and_said(tmp_path: Path) -> None:
    said: list[str] = []
    bundled = backbone(tmp_path / "package", "lite")
    target = tmp_path / "new" / "models"
    # what a copy that was killed has left
    (target / ".lite.part").mkdir(parents=True)
    (target / ".lite.part" / "half").touch()
    (target / "lite").mkdir()
    prepare(target, ["lite"], say=said.append, bundled=bundled)
    assert (target / "lite" / "1" / "model.onnx").read_text() == "weights"
    assert [path.name for path in target.iterdir()] == ["lite"]
    assert said == [f"copying backbone lite to {target}"]


def test_a_directory_that_cannot_be_written_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PreconditionError, match=r"cannot be copied to .*file/lite.* --models"):
        prepare(tmp_path / "file", ["lite"], bundled=backbone(tmp_path / "package", "lite"))


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        (DEFAULT_BACKBONE, r"pip install 'spotted\[export\]'"),
        ("miewid-msv3", "`spotted export-backbone miewid-msv3`"),
    ],
)
def test_one_that_nothing_can_make_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, remedy: str
) -> None:
    monkeypatch.setattr(models, "EXPORT_NEEDS", ("a_package_that_is_not_installed",))
    with pytest.raises(PreconditionError, match=f"{name!r} is not in .*{remedy}"):
        prepare(tmp_path, [name], bundled=tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []


def test_the_default_one_is_exported_if_its_packages_are_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[Path, str]] = []
    monkeypatch.setattr(models, "EXPORT_NEEDS", ("json",))
    monkeypatch.setattr(models, "_export", lambda target, name: made.append((target, name)))
    prepare(tmp_path, [DEFAULT_BACKBONE], bundled=tmp_path / "nothing")
    assert made == [(tmp_path, DEFAULT_BACKBONE)]


def test_a_failed_export_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho no room on the disk >&2\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    monkeypatch.setattr(models, "EXPORT_NEEDS", ())
    with pytest.raises(PreconditionError, match="could not be exported: no room on the disk"):
        prepare(tmp_path, [DEFAULT_BACKBONE], bundled=tmp_path / "nothing")
