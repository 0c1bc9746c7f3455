"""Capture histories as CSV tables."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence

from spotted.formats.captures.history import CaptureHistory
from spotted.formats.file_set import write_fileset
from spotted.formats.row import absolute_path
from spotted.survey import Camera


def write_capture_history(
    history: CaptureHistory, target_directory: str | os.PathLike[str], *, overwrite: bool = False
) -> None:
    """Write `capture_history.csv`, `captures.csv` and `capture_cameras.csv` into a directory.

    capture_history.csv: individual, then 0 or 1 per occasion.
    captures.csv: session, individual, occasion, camera, x_m, y_m, detections.
    capture_cameras.csv: camera, x_m, y_m, then 1 per occasion on which it operated, else 0.
    Raises AlreadyExistsError if the directory is not empty and `overwrite` is False.
    """
    days = occasion_columns(history)
    positions = {camera.camera_id: format_position(camera) for camera in history.cameras}
    usage = zip(positions.items(), history.usage.astype(int).tolist(), strict=True)
    long = [
        [history.session, c.individual_id, c.occasion, c.camera_id, *positions[c.camera_id], c.detections]
        for c in history.captures
    ]
    contents = {
        "capture_history.csv": history_table(history),
        "captures.csv": csv_bytes(
            ["session", "individual", "occasion", "camera", "x_m", "y_m", "detections"], long
        ),
        "capture_cameras.csv": csv_bytes(
            ["camera", "x_m", "y_m", *days], [[camera, *position, *row] for (camera, position), row in usage]
        ),
    }
    write_fileset(absolute_path(target_directory), contents, sources={}, overwrite=overwrite)


def history_table(history: CaptureHistory) -> bytes:
    """A CSV of individuals: 0 or 1 per occasion."""
    seen = zip(history.individual_ids, history.seen().astype(int).tolist(), strict=True)
    return csv_bytes(["individual", *occasion_columns(history)], [[i, *row] for i, row in seen])


def occasion_columns(history: CaptureHistory) -> list[str]:
    """The titles of the columns of occasions."""
    return [f"o{occasion}" for occasion in range(1, history.occasions + 1)]


def format_position(camera: Camera) -> tuple[str, str]:
    """The position of a station in metres, to the millimetre; empty if unknown."""
    if camera.x_m is None or camera.y_m is None:
        return "", ""
    return f"{camera.x_m:.3f}", f"{camera.y_m:.3f}"


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV in UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
