"""The whole loop as a person runs it: a Camtrap DP directory in, the same with individuals out."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from spotted.cli import main
from tests.spotted.camtrapdp_package import write_package
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.slow

SURVEY = "drawn-hyenas"


@dataclass(frozen=True)
class Shell:
    """Runs `spotted` on one data directory."""

    directory: Path
    models: Path

    def run(self, *arguments: str, answers: str = "", code: int = 0) -> str:
        """Run a command in this process; its output, or its stderr if it should fail with a code."""
        done = CliRunner().invoke(main, self._on_data(arguments), input=answers)
        assert done.exit_code == code, done.stderr
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return done.stdout if code == 0 else done.stderr

    def start(self, *arguments: str) -> None:
        """Run a command in a process of its own, as a person does."""
        command = [sys.executable, "-m", "spotted.cli", *self._on_data(arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        assert done.returncode == 0, done.stderr

    def _on_data(self, arguments: Sequence[str]) -> list[str]:
        return [*arguments, "--data", str(self.directory)]

    def json(self, *arguments: str) -> dict[str, object]:
        document: dict[str, object] = json.loads(self.run(*arguments, "--json"))
        return document


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    directory = tmp_path_factory.mktemp("package")
    return directory, write_package(directory)


@pytest.fixture(scope="module")
def shell(
    tmp_path_factory: pytest.TempPathFactory, models: Path, package: tuple[Path, dict[str, str]]
) -> Iterator[Shell]:
    opened = Shell(tmp_path_factory.mktemp("data"), models)
    opened.start("up", "--port", "0", "--models", str(models))
    opened.start("import", str(package[0]))
    opened.start("embed", SURVEY)
    yield opened
    opened.start("down")


def test_status_shows_processes_and_surveys(shell: Shell) -> None:
    document = shell.json("status")
    assert document["processes"] == dict.fromkeys(
        ("store", "embedder", "scorer", "sampler", "review"), "answers"
    )
    assert document["surveys"] == [{"survey_id": SURVEY, "cameras": 3, "detections": 13}]


def test_embedding_again_changes_nothing(shell: Shell) -> None:
    assert shell.json("embed", SURVEY) == {
        "survey_id": SURVEY,
        "added": 0,
        "updated": 0,
        "unchanged": 13,
        "failed": [],
        "local_features": 0,
    }


def test_importing_again_changes_nothing(shell: Shell, package: tuple[Path, dict[str, str]]) -> None:
    assert shell.json("import", str(package[0]))["detections"] == 13
    assert shell.json("status")["surveys"] == [{"survey_id": SURVEY, "cameras": 3, "detections": 13}]


def test_candidates_come_with_evidence_and_never_from_the_same_image(shell: Shell, tmp_path: Path) -> None:
    output = tmp_path / "candidates.csv"
    shell.run("match", SURVEY, "--top", "3", "--output", str(output))
    rows = list(csv.DictReader(io.StringIO(output.read_text())))
    assert len({row["detection_id"] for row in rows}) == 13
    for row in rows:
        assert row["detection_id"].split("-")[0] != row["candidate_id"].split("-")[0]
        assert float(row["fused"]) <= float(row["visual"]) + 1e-6
        assert row["reason"]


def test_a_person_answers_in_the_terminal_and_stops_when_it_likes(shell: Shell) -> None:
    shown = shell.run(
        "annotate",
        SURVEY,
        "--session",
        "person",
        "--annotator",
        "anna",
        "--known",
        "ignored",
        answers="s\nnonsense\nd\nx\nk\nq\n",
    )
    assert shown.count("Question") == 5
    assert "left side" in shown
    assert "same camera, 36 s later" in shown
    assert "4 questions answered" in shown


def test_the_oracle_finds_every_individual_and_the_export_carries_them(
    shell: Shell, package: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    directory, truth = package
    document = shell.json("annotate", SURVEY, "--oracle", "--opposite-flanks")
    assert document["individuals"] == len(set(truth.values()))
    assert document["conflicts"] == 0
    output = tmp_path / "out"
    shell.run("export", SURVEY, "--output", str(output))
    before = list(csv.DictReader(io.StringIO((directory / "observations.csv").read_text())))
    after = list(csv.DictReader(io.StringIO((output / "observations.csv").read_text())))
    found = {row["observationID"]: row["individualID"] for row in after if row["observationID"] in truth}
    groups = {frozenset(i for i in truth if truth[i] == animal) for animal in truth.values()}
    assert {frozenset(i for i in found if found[i] == animal) for animal in found.values()} == groups
    for one, other in zip(before, after, strict=True):
        assert {k: v for k, v in one.items() if k != "individualID"} == {
            k: v for k, v in other.items() if k != "individualID"
        }
    for file in ("deployments.csv", "media.csv"):
        assert (output / file).read_bytes() == (directory / file).read_bytes()
    assert (output / "captures" / "capture_history.csv").is_file()


def test_evaluation_measures_all_three_scores(shell: Shell) -> None:
    scores = shell.json("evaluate", SURVEY)["scores"]
    assert isinstance(scores, dict)
    assert set(scores) == {"visual", "location", "fused"}
    assert all(0.0 <= measured["top"]["1"] <= measured["top"]["5"] <= 1.0 for measured in scores.values())


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("embed", "nosuch"), 4, "was not imported"),
        (("match", "nosuch"), 4, "does not exist"),
        (("annotate", "nosuch"), 4, "does not exist"),
        (("annotate", SURVEY, "--session", "new", "--strategy", "guess"), 2, "confspal"),
        (("match", SURVEY, "--detection", "nosuch"), 4, "nosuch"),
        (("import", "protos"), 3, "datapackage.json"),
        (("import",), 2, "--cameras"),
    ],
)
def test_what_goes_wrong_ends_in_one_line_and_a_code(
    shell: Shell, arguments: tuple[str, ...], code: int, words: str
) -> None:
    shown = shell.run(*arguments, code=code)
    assert words in shown
    assert "Traceback" not in shown


def test_without_services_every_command_says_what_to_start(tmp_path: Path, models: Path) -> None:
    shell = Shell(tmp_path, models)
    assert "spotted up" in shell.run("match", SURVEY, code=6)
    assert "spotted up" in shell.run("status", code=5)
    assert "no process was running" in shell.run("down")
