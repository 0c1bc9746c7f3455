"""Options that set up a session: strategy, trust, known individuals, and which detections are asked about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import click

from spotted.client import CandidateFilter, SessionHandle, SurveyHandle
from spotted.console import EnumChoice
from spotted.constraints import Trust
from spotted.errors import NotFoundError, PreconditionError
from spotted.facts import KnownIndividuals

# the sampler's default first; the names are fixed here because importing the strategies takes seconds
STRATEGIES = ("learned", "confspal", "spal", "mean-linkage", "greedy", "greedy-visual", "random")

CommandT = TypeVar("CommandT", bound=Callable[..., object])


class Instant(click.ParamType[float]):
    """A time with its offset, as UTC seconds since 1970."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The instant of a text in ISO 8601."""
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a time; write e.g. 2026-05-01T00:00+02:00", param, ctx)
        if at.tzinfo is None:
            self.fail(f"{value!r} has no offset from UTC; write e.g. {value}+02:00 or {value}Z", param, ctx)
        return at.timestamp()


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """The settings given on the command line; None or empty for those left out."""

    strategy: str | None = None
    trust: Trust | None = None
    known: KnownIndividuals | None = None
    seed: int | None = None
    retrain: bool = False
    cameras: tuple[str, ...] = ()
    captured_from: float | None = None
    captured_before: float | None = None
    known_only: bool = False
    exclude: tuple[str, ...] = ()
    other_encounters: bool = False
    opposite_flanks: bool = False
    catalogue: bool = False

    @property
    def only(self) -> CandidateFilter:
        """The detections to ask about."""
        return CandidateFilter(
            exclude_same_encounter=self.other_encounters,
            camera_ids=self.cameras,
            captured_from_s=self.captured_from,
            captured_before_s=self.captured_before,
            known_individuals_only=self.known_only,
            exclude_individual_ids=self.exclude,
        )

    def create(self, survey: SurveyHandle, session_id: str) -> SessionHandle:
        """Create a session with these settings. Raises AlreadyExistsError for one with others."""
        return survey.create_session(
            session_id,
            strategy=self.strategy or "",
            trust=self.trust,
            seed=self.seed or 0,
            retrain=self.retrain,
            known_individuals=self.known,
            only=self.only,
            ask_opposite_flanks=self.opposite_flanks,
            catalogue_survey_ids=self._surveys(survey),
        )

    def _surveys(self, survey: SurveyHandle) -> list[str]:
        """The surveys to draw on. Raises PreconditionError if the catalogue has no other one."""
        found = survey.catalogued_surveys() if self.catalogue else []
        if self.catalogue and not found:
            raise PreconditionError(
                "the catalogue has no animal of another survey; add some with `spotted catalogue add` first"
            )
        return found

    def open(self, survey: SurveyHandle, session_id: str) -> SessionHandle:
        """The session; an existing one continues as it is if no setting was given."""
        session = survey.session(session_id)
        if self == SessionSettings():
            try:
                session.info()
            except NotFoundError:
                # created below with the defaults
                pass
            else:
                return session
        return self.create(survey, session_id)


_OPTIONS = (
    click.option(
        "--strategy",
        type=click.Choice(STRATEGIES),
        show_default=STRATEGIES[0],
        help="Strategy that selects the questions.",
    ),
    click.option(
        "--trust",
        type=EnumChoice(Trust),
        show_default="single",
        help="single: one answer decides; verified: answers are evidence and get checked.",
    ),
    click.option(
        "--known",
        type=EnumChoice(KnownIndividuals),
        show_default="believed",
        help="Names in the survey. believed: one name is one animal, two names are two; suggested: pairs of "
        "one name are only asked first; ignored: not used.",
    ),
    click.option("--retrain", is_flag=True, help="Retrain the scores on the answers (confspal, spal)."),
    click.option(
        "--seed",
        type=int,
        show_default="0",
        help="Random seed; the same seed and answers give the same questions.",
    ),
    click.option("--camera", "cameras", multiple=True, help="Ask only about this camera; repeatable."),
    click.option("--from", "captured_from", type=Instant(), help="Ask only from this time on."),
    click.option("--before", "captured_before", type=Instant(), help="Ask only before this time."),
    click.option("--known-only", is_flag=True, help="Ask only pairs with a named animal."),
    click.option("--exclude", multiple=True, metavar="NAME", help="Leave out this animal; repeatable."),
    click.option("--other-encounters", is_flag=True, help="Leave out pairs of one encounter."),
    click.option(
        "--catalogue",
        is_flag=True,
        help="Also ask which animals of the catalogue, in other surveys, the photographs show.",
    ),
    click.option("--opposite-flanks", is_flag=True, help="Also ask pairs of a left and a right flank."),
)


def settings_options(command: CommandT) -> CommandT:
    """Add the options of `SessionSettings`, which are its fields."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
