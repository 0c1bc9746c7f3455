from __future__ import annotations

import json

import click
import pytest

from spotted.cli.individuals.changing import merge, move, name_individual, split, undo
from spotted.client.session_handle import SessionHandle
from tests.spotted.cli.conftest import Machine
from tests.spotted.cli.individuals.running import run


def test_an_animal_is_named_merged_split_moved_and_each_change_undone(
    asked: Machine, survey_id: str, session: SessionHandle
) -> None:
    before = [(one.name, one.detection_ids) for one in session.individuals()]
    run(asked, "name", survey_id, "ind-d00", "Sita", "--sex", "female", "--tag", "ear", "--tag", "left")
    merged = run(asked, "merge", survey_id, "Sita", "ind-d04", "ind-d08", "--annotator", "carla")
    assert "Sita (ind-d00): 3 detections" in merged
    assert "1 answer against it no longer counts:\n  d00 and d04 are two animals (anna)" in merged
    assert f"to undo: spotted individuals undo {survey_id} " in merged
    run(asked, "split", survey_id, "sita", "d08")
    run(asked, "move", survey_id, "ind-d08", "d04")
    listed = run(asked, "list", survey_id)
    assert "12 individuals" not in listed
    shown = run(asked, "show", survey_id, "ind-d04")
    assert "ind-d08\n" in shown
    assert "moved by" in shown
    shown = json.loads(run(asked, "show", survey_id, "Sita", "--json"))
    assert (shown["sex"], shown["tags"], shown["detection_ids"]) == ("female", ["ear", "left"], ["d00"])
    assert [change["kind"] for change in shown["changes"]] == ["updated", "merged", "split"]
    for _ in range(3):
        run(asked, "undo", survey_id)
    assert "1 answer against it counts again" not in run(asked, "undo", survey_id)
    assert [(one.name, one.detection_ids) for one in session.individuals()] == before
    done = asked.run("individuals", "undo", survey_id)
    assert done.exit_code == 4
    assert "no change of individuals is left to undo" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("name", "ind-d00"), 2, "give a NAME"),
        (("name", "ind-d00", "--dead-since", "2023-05-01T10:00:00Z"), 2, "needs --status dead"),
        (("name", "ind-d00", "--status", "dead", "--dead-since", "May"), 2, "--dead-since"),
        (("show", "Rita"), 4, "no individual is named 'Rita'"),
        (("show", "ind-d99"), 4, "no individual 'ind-d99'"),
        (("split", "ind-d00", "d00"), 3, "leave at least one out"),
        (("merge", "ind-d00", "ind-d00"), 3, "named twice"),
        (("undo", "2"), 4, "no change of individuals at position 2"),
    ],
)
def test_what_cannot_be_done_says_why(
    asked: Machine, survey_id: str, arguments: tuple[str, ...], code: int, words: str
) -> None:
    command, *rest = arguments
    done = asked.run("individuals", command, survey_id, *rest)
    assert done.exit_code == code
    assert words in done.stderr


@pytest.mark.parametrize("command", [merge, move, name_individual, split, undo])
def test_every_change_has_an_author(command: click.Command) -> None:
    assert any("--annotator" in parameter.opts for parameter in command.params)
