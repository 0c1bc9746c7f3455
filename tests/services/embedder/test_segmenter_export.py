from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from services.embedder.images.segmenting import DECODER_FILE, ENCODER_FILE, MANIFEST_FILE, load_segmenter
from services.embedder.segmenter_export import FORMS, Origin, assemble, check, drawing
from spotted.errors import AlreadyExistsError, NotFoundError, PreconditionError
from tests.services.embedder.images.drawn_segmenters import decoder, encoder, write_segmenter


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """The files of a segmenter that takes normalised levels."""
    files = tmp_path / "exported.encoder.onnx", tmp_path / "exported.decoder.onnx"
    for path, content in zip(files, (encoder("efficient-sam"), decoder("efficient-sam")), strict=True):
        path.write_bytes(content)
    return Origin("bright", *files, "efficient-sam", "Apache-2.0", "drawn for a test")


def test_a_segmenter_is_assembled_and_finds_the_drawing(tmp_path: Path, origin: Origin) -> None:
    target = tmp_path / "segmenters" / "bright"
    assert assemble(origin, target, margin=0.5) > 0.8
    assert sorted(path.name for path in target.iterdir()) == [DECODER_FILE, ENCODER_FILE, MANIFEST_FILE]
    assert sorted(path.name for path in target.parent.iterdir()) == ["bright"]
    manifest = load_segmenter(target).manifest
    assert (manifest.model_id, manifest.input_size, manifest.margin) == ("bright", 64, 0.5)
    assert (manifest.licence, manifest.source) == ("Apache-2.0", "drawn for a test")
    # the same again is no other segmenter
    assert assemble(origin, target, margin=0.5) > 0.8
    with pytest.raises(AlreadyExistsError, match="holds another segmenter"):
        assemble(origin, target, margin=0.25)


def test_a_wrong_form_is_noticed_and_nothing_is_written(tmp_path: Path, origin: Origin) -> None:
    target = tmp_path / "bright"
    origin.encoder.write_bytes(encoder("sam"))
    with pytest.raises(PreconditionError, match=r"over union of 0.00, .* choose another --form \(sam, "):
        # levels of 0 to 1 instead of 0 to 255
        assemble(origin, target, margin=0.25)
    with pytest.raises(PreconditionError, match=r"'hwc' in its manifest means .* another --form"):
        assemble(replace(origin, form="sam-with-preprocessing"), target, margin=0.25)
    assert not target.exists()


@pytest.mark.parametrize("form", ["sam", "sam2", "efficient-sam", "sam-with-preprocessing"])
def test_the_check_is_passed_by_every_form(tmp_path: Path, form: str) -> None:
    assert form in FORMS
    assert check(write_segmenter(tmp_path, form)) > 0.8


def test_a_missing_file_is_named(tmp_path: Path, origin: Origin) -> None:
    with pytest.raises(NotFoundError, match=r"nosuch.onnx does not exist"):
        assemble(replace(origin, decoder=tmp_path / "nosuch.onnx"), tmp_path / "x", margin=0.25)


def test_the_drawing_shows_an_ellipse_that_fills_its_box() -> None:
    image, ellipse = drawing()
    assert image.shape == (*ellipse.shape, 3)
    down, across = ellipse.nonzero()
    assert (down.min(), down.max() + 1, across.min(), across.max() + 1) == pytest.approx(
        (96, 289, 128, 417), abs=1
    )
    assert image[ellipse][:, 0].min() > 128 > image[~ellipse].max()


@pytest.mark.processes
def test_the_command_prints_one_line(tmp_path: Path, origin: Origin) -> None:
    arguments = ["--encoder", origin.encoder, "--decoder", origin.decoder, "--form", origin.form]
    arguments += ["--licence", "Apache-2.0", "--source", "a test", "--output", tmp_path / "bright"]
    command = [sys.executable, "-m", "services.embedder.segmenter_export", "bright", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"assembled {tmp_path / 'bright'} (drawing found with 0.")
    again = subprocess.run([*command, "--margin", "2"], capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert again.stderr.startswith("ALREADY_EXISTS: ")
