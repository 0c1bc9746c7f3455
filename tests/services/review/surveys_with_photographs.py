"""A survey of drawn photographs with positions in their headers, and the review page over real services."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from starlette.testclient import TestClient

from services.common.access.guard import Guard
from services.common.access.tokens import KnownCallers, Tokens
from services.common.settings import Security
from services.common.store.store import Store
from services.review.server import application
from services.review.settings import ReviewSettings
from services.sampler.scorer_client import ScorerClient
from services.scorer.__main__ import service as scorer_service
from spotted.client import EmbeddingSpec, Spotted, SurveyHandle
from spotted.client.credentials import Credentials
from spotted.facts import KnownIndividuals
from spotted.formats.layouts.recognition import PHOTOGRAPHS
from spotted.formats.sources import Source, remember
from spotted.local import review_keys
from spotted.local.review_keys import Opened
from spotted.survey import Camera, Detection, ImageBox, Side, Survey
from spotted.v1 import access_pb2
from tests.services.sampler.surveys import in_process as sampler_service
from tests.services.serving import running

BASE = "http://127.0.0.1:7104"
SPEC = EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=8)
COUNT, ANIMALS = 12, 4
# two photographs of one encounter, which are of one animal
ENCOUNTERS = 1
# numbers that occur nowhere else: whoever sees them has seen a coordinate
EASTING, NORTHING = 352_147.0, 9_871_093.0
LATITUDE, LONGITUDE = (1, 10, 52.25), (35, 39, 17.75)
SIZE = (80, 60)
ORIENTATION, GPS = 0x0112, 0x8825
ZONE = "Africa/Nairobi"


def photograph(number: int, *, orientation: int = 1, size: tuple[int, int] = SIZE) -> bytes:
    """A JPEG as a camera writes it: a position, a maker, an orientation."""
    rng = np.random.default_rng(number)
    image = Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[0x010F] = "MAKER-OF-CAMERAS"
    exif[GPS] = {1: "S", 2: LATITUDE, 3: "E", 4: LONGITUDE}
    written = io.BytesIO()
    image.save(written, "JPEG", exif=exif, comment=b"KEEP-ME-SECRET", quality=95)
    return written.getvalue()


def detections(folder: Path) -> list[Detection]:
    """Twelve photographs of four animals at three cameras; the last two share an image."""
    found = [
        Detection(
            f"cam/d{n:02}",
            f"c{n % 3}",
            1_700_000_000.0 + n * 5000.0,
            image_id=f"IMG_{n:04}",
            side=(Side.LEFT, Side.RIGHT, Side.UNKNOWN)[n % 3],
            encounter_id="e1" if n < 2 else "",
            image_uri=str(folder / f"c{n % 3}" / f"IMG_{n:04}.JPG"),
            box=ImageBox(0.25, 0.25, 0.5, 0.5),
        )
        for n in range(COUNT)
    ]
    same = replace(found[-1], image_id=found[-2].image_id, image_uri=found[-2].image_uri)
    return [*found[:-1], same]


def cameras() -> dict[str, Camera]:
    """Three cameras, the second 5 km from the first."""
    places = ((0.0, 0.0), (3200.0, 4300.0), (-150.0, 900.0))
    return {f"c{n}": Camera(f"c{n}", EASTING + x, NORTHING + y) for n, (x, y) in enumerate(places)}


def vectors() -> np.ndarray:
    rng = np.random.default_rng(0)
    look = rng.normal(size=(ANIMALS, 8))
    return np.asarray(look[np.arange(COUNT) % ANIMALS] + 0.3 * rng.normal(size=(COUNT, 8)), np.float32)


@dataclass
class Page:
    """A review page over real services, and the survey that it shows."""

    client: TestClient
    """A browser without a person."""
    spotted: Spotted
    """The services."""
    directory: Path
    """The data directory."""
    survey_id: str
    folder: Path
    """The photographs."""
    tokens: dict[str, str] = field(default_factory=dict)
    """Tokens by role, on a page with tokens."""

    @property
    def survey(self) -> SurveyHandle:
        return self.spotted.survey(self.survey_id)

    @property
    def session(self) -> str:
        """The path of the session `main`."""
        return f"/api/surveys/{self.survey_id}/sessions/main"

    def browser(self, annotator: str = "anna", token: str = "") -> TestClient:
        """Another browser, in which a person is logged in."""
        client = TestClient(self.client.app, base_url=str(self.client.base_url))
        # the application runs in the first one
        client.portal = self.client.portal
        if token:
            given = {"token": token, "annotator": annotator}
        else:
            given = {"key": review_keys.make(self.directory, Opened(annotator, self.survey_id, "main"))}
        response = client.post("/api/login", json=given)
        assert response.status_code == 200, response.text
        return client

    def image(self, detection_id: str) -> str:
        return f"/img/{self.survey_id}/{detection_id}"

    def next(self, browser: TestClient, **wanted: object) -> Any:  # noqa: ANN401 - JSON
        response = browser.post(f"{self.session}/next", json=wanted)
        assert response.status_code == 200, response.text
        return response.json()


@contextmanager
def local_page(store: Store, survey_id: str, root: Path, **settings: Any) -> Iterator[Page]:  # noqa: ANN401 - of ReviewSettings
    """The page of one machine: no tokens, one-time keys."""
    with running(scorer_service(store)) as scorer:
        reading = ScorerClient(scorer)
        with running(sampler_service(store, reading)) as sampler:
            yield from _page(store, (scorer, sampler), survey_id, root, Credentials(), settings)
        reading.close()


@contextmanager
def shared_page(store: Store, survey_id: str, root: Path, **settings: Any) -> Iterator[Page]:  # noqa: ANN401 - of ReviewSettings
    """The page of several people with tokens of one organisation."""
    tokens = Tokens(store)
    file = root / "token"
    file.write_text(tokens.create(organisation="", role=access_pb2.ROLE_SERVICE)[1])
    organisation = survey_id.replace("-", "")
    made = {
        name: tokens.create(organisation=organisation, role=role)[1]
        for name, role in (
            ("read", access_pb2.ROLE_READ),
            ("annotate", access_pb2.ROLE_ANNOTATE),
            ("admin", access_pb2.ROLE_ADMIN),
        )
    }
    made["stranger"] = tokens.create(organisation=f"other{organisation}", role=access_pb2.ROLE_ADMIN)[1]
    with ExitStack() as opened:
        guard = Guard(KnownCallers(Tokens(store)))
        scorer = opened.enter_context(running(scorer_service(store), guard=guard))
        reading = ScorerClient(scorer, Security(tokens=True, token_file=file))
        opened.callback(reading.close)
        guard = Guard(KnownCallers(Tokens(store)))
        sampler = opened.enter_context(running(sampler_service(store, reading), guard=guard))
        credentials = Credentials(made["admin"])
        settings = {"tokens": True, "hosts": ("127.0.0.1:7104",), **settings}
        for page in _page(store, (scorer, sampler), survey_id, root, credentials, settings):
            page.tokens.update(made)
            yield page


def _page(
    store: Store,
    addresses: tuple[str, str],
    survey_id: str,
    root: Path,
    credentials: Credentials,
    settings: dict[str, Any],
) -> Iterator[Page]:
    assert store.url
    scorer, sampler = addresses
    folder, data, static = root / "photographs", root / "data", root / "static"
    with Spotted(embedder=scorer, scorer=scorer, sampler=sampler, credentials=credentials) as spotted:
        survey = spotted.create_survey(
            Survey(
                survey_id,
                1_699_999_000.0,
                1_700_100_000.0,
                "a name",
                cameras(),
                time_zone=ZONE,
            )
        )
        shown = detections(folder)
        for number, detection in enumerate(shown):
            path = Path(detection.image_uri)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(photograph(number))
        survey.add_detections(shown, vectors(), SPEC)
        survey.create_session("main", strategy="greedy", known_individuals=KnownIndividuals.IGNORED)
        name = survey.info().uid if settings.get("tokens") else survey_id
        remember(data, name, Source(package=str(folder), layout=PHOTOGRAPHS))
        (static / "assets").mkdir(parents=True, exist_ok=True)
        (static / "index.html").write_text("<title>a page</title>")
        (static / "assets" / "page-1a2b.js").write_text("1")
        chosen = ReviewSettings(embedder=scorer, scorer=scorer, sampler=sampler, directory=data, **settings)
        with TestClient(application(chosen, static=static), base_url=BASE) as client:
            yield Page(client, spotted, data, survey_id, folder)
