"""Two surveys of the same animals: one in the catalogue, and one with a session that draws on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from services.common.store.store import Store
from services.sampler.catalogue.client import CatalogueClient
from services.sampler.scorer_client import ScorerClient
from services.scorer.__main__ import service as scorer_service
from spotted.catalogue.foreign_ids import read_foreign_id
from spotted.client import SessionHandle, Spotted
from spotted.client.values import Individual, Label
from spotted.constraints.answers import Answer
from spotted.survey import Detection, Survey
from tests.services.sampler.surveys import Sampler
from tests.services.scorer.catalogue.organisation import (
    DAY_S,
    SPEC,
    STARTS_S,
    cameras,
    looks,
    photographs,
    plant,
)
from tests.services.serving import running

HERE, THERE = "2025", "2024"
ANIMALS = 6


@dataclass
class World:
    """Services over a store; the survey `2024` has names, `2025` has none."""

    spotted: Spotted
    sampler: Sampler
    catalogue_client: CatalogueClient

    def session(self, session_id: str = "main", strategy: str = "greedy", **more: object) -> SessionHandle:
        """A session of `2025` that draws on `2024`."""
        settings = {"catalogue_survey_ids": [THERE], "strategy": strategy} | more
        return self.spotted.survey(HERE).create_session(session_id, **settings)  # type: ignore[arg-type] # any

    def entry(self, number: int) -> str:
        """The entry of an animal."""
        (found,) = self.spotted.catalogue().entries(display_name=f"animal-{number}")
        return found.entry_id


@contextmanager
def world(store: Store) -> Iterator[World]:
    """Both surveys, and the names of `2024` as animals of the catalogue."""
    with running(scorer_service(store)) as scorer:
        client, catalogue = ScorerClient(scorer), CatalogueClient(scorer)
        sampler = Sampler(store, client, catalogue)
        with (
            running(sampler.service()) as address,
            Spotted(embedder=scorer, scorer=scorer, sampler=address) as spotted,
        ):
            plant(spotted, THERE)
            start_s = STARTS_S[HERE]
            survey = spotted.create_survey(Survey(HERE, start_s, start_s + 30 * DAY_S, cameras=cameras(HERE)))
            survey.add_detections([*map(unnamed, photographs(HERE))], looks(HERE), SPEC)
            spotted.catalogue().add_known_names(THERE, "anna")
            yield World(spotted, sampler, catalogue)
        client.close()
        catalogue.close()


def unnamed(one: Detection) -> Detection:
    """A photograph of which nobody knows the animal, nor what was beside it."""
    return replace(one, individual_id="", image_id="", encounter_id="")


def animal_of(detection_id: str) -> int:
    """The animal that a detection shows, of either survey."""
    member = read_foreign_id(detection_id)
    return int((member.detection_id if member else detection_id)[1:]) % ANIMALS


def finish(session: SessionHandle) -> list[tuple[str, str]]:
    """Answer every question truly; the pairs that were asked."""
    asked = []
    while pairs := session.next_pairs("anna", count=20).pairs:
        labels = []
        for pair in pairs:
            first, second = pair.first.detection_id, pair.second.detection_id
            same = animal_of(first) == animal_of(second)
            labels.append(Label(first, second, Answer.SAME if same else Answer.DIFFERENT, "anna"))
            asked.append((first, second))
        session.submit_labels(labels)
    return asked


def by_detection(session: SessionHandle) -> dict[str, Individual]:
    """The individual of each detection."""
    return {i: one for one in session.individuals() for i in one.detection_ids}


def same(session: SessionHandle, first: str, second: str) -> None:
    """Answer that two photographs show one animal."""
    session.submit_labels([Label(first, second, Answer.SAME, "anna")])
