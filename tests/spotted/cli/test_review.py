from __future__ import annotations

import json
import shutil
from pathlib import Path

import httpx2
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from spotted.cli import main, review
from spotted.client import EmbeddingSpec
from spotted.formats.layouts.recognition import PHOTOGRAPHS
from spotted.formats.sources import Source, remember
from spotted.local import processes, review_keys, review_page
from spotted.local.review_keys import Opened
from spotted.survey import Detection, Survey
from tests.spotted.cli.conftest import Machine
from tests.waiting import PATIENCE_S


@pytest.fixture
def asked(machine: Machine, survey_id: str, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A survey of two detections, on a machine whose review page is said to run at port 7104."""
    survey = machine.spotted.create_survey(Survey(survey_id, 0.0, 100.0))
    survey.add_detections([Detection("a"), Detection("b")], np.eye(2), EmbeddingSpec("b", "p", 2))
    page = processes.Member(review_page.ROLE, 7104, 1, 0.0)
    monkeypatch.setattr(review, "_started", lambda *_: page)
    return machine


def test_the_address_opens_the_survey_once_and_the_session_exists(asked: Machine, survey_id: str) -> None:
    done = asked.run(
        "review", survey_id, "--no-browser", "--annotator", "anna", "--session", "second", "--json"
    )
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["survey_id"], document["session_id"]) == (survey_id, "second")
    page, key = document["address"].split("#k=")
    assert page == "http://127.0.0.1:7104/"
    assert review_keys.redeem(asked.directory, key) == Opened("anna", survey_id, "second")
    assert asked.spotted.survey(survey_id).session("second").info().session_id == "second"


def test_a_browser_is_opened_unless_that_is_not_wanted(
    asked: Machine, survey_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def launch(address: str) -> int:
        opened.append(address)
        return 1

    monkeypatch.setattr("click.launch", launch)
    asked.run("review", survey_id, "--no-browser")
    assert not opened
    done = asked.run("review", survey_id)
    assert done.stdout == f"review page: {opened[0]}\nend with: spotted down\n"
    assert "No browser could be opened" in done.stderr


def test_what_is_neither_a_survey_nor_a_file_is_not_found(asked: Machine) -> None:
    for name in ("nosuch", "no/such"):
        done = asked.run("review", name)
        assert done.exit_code == 4
        assert f"'{name}' is neither a survey nor a file or folder" in done.stderr


def test_nothing_is_started_for_what_is_nowhere(
    asked: Machine, survey_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(review, "_started", lambda *_: started.append("page"))
    assert asked.run("review", "nosuch").exit_code == 4
    # no service runs for this directory: what was imported there is known without one
    empty = ["--data", str(tmp_path), "--no-browser"]
    done = CliRunner().invoke(main, ["review", survey_id, *empty])
    assert done.exit_code == 4
    assert f"nor a survey that was imported into {tmp_path}" in done.stderr
    assert not started
    remember(tmp_path, survey_id, Source(package="photographs", layout=PHOTOGRAPHS))
    CliRunner().invoke(main, ["review", survey_id, *empty])
    assert started


def test_the_remedy_is_named_if_the_extra_is_missing(asked: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review_page, "PACKAGES", ("no_such_package",))
    done = asked.run("review", "kruger")
    assert done.exit_code == 6
    assert "no_such_package" in done.stderr
    assert review_page.INSTALL in done.stderr


def test_the_page_of_another_machine_is_not_started_here(asked: Machine) -> None:
    addresses = [word for role in ("embedder", "scorer", "sampler") for word in (f"--{role}", "10.0.0.1:1")]
    done = CliRunner().invoke(main, [*addresses, "review", "kruger", "--data", str(asked.directory)])
    assert done.exit_code == 2
    assert "address of its own" in done.stderr


@pytest.mark.slow
def test_one_command_leads_from_a_folder_to_the_first_question(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, data = tmp_path / "photographs", tmp_path / "data"
    for number in range(4):
        path = folder / f"cam{number % 2}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((300, 200), 40.0 + 30 * number).convert("RGB").save(path)
    monkeypatch.setenv("SPOTTED_MODELS", str(models))
    # free ports: those of the first start are kept
    up = ["up", "--data", str(data), "--port", "0", "--no-review", "--models", str(models)]
    try:
        assert CliRunner().invoke(main, up).exit_code == 0
        options = ["--data", str(data), "--no-browser", "--port", str(processes.free_port())]
        done = CliRunner().invoke(main, ["review", str(folder), *options])
        assert done.exit_code == 0, done.stderr
        assert "next:" not in done.stdout, "the command takes these steps itself"
        page, key = done.stdout.split("review page: ")[1].split("\n")[0].split("#k=")
        with httpx2.Client(base_url=page, timeout=PATIENCE_S) as browser:
            person = browser.post("/api/login", json={"key": key}).json()
            session = f"/api/surveys/{person['survey_id']}/sessions/{person['session_id']}"
            (question,) = browser.post(f"{session}/next", json={}).json()["questions"]
            shown = [photo["detection_id"] for photo in question["photos"]]
            for one in shown:
                picture = browser.get(f"/img/{person['survey_id']}/{one}?w=320")
                assert picture.headers["content-type"] == "image/jpeg"
        again = CliRunner().invoke(main, ["review", person["survey_id"], *options])
        assert again.exit_code == 0, again.stderr
        assert "has no effect" not in again.stderr
    finally:
        assert "review" in processes.down(data)
        shutil.rmtree(folder)
