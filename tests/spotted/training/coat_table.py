"""Generated coats as photographs on the disk, with a table of their names."""

from __future__ import annotations

import csv
from pathlib import Path

from PIL import Image

from tests.spotted.training.coats import coat_crops


def write_coats(folder: Path, animals: int, each: int, *, size: int = 32, seed: int = 0) -> Path:
    """Photographs below a folder; the path of their table."""
    crops, labels = coat_crops(animals, each, size=size, seed=seed)
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "coats.csv"
    with table.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["uuid", "file_path", "name", "species", "viewpoint"])
        for row, (crop, label) in enumerate(zip(crops, labels.tolist(), strict=True)):
            Image.fromarray(crop).save(folder / f"{row}.png")
            writer.writerow([f"p{row}", f"{row}.png", f"coat{label}", "drawn", "left"])
    return table
