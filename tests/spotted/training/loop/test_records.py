from __future__ import annotations

import csv
from pathlib import Path

from spotted.training.loop.records import TABLE, Records
from spotted.training.loop.trainer import Step


def test_an_epoch_is_a_row_with_the_mean_loss_also_after_a_resumption(tmp_path: Path) -> None:
    for steps in (range(1, 5), range(5, 7)):
        records = Records(tmp_path / "run")
        for step in steps:
            records.add(Step(step, 6, step / 2, loss=float(step), rate=0.1 / step))
        records.close()
    rows = list(csv.DictReader((tmp_path / "run" / TABLE).read_text().splitlines()))
    assert [(row["epoch"], row["step"], float(row["loss"])) for row in rows] == [
        ("1", "2", 1.5),
        ("2", "4", 3.5),
        ("3", "6", 5.5),
    ]
