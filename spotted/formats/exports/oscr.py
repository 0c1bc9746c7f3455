"""Captures and traps as the edf and tdf of the R package oSCR (https://github.com/jaroyle/oSCR)."""

from __future__ import annotations

from spotted.formats.captures.tables import csv_bytes, format_position
from spotted.formats.exports.material import ExportFiles, Material
from spotted.formats.exports.placed import keep_placed


def oscr_files(material: Material) -> ExportFiles:
    """`edf.csv`: session, individual, occasion, trap, sex; `tdf.csv`: Detector, X, Y, 1 or 0 by occasion.

    For `data2oscr` columns 1 to 5 of the edf are sess.col, id.col, occ.col, trap.col and sex.col, with U for
    an unknown sex. Coordinates are metres. Raises InvalidInputError if there is no capture at a station with
    a position.
    """
    history, notes = keep_placed(material.history(), "oSCR")
    captures = [
        [1, c.individual_id, c.occasion, c.camera_id, _sex(material, c.individual_id)]
        for c in history.captures
    ]
    traps = [
        [camera.camera_id, *format_position(camera), *used]
        for camera, used in zip(history.cameras, history.usage.astype(int).tolist(), strict=True)
    ]
    occasions = [str(occasion) for occasion in range(1, history.occasions + 1)]
    contents = {
        "edf.csv": csv_bytes(["session", "individual", "occasion", "trap", "sex"], captures),
        "tdf.csv": csv_bytes(["Detector", "X", "Y", *occasions], traps),
    }
    return ExportFiles(contents, notes)


def _sex(material: Material, name: str) -> str:
    return {"female": "F", "male": "M"}.get(material.sexes.get(name, ""), "U")
