from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from spotted.cli.cluster import COLUMNS, cluster
from spotted.ranking.unreviewed_groups import group_unreviewed
from spotted.scoring.fusion import Fusion
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import DETECTIONS, SPEC, survey, vectors


def test_groups_are_those_of_the_probabilities_and_never_individuals(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    assert cluster.name == "cluster"
    handle = machine.spotted.create_survey(survey(survey_id))
    # two animals in one image are never one, however alike they look
    together = [replace(d, image_id="both") if d.detection_id in {"d00", "d04"} else d for d in DETECTIONS]
    handle.add_detections(together, vectors(), SPEC)
    refused = machine.run("cluster", survey_id)
    assert refused.exit_code == 6
    assert f"spotted calibrate {survey_id}" in refused.stderr
    assert machine.run("calibrate", survey_id).exit_code == 0
    output = tmp_path / "groups.csv"
    done = machine.run("cluster", survey_id, "--threshold", "0.1", "-o", str(output))
    assert done.exit_code == 0, done.output
    assert "No person looked at these groups" in done.stdout
    document = json.loads(machine.run("cluster", survey_id, "--threshold", "0.1", "--json").stdout)
    assert document["reviewed"] is False
    with output.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == COLUMNS
    assert all(row[1].startswith("unreviewed-") for row in rows)
    groups = [row[1] for row in rows]
    assert groups == [one["unreviewed_group"] for one in document["detections"]]
    ids = [d.detection_id for d in together]
    assert groups[ids.index("d00")] != groups[ids.index("d04")]
    index = {one: row for row, one in enumerate(ids)}
    pairs = [
        (index[one.detection_id], index[c.detection_id], c.fused)
        for one in handle.candidates(fusion=Fusion.CALIBRATED, top_k=50)
        for c in one.candidates
    ]
    first, second, probability = map(list, zip(*pairs, strict=True))
    found = group_unreviewed(
        len(ids),
        *(np.array(one) for one in (first, second, probability)),
        image=np.array([0 if one in {"d00", "d04"} else -1 for one in ids]),
        threshold=0.1,
    )
    assert document["joined_pairs"] == found.joined_pairs > 0
    # nothing was answered, named or begun
    assert not list(handle.sessions())
    assert {d.individual_id for d in handle.detections()} == {d.individual_id for d in DETECTIONS}
