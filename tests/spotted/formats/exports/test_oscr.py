from __future__ import annotations

import csv
from pathlib import Path

from spotted.formats.exports.oscr import oscr_files
from tests.spotted.formats.exports.surveys import made


def test_edf_and_tdf_hold_the_captures_and_the_use_of_the_traps(tmp_path: Path) -> None:
    material = made(tmp_path)
    files = oscr_files(material)
    edf = list(csv.DictReader(files.contents["edf.csv"].decode().splitlines()))
    tdf = list(csv.reader(files.contents["tdf.csv"].decode().splitlines()))
    history = material.history()
    assert list(edf[0]) == ["session", "individual", "occasion", "trap", "sex"]
    assert {(row["individual"], int(row["occasion"]), row["trap"]) for row in edf} == {
        (c.individual_id, c.occasion, c.camera_id) for c in history.captures
    }
    assert {row["individual"]: row["sex"] for row in edf} == {"=SUM(1)": "U", "Asha": "U", "Old Tau": "M"}
    assert tdf[0] == ["Detector", "X", "Y", *(str(n) for n in range(1, history.occasions + 1))]
    assert [row[0] for row in tdf[1:]] == [c.camera_id for c in history.cameras]
    assert [[int(cell) for cell in row[3:]] for row in tdf[1:]] == history.usage.astype(int).tolist()
    # what data2oscr refuses: a capture at a trap on an occasion on which it was not used
    used = {row[0]: row[3:] for row in tdf[1:]}
    assert all(used[row["trap"]][int(row["occasion"]) - 1] == "1" for row in edf)
