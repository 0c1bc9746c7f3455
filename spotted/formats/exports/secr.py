"""Captures and traps as text files of the R package secr (the formats of DENSITY).

Rules of `read.capthist` and `read.traps` (https://cran.r-project.org/package=secr, vignette secr-datainput):
one line a detection, with session, animal, occasion, detector and covariates; one line a detector, with x, y
and the effort of each occasion; blanks separate values, # begins a comment; no blanks or commas within
identifiers, and no underscore within those of detectors.
"""

from __future__ import annotations

from spotted.formats.captures.tables import csv_bytes, format_position
from spotted.formats.exports.identifiers import plain_ids
from spotted.formats.exports.material import ExportFiles, Material
from spotted.formats.exports.placed import keep_placed

HEADER = (
    "# read.capthist(captfile, trapfile, detector = proximity, binary.usage = FALSE), "
    "the effort of traps.txt is in days"
)


def secr_files(material: Material) -> ExportFiles:
    """`captures.txt`, `traps.txt`, and `individuals.csv` with the name behind each identifier.

    An individual counts once a station and occasion. Raises InvalidInputError if there is no capture at a
    station with a position.
    """
    history, notes = keep_placed(material.history(), "secr")
    animals = plain_ids(history.individual_ids, extra="_")
    traps = plain_ids([camera.camera_id for camera in history.cameras])
    sexes = {name: material.sexes.get(name, "NA") for name in animals}
    with_sex = any(sex != "NA" for sex in sexes.values())
    captures = [HEADER, "# Session ID Occasion Detector" + (" Sex, covnames = Sex" if with_sex else "")]
    (session,) = plain_ids([history.session], extra="_").values()
    for one in history.captures:
        line = [session, animals[one.individual_id], str(one.occasion), traps[one.camera_id]]
        captures.append(" ".join([*line, sexes[one.individual_id]] if with_sex else line))
    layout = [HEADER, "# Detector X Y, then days of effort by occasion"]
    for camera, days in zip(history.cameras, history.effort_days.tolist(), strict=True):
        effort = (f"{one:.4g}" for one in days)
        layout.append(" ".join([traps[camera.camera_id], *format_position(camera), *effort]))
    contents = {
        "captures.txt": _text(captures),
        "traps.txt": _text(layout),
        "individuals.csv": csv_bytes(
            ["id", "name", "sex"], [[own, name, sexes[name]] for name, own in animals.items()]
        ),
    }
    return ExportFiles(contents, notes)


def _text(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()
