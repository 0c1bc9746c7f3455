from __future__ import annotations

import json
from pathlib import Path

from spotted.cli.match import LISTS_SHOWN
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import DETECTIONS, SPEC, survey, vectors


def test_candidates_are_listed_with_the_journey(machine: Machine, survey_id: str, tmp_path: Path) -> None:
    machine.spotted.create_survey(survey(survey_id)).add_detections(DETECTIONS, vectors(), SPEC)
    output = tmp_path / "candidates.csv"
    done = machine.run("match", survey_id, "--top", "2", "-o", str(output))
    assert done.exit_code == 0
    assert len(output.read_text().splitlines()) == 1 + 2 * len(DETECTIONS)
    assert f"{2 * len(DETECTIONS)} candidates of {len(DETECTIONS)} detections written" in done.stdout
    assert "matched_marks" in output.read_text()
    assert "matched_marks" not in done.stdout
    short = machine.run("match", survey_id, "--top", "2").stdout
    assert f"{len(DETECTIONS) - LISTS_SHOWN} more detections not shown: -o FILE writes them all" in short
    one = json.loads(machine.run("match", survey_id, "--detection", "d00", "--json").stdout)
    assert [row["rank"] for row in one["candidates"]] == [1, 2, 3, 4, 5]
    assert all("km/h" in row["reason"] or "same camera" in row["reason"] for row in one["candidates"])
    assert machine.run("match", survey_id, "--top", "0").exit_code == 2


def test_each_individual_is_listed_once_by_its_best_photograph(machine: Machine, survey_id: str) -> None:
    machine.spotted.create_survey(survey(survey_id)).add_detections(DETECTIONS, vectors(), SPEC)
    animal = {d.detection_id: d.individual_id for d in DETECTIONS}

    def listed(*arguments: str) -> dict[str, list[str]]:
        done = machine.run("match", survey_id, "--top", "20", "--json", *arguments)
        found: dict[str, list[str]] = {}
        for row in json.loads(done.stdout)["candidates"]:
            found.setdefault(row["detection_id"], []).append(row["candidate_id"])
        return found

    everyone, grouped = listed(), listed("--individuals")
    assert set(grouped) == set(animal)
    for asking, candidates in everyone.items():
        best: dict[str, str] = {}
        for candidate in candidates:
            best.setdefault(animal[candidate], candidate)
        assert grouped[asking] == list(best.values())
