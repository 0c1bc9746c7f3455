from __future__ import annotations

import json

from spotted.cli.individuals.reading import COLUMNS
from tests.spotted.cli.conftest import Machine
from tests.spotted.cli.individuals.running import run


def test_individuals_are_listed_by_name_and_detection(asked: Machine, survey_id: str) -> None:
    run(
        asked,
        "name",
        survey_id,
        "ind-d03",
        "Gita",
        "--status",
        "dead",
        "--dead-since",
        "2023-05-01T10:00:00Z",
    )
    found = json.loads(run(asked, "list", survey_id, "--name", "gita", "--json"))["individuals"]
    assert [(one["individual_id"], one["status"]) for one in found] == [("ind-d03", "dead")]
    assert "since 2023-05-01T10:00:00+00:00" in run(asked, "show", survey_id, "Gita")
    found = json.loads(run(asked, "list", survey_id, "--detection", "d05", "--json"))["individuals"]
    assert [one["individual_id"] for one in found] == ["ind-d05"]
    run(asked, "name", survey_id, "Gita", "")
    assert json.loads(run(asked, "list", survey_id, "--name", "gita", "--json"))["individuals"] == []
    shown = run(asked, "list", survey_id)
    assert "12 individuals" in shown
    assert all(column in shown for column in COLUMNS)
