"""Capture histories as data files of JAGS, for both sides together and for each side.

A data file is an R dump (JAGS user manual, section on data files): numbers and arrays are assigned to names,
the first index of an array runs fastest, NA is a missing value.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spotted.arrays import Float64Array
from spotted.formats.captures.history import CaptureHistory
from spotted.formats.captures.tables import csv_bytes, history_table
from spotted.formats.exports.material import ExportFiles, Material


def jags_files(material: Material) -> ExportFiles:
    """For `all`, `left` and `right`: a data file, a table of individuals by occasion; and the stations.

    The data file has n individuals, J stations and K occasions; `seen` (n, K) 0 or 1; `y` (n, J) occasions of
    each individual at each station; `used` (J) occasions and `effort` (J) days of each station; `X` (J, 2)
    metres. A side without a photograph has no files.
    """
    histories = {"all": material.history()} | material.by_side()
    contents: dict[str, bytes] = {}
    for name, history in histories.items():
        if history.captures:
            contents[f"{name}.data.R"] = dump(_arrays(history)).encode()
            contents[f"{name}.csv"] = history_table(history)
    whole = histories["all"]
    rows = [[row, camera.camera_id] for row, camera in enumerate(whole.cameras, start=1)]
    contents["stations.csv"] = csv_bytes(["row", "station"], rows)
    return ExportFiles(contents, ())


def dump(values: Mapping[str, Float64Array | int]) -> str:
    """Numbers and arrays as an R dump.

    >>> print(dump({"n": 2, "y": np.array([[1.0, 0.0], [np.nan, 2.5]])}), end="")
    "n" <- 2
    "y" <- structure(c(1, NA, 0, 2.5), .Dim = c(2, 2))
    """
    lines = []
    for name, value in values.items():
        if isinstance(value, int):
            lines.append(f'"{name}" <- {value}')
            continue
        numbers = ", ".join("NA" if np.isnan(one) else f"{one:.10g}" for one in value.ravel(order="F"))
        shape = ", ".join(map(str, value.shape))
        array = f"structure(c({numbers}), .Dim = c({shape}))" if value.ndim > 1 else f"c({numbers})"
        lines.append(f'"{name}" <- {array}')
    return "\n".join(lines) + "\n"


def _arrays(history: CaptureHistory) -> dict[str, Float64Array | int]:
    individuals = {name: row for row, name in enumerate(history.individual_ids)}
    stations = {camera.camera_id: row for row, camera in enumerate(history.cameras)}
    counts = np.zeros((len(individuals), len(stations)))
    for capture in history.captures:
        if capture.camera_id in stations:
            counts[individuals[capture.individual_id], stations[capture.camera_id]] += 1
    places = [(np.nan, np.nan) if c.x_m is None or c.y_m is None else (c.x_m, c.y_m) for c in history.cameras]
    return {
        "n": len(individuals),
        "J": len(stations),
        "K": history.occasions,
        "seen": history.seen().astype(np.float64),
        "y": counts,
        "used": history.usage.sum(axis=1).astype(np.float64),
        "effort": np.asarray(history.effort_days.sum(axis=1), dtype=np.float64),
        "X": np.array(places, dtype=np.float64).reshape(-1, 2),
    }
