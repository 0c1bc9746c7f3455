"""Folders of surveys whose photographs show drawn coats with marks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

SHOTS = 3


def write_coat_survey(directory: Path, animals: int, seed: int) -> list[str]:
    """A survey of SHOTS photographs of each animal at two cameras, as two tables; returns detection ids.

    The first photograph shows two animals in two boxes.
    """
    directory.mkdir(parents=True)
    rows = ["detection_id,camera_id,timestamp,image,individual_id,box_x,box_y,box_width,box_height"]
    for animal in range(animals):
        rng = np.random.default_rng([seed, animal])
        coat = np.full((240, 360, 3), 200, np.uint8)
        for _ in range(90):
            centre, axes = rng.integers(20, 220, 2).tolist(), rng.integers(3, 12, 2).tolist()
            cv2.ellipse(coat, centre, axes, float(rng.uniform(0, 180)), 0, 360, (60, 50, 40), -1)
        for shot in range(SHOTS):
            name = f"coat{animal}-{shot}"
            Image.fromarray(np.roll(coat, 5 * shot, axis=1)).save(directory / f"{name}.png")
            day, camera = 1 + SHOTS * shot + animal, "AB"[(animal + shot) % 2]
            rows.append(f"{name},{camera},2024-01-{day:02}T00:00Z,{name}.png,animal{animal},,,,")
    rows.append("second,A,2024-01-01T00:00Z,coat0-0.png,,0.5,0.25,0.4,0.5")
    cameras = ("camera_id,x_m,y_m,start,end", "A,0,0,2024-01-01,2024-01-31", "B,900,0,2024-01-01,2024-01-31")
    (directory / "cameras.csv").write_text("\n".join(cameras) + "\n")
    (directory / "detections.csv").write_text("\n".join(rows) + "\n")
    return [row.split(",")[0] for row in rows[1:]]
