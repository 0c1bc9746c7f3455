from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from spotted.formats.exports.secr import secr_files
from tests.spotted.formats.exports.surveys import made


@dataclass(frozen=True)
class Capthist:
    """What secr reads from the two files."""

    detections: set[tuple[str, str, int, str]]
    traps: dict[str, tuple[float, float]]
    effort: dict[str, list[float]]


def read_capthist(captures: str, traps: str, *, covariates: int) -> Capthist:
    """The files by the rules of secr's vignette secr-datainput and of `read.traps`.

    "Each line of header information should start with the comment character (default #)". "Identifiers may be
    numeric values or alphanumeric values with no included spaces, tabs or commas. The underscore character
    should not be used in detector (trap) identifiers". A detection is a session, an animal, an occasion, a
    detector and covariates; a detector is its identifier, x, y and, with binary.usage = FALSE, the effort of
    each occasion. Detectors of captures are in the layout and were used on that occasion; the layout has one
    line a detector.
    """
    places: dict[str, tuple[float, float]] = {}
    effort: dict[str, list[float]] = {}
    for trap, x, y, *usage in _fields(traps):
        assert "_" not in trap
        assert trap not in places
        places[trap] = (float(x), float(y))
        effort[trap] = [float(one) for one in usage]
    (occasions,) = {len(usage) for usage in effort.values()}
    detections = set()
    for session, animal, occasion, trap, *rest in _fields(captures):
        assert len(rest) == covariates
        assert animal not in {"NONE", "NA"}
        assert 1 <= int(occasion) <= occasions
        assert effort[trap][int(occasion) - 1] > 0.0
        assert (session, animal, int(occasion), trap) not in detections
        detections.add((session, animal, int(occasion), trap))
    return Capthist(detections, places, effort)


def _fields(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert not any(character in line for line in lines for character in "\t,'\"/#")
    return [line.split(" ") for line in lines]


@pytest.mark.parametrize("occasion_days", [1, 3])
def test_secr_reads_the_captures_traps_and_effort_of_the_history(tmp_path: Path, occasion_days: int) -> None:
    material = made(tmp_path, occasion_days=occasion_days)
    files = secr_files(material)
    read = read_capthist(
        files.contents["captures.txt"].decode(), files.contents["traps.txt"].decode(), covariates=1
    )
    history = material.history()
    names = {
        row["id"]: row["name"]
        for row in csv.DictReader(files.contents["individuals.csv"].decode().splitlines())
    }
    stations = dict(zip(read.traps, (c.camera_id for c in history.cameras), strict=True))
    assert {(names[a], occasion, stations[trap]) for _, a, occasion, trap in read.detections} == {
        (c.individual_id, c.occasion, c.camera_id) for c in history.captures
    }
    assert list(read.effort.values()) == history.effort_days.tolist()
    for (x, y), camera in zip(read.traps.values(), history.cameras, strict=True):
        assert [x, y] == pytest.approx([camera.x_m, camera.y_m], abs=1e-3)
    assert "Old-Tau" in names
    assert read.traps.keys() == {"Ridge-north", "ford-01", "idle"}


def test_sex_is_a_covariate_only_if_one_is_known(tmp_path: Path) -> None:
    material = made(tmp_path)
    lines = secr_files(material).contents["captures.txt"].decode().splitlines()
    assert [line.split()[-1] for line in lines[2:]] == ["NA", "NA", "male", "male"]
    without = secr_files(replace(material, sexes={})).contents["captures.txt"].decode()
    read_capthist(without, secr_files(material).contents["traps.txt"].decode(), covariates=0)
