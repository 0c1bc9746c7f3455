"""SIGKILL of every process in the middle of an import and of an annotation: nothing acknowledged is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from spotted.client import Spotted, oracle
from spotted.client.ingest import BLOCK, embed_pictures
from spotted.client.session_handle import SessionHandle
from spotted.client.values import Label, SubmittedLabels
from spotted.counting import count_of_share
from spotted.errors import SpottedError, StoreUnavailableError, UnavailableError
from spotted.facts import KnownIndividuals
from spotted.formats.imported_survey import ImportedSurvey
from spotted.local import processes
from spotted.simulation.survey import SimulationParams
from tests.spotted.drawn_surveys import drawn_survey

SURVEY = "faults"


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> ImportedSurvey:
    # more detections than a block of an import
    params = SimulationParams(animals=8, cameras=6, detections=BLOCK + 16, company=0.0)
    return drawn_survey(tmp_path_factory.mktemp("pictures"), SURVEY, params)


class Machine:
    """The store and the services of one directory, which may be killed and started again."""

    def __init__(self, directory: Path, models: Path) -> None:
        self.directory = directory
        self._environment = {"SPOTTED_MODELS": str(models)}
        self.up()

    def up(self) -> None:
        processes.up(self.directory, port=0, environment=self._environment)

    def kill(self, role: str) -> None:
        run = processes.read(self.directory)
        member = run.member(role) if run else None
        process = member.process() if member else None
        assert process is not None
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def machine(
    tmp_path_factory: pytest.TempPathFactory,
    models: Path,
    forked_services: None,  # noqa: ARG001 - how they start
) -> Iterator[Machine]:
    """One for all tests: each starts again what it killed, on what all before it stored."""
    made = Machine(tmp_path_factory.mktemp("machine"), models)
    yield made
    processes.down(made.directory)


@pytest.fixture(scope="module")
def embedded(machine: Machine, imported: ImportedSurvey) -> str:
    """The id of a survey that holds all pictures."""
    with Spotted.local(machine.directory) as spotted:
        spotted.create_survey(imported.survey)
        assert not embed_pictures(spotted, spotted.survey(SURVEY), imported.pictures).failed
    return SURVEY


def attempt(work: Callable[[], object]) -> SpottedError | None:
    """The error that ended the work, None if it was finished in spite of all."""
    try:
        work()
    except SpottedError as error:
        return error
    return None


def check(error: SpottedError | None) -> None:
    """Whoever is dead, the message names an address or the store and what to do."""
    if error is not None:
        assert isinstance(error, UnavailableError)
        assert "start" in str(error)


@pytest.mark.slow
@pytest.mark.parametrize("role", processes.ROLES)
def test_a_process_killed_during_import_loses_no_acknowledged_detection(
    machine: Machine, imported: ImportedSurvey, role: str
) -> None:
    acknowledged = 0
    killed = threading.Event()
    survey_id = f"{SURVEY}-{role}"

    def on_progress(count: int) -> None:
        nonlocal acknowledged
        acknowledged += count
        if acknowledged and not killed.is_set():
            killed.set()
            machine.kill(role)

    with Spotted.local(machine.directory) as spotted:
        spotted.create_survey(replace(imported.survey, survey_id=survey_id))
        survey = spotted.survey(survey_id)
        check(attempt(lambda: embed_pictures(spotted, survey, imported.pictures, on_progress=on_progress)))
        machine.up()
        assert killed.is_set()
        kept = {d.detection_id for d in survey.detections()}
        assert len(kept) >= acknowledged
        again = embed_pictures(spotted, survey, imported.pictures)
        assert not again.failed
        assert {d.detection_id for d in survey.detections()} == {
            p.detection.detection_id for p in imported.pictures
        }


@pytest.mark.slow
@pytest.mark.parametrize("role", processes.ROLES)
def test_a_process_killed_during_annotation_loses_no_acknowledged_label(
    machine: Machine, imported: ImportedSurvey, embedded: str, role: str
) -> None:
    truth = {p.detection.detection_id: p.detection.individual_id for p in imported.pictures}
    acknowledged: list[str] = []

    def on_answer(submitted: SubmittedLabels) -> None:
        acknowledged.extend(outcome.label.label_id for outcome in submitted.outcomes)
        if len(acknowledged) == 25:
            machine.kill(role)

    with Spotted.local(machine.directory) as spotted:
        survey = spotted.survey(embedded)
        survey.create_session(
            role, strategy="greedy", known_individuals=KnownIndividuals.IGNORED, ask_opposite_flanks=True
        )
        session = survey.session(role)
        check(attempt(lambda: oracle.answer_all(session, truth, limit=60, on_answer=on_answer)))
        machine.up()
        assert len(acknowledged) >= 25
        assert set(acknowledged) <= set(labels(session))
        total = sum(1 for i in truth for j in truth if i < j and truth[i] == truth[j])
        oracle.answer_all(session, truth, until_same_pairs=count_of_share(1.0, total))
        found = {frozenset(i.detection_ids) for i in session.individuals()}
        assert found == {frozenset(d for d in truth if truth[d] == animal) for animal in truth.values()}
        assert set(acknowledged) <= set(labels(session))


def labels(session: SessionHandle) -> dict[str, Label]:
    """The labels in a session's journal."""
    return {label.label_id: label for event in session.events() for label in event.labels}


@pytest.mark.slow
def test_a_store_that_goes_and_comes_back_is_reported_and_then_used_again(
    machine: Machine, embedded: str
) -> None:
    with Spotted.local(machine.directory) as spotted:
        machine.kill("store")
        with pytest.raises(StoreUnavailableError, match=r"does not answer.*start it"):
            spotted.survey(embedded).info()
        machine.up()
        assert spotted.survey(embedded).info().camera_count == 6
