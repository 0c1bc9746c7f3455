"""An organisation with surveys of its own, served by a scorer that checks tokens."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np

from services.common.access.guard import Guard
from services.common.access.tokens import KnownCallers, Tokens
from services.common.store.store import Store
from services.scorer.__main__ import service
from spotted.arrays import Float32Array
from spotted.client import Credentials, EmbeddingSpec, Spotted
from spotted.client.catalogue import CatalogueHandle
from spotted.client.values import CatalogueAddition, Individual
from spotted.survey import Camera, Detection, Side, Survey
from spotted.v1 import access_pb2
from tests.services.serving import running

DIMENSION, DAY_S = 8, 86_400.0
SPEC = EmbeddingSpec("b" * 64, "c" * 64, DIMENSION)
# a season of each survey
STARTS_S = {"2024": 1_700_000_000.0, "2025": 1_730_000_000.0, "plane": 1_715_000_000.0}


@dataclass
class Organisation:
    """Callers of one organisation."""

    name: str
    address: str
    tokens: Tokens
    opened: ExitStack

    def client(
        self,
        surveys: Sequence[str] = (),
        role: access_pb2.Role.ValueType = access_pb2.ROLE_ADMIN,
    ) -> Spotted:
        """A client with a token. surveys: the only ones that it may access."""
        token = self.tokens.create(organisation=self.name, role=role, surveys=surveys)[1]
        here = self.address
        return self.opened.enter_context(
            Spotted(embedder=here, scorer=here, sampler=here, credentials=Credentials(token))
        )


@contextmanager
def organisation(store: Store) -> Iterator[Organisation]:
    """One that nobody else uses."""
    tokens = Tokens(store)
    with (
        ExitStack() as opened,
        running(service(store), guard=Guard(KnownCallers(tokens))) as address,
    ):
        yield Organisation(f"org{uuid.uuid4().hex[:10]}", address, tokens, opened)


def cameras(survey_id: str) -> dict[str, Camera]:
    """Three cameras, in degrees, of the survey `plane` in metres; the last one's place is unknown."""
    if survey_id == "plane":
        return {f"c{n}": Camera(f"c{n}", x_m=1000.0 * n, y_m=0.0) for n in range(3)}
    shift = 0.01 if survey_id == "2025" else 0.0
    placed = {
        f"c{n}": Camera(f"c{n}", latitude_deg=-24.0 + 0.03 * n + shift, longitude_deg=31.5) for n in range(3)
    }
    return {**placed, "nowhere": Camera("nowhere")}


def photographs(survey_id: str, count: int = 24) -> list[Detection]:
    """Photographs of six animals at all cameras and at none, some without a time or a side."""
    rng = np.random.default_rng(len(survey_id) + ord(survey_id[-1]))
    ids = [*cameras(survey_id), ""]
    return [
        Detection(
            f"d{n:02}",
            ids[rng.integers(len(ids))],
            None if rng.random() < 0.1 else STARTS_S[survey_id] + float(rng.integers(1, 30)) * DAY_S / 2,
            image_id=f"i{n // 2}" if n < 6 else "",
            side=Side(int(rng.integers(3))),
            encounter_id=f"e{n // 4}" if n < 16 else "",
            individual_id=f"animal-{n % 6}" if n < 23 else "",
        )
        for n in range(count)
    ]


def looks(survey_id: str, count: int = 24) -> Float32Array:
    """Their vectors; those of one animal are alike in all surveys, some are equal."""
    animals = np.random.default_rng(1).normal(size=(6, DIMENSION))
    rng = np.random.default_rng(ord(survey_id[-1]))
    vectors = animals[np.arange(count) % 6] + 0.4 * rng.normal(size=(count, DIMENSION))
    vectors[count // 2] = vectors[0]
    return vectors.astype(np.float32)


def plant(client: Spotted, survey_id: str, spec: EmbeddingSpec = SPEC) -> list[Detection]:
    """Create a survey with its photographs."""
    start_s = STARTS_S[survey_id]
    survey = client.create_survey(
        Survey(survey_id, start_s, start_s + 30 * DAY_S, cameras=cameras(survey_id))
    )
    added = survey.add_detections(photographs(survey_id), looks(survey_id), spec)
    assert (added.added, added.rejected) == (24, ())
    return photographs(survey_id)


def animal(name: str, *detection_ids: str, entry_id: str = "") -> CatalogueAddition:
    """An animal to add."""
    return CatalogueAddition(Individual("", detection_ids, name), entry_id)


def names(catalogue: CatalogueHandle) -> dict[str, list[str]]:
    """The members of each entry, by its name."""
    return {
        entry.name: [f"{m.survey_id}/{m.detection_id}" for m in entry.members]
        for entry in catalogue.entries()
    }
