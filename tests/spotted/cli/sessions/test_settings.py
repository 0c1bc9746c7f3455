from __future__ import annotations

from datetime import UTC, datetime

import click
import pytest
from click.testing import CliRunner

from spotted.cli.sessions.settings import Instant, SessionSettings, settings_options
from spotted.client import CandidateFilter
from spotted.constraints import Trust
from spotted.errors import AlreadyExistsError, PreconditionError
from spotted.facts import KnownIndividuals
from spotted.testing import fake_services
from tests.services.scorer.catalogue.organisation import animal, plant
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import DETECTIONS, SPEC, survey, vectors


def parsed(*arguments: str) -> SessionSettings:
    found: list[SessionSettings] = []

    @click.command()
    @settings_options
    def command(**settings: object) -> None:
        found.append(SessionSettings(**settings))  # type: ignore[arg-type] # its fields

    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.stderr
    return found[0]


def test_every_option_is_a_field_and_none_is_given_by_default() -> None:
    assert parsed() == SessionSettings()
    given = parsed(
        *("--strategy", "greedy", "--trust", "verified", "--known", "suggested", "--seed", "3", "--retrain"),
        *(
            "--camera",
            "a",
            "--camera",
            "b",
            "--from",
            "2026-05-01T00:00Z",
            "--before",
            "2026-05-02T02:00+02:00",
        ),
        *("--known-only", "--exclude", "Mvula", "--other-encounters", "--opposite-flanks", "--catalogue"),
    )
    day = datetime(2026, 5, 1, tzinfo=UTC).timestamp()
    assert (given.strategy, given.trust, given.known) == (
        "greedy",
        Trust.VERIFIED,
        KnownIndividuals.SUGGESTED,
    )
    assert (given.seed, given.retrain, given.opposite_flanks, given.catalogue) == (3, True, True, True)
    assert given.only == CandidateFilter(
        exclude_same_encounter=True,
        camera_ids=("a", "b"),
        captured_from_s=day,
        captured_before_s=day + 86_400.0,
        known_individuals_only=True,
        exclude_individual_ids=("Mvula",),
    )


@pytest.mark.parametrize(("text", "words"), [("yesterday", "is not a time"), ("2026-05-01", "has no offset")])
def test_a_time_without_a_day_or_an_offset_is_refused(text: str, words: str) -> None:
    with pytest.raises(click.BadParameter, match=words):
        Instant().convert(text, None, None)


def test_a_session_goes_on_as_it_is_or_is_created(machine: Machine, survey_id: str) -> None:
    handle = machine.spotted.create_survey(survey(survey_id))
    handle.add_detections(DETECTIONS, vectors(), SPEC)
    settings = SessionSettings(known=KnownIndividuals.IGNORED, cameras=("c0",))
    created = settings.create(handle, "main").info()
    assert (created.known_individuals, created.only.camera_ids) == (KnownIndividuals.IGNORED, ("c0",))
    assert SessionSettings().open(handle, "main").info() == created
    with pytest.raises(AlreadyExistsError, match="another known_individuals and filter"):
        SessionSettings(seed=0).open(handle, "main")
    assert SessionSettings().open(handle, "new").info().known_individuals is KnownIndividuals.BELIEVED


def test_a_session_draws_on_the_surveys_of_the_catalogue() -> None:
    with fake_services() as spotted:
        for survey_id in ("2024", "2025", "plane"):
            plant(spotted, survey_id)
        with pytest.raises(PreconditionError, match="no animal of another survey"):
            SessionSettings(catalogue=True).create(spotted.survey("2025"), "main")
        for survey_id in ("2024", "2025"):
            spotted.catalogue().add(survey_id, [animal("Sita", "d00")], "anna")
        made = SessionSettings(catalogue=True).create(spotted.survey("2025"), "main")
        assert made.info().catalogue_survey_ids == ("2024",)
