"""A small survey with everything that is awkward in one, and how it gets into a scorer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import grpc
import numpy as np

from spotted import messages
from spotted.arrays import Float32Array
from spotted.client.calls import our_errors
from spotted.survey import Camera, Detection, ImageBox, Side
from spotted.v1 import scorer_pb2 as pb
from spotted.v1 import survey_pb2
from spotted.v1.scorer_pb2_grpc import ScorerServiceStub

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")

DIMENSION = 8
DAY_S = 86_400.0
START_S = 1_700_000_000.0
END_S = START_S + 30 * DAY_S
SPEC = survey_pb2.EmbeddingSpec(backbone_digest="b" * 64, preprocessing_digest="c" * 64, dimension=DIMENSION)
CAMERAS = (
    Camera("CAM01", 0.0, 0.0, START_S, END_S),
    Camera("CAM02", 3_000.0, 4_000.0, START_S, END_S, location_uncertainty_m=100.0),
    Camera("CAM03", 9_000.0, 0.0, START_S, None, clock_suspect=True),
    # its position is unknown
    Camera("CAM04", start_s=START_S, end_s=END_S),
)


def detections(count: int, seed: int = 0) -> list[Detection]:
    """Detections at all cameras and at none, some without time, some two in one image."""
    rng = np.random.default_rng(seed)
    cameras = ("CAM01", "CAM02", "CAM03", "CAM04", "")
    return [
        Detection(
            detection_id=f"d{number:04}",
            camera_id=cameras[rng.integers(len(cameras))],
            captured_at_s=None if rng.random() < 0.1 else START_S + float(rng.integers(0, 40)) * 50_000.0,
            image_id=f"image-{rng.integers(5)}" if rng.random() < 0.3 else "",
            side=Side(int(rng.integers(0, 4))),
            encounter_id=f"encounter-{rng.integers(6)}" if rng.random() < 0.5 else "",
            individual_id=f"leopard-{rng.integers(4)}" if rng.random() < 0.5 else "",
            image_uri=f"file:///photos/{number}.jpg",
            box=(None, ImageBox(0.1, 0.2, 0.3, 0.4), ImageBox(7.0, 9.0, 90.0, 50.0, in_pixels=True))[
                number % 3
            ],
            species=("", "Panthera pardus", "Acinonyx jubatus")[number // 2 % 3],
        )
        for number in rng.permutation(count)
    ]


def vectors(count: int, seed: int = 0) -> Float32Array:
    """Vectors (count, DIMENSION), not of unit length; some are equal, so that scores tie."""
    rng = np.random.default_rng(seed + 1)
    looks = rng.normal(size=(max(1, count // 2), DIMENSION)) * 3.0
    return looks[rng.integers(0, len(looks), count)].astype(np.float32)


class Scorer:
    """A channel to a scorer, with the calls that most tests begin with."""

    def __init__(self, address: str) -> None:
        self.channel = grpc.insecure_channel(address)
        self.stub = ScorerServiceStub(self.channel)

    def create(self, survey_id: str, cameras: Sequence[Camera] = CAMERAS) -> survey_pb2.Survey:
        """A survey of thirty days with its cameras."""
        created = self.stub.CreateSurvey(pb.CreateSurveyRequest(survey=new_survey(survey_id))).survey
        if not cameras:
            return created
        return self.upsert(survey_id, *cameras)

    def upsert(self, survey_id: str, *cameras: Camera) -> survey_pb2.Survey:
        """Add or replace cameras."""
        wanted = [messages.camera_message(c) for c in cameras]
        return self.stub.UpsertCameras(pb.UpsertCamerasRequest(survey_id=survey_id, cameras=wanted)).survey

    def add(
        self, survey_id: str, added: Sequence[Detection], embeddings: Float32Array, *, chunk: int = 100
    ) -> pb.AddDetectionsResponse:
        """Add detections in messages of `chunk`."""
        return self.stub.AddDetections(
            add_request(survey_id, added[i : i + chunk], embeddings[i : i + chunk])
            for i in range(0, len(added), chunk)
        )

    def plant(self, survey_id: str, count: int, seed: int = 0) -> tuple[list[Detection], Float32Array]:
        """Create a survey and add `count` detections."""
        self.create(survey_id)
        added, embeddings = detections(count, seed), vectors(count, seed)
        answer = self.add(survey_id, added, embeddings)
        assert (answer.added, list(answer.rejected)) == (count, [])
        return added, embeddings

    def candidates(self, survey_id: str, top_k: int = 5, **asked: object) -> list[pb.CandidateList]:
        """All lists of one stream."""
        request = pb.GetCandidatesRequest(survey_id=survey_id, top_k=top_k, **asked)  # type: ignore[arg-type] # fields by name
        return [one for answer in self.stub.GetCandidates(request) for one in answer.lists]


def new_survey(survey_id: str, **fields: object) -> survey_pb2.Survey:
    """The survey to create; `fields` replace the default ones."""
    survey = survey_pb2.Survey(
        survey_id=survey_id,
        display_name="Kruger, dry season",
        start_time=messages.timestamp(START_S),
        end_time=messages.timestamp(END_S),
    )
    survey.MergeFrom(survey_pb2.Survey(**fields))  # type: ignore[arg-type] # fields by name
    return survey


def add_request(
    survey_id: str,
    added: Sequence[Detection],
    embeddings: Float32Array,
    spec: survey_pb2.EmbeddingSpec = SPEC,
) -> pb.AddDetectionsRequest:
    """One message of AddDetections."""
    return pb.AddDetectionsRequest(
        survey_id=survey_id,
        spec=spec,
        detections=[messages.detection_message(d) for d in added],
        embeddings=messages.tensor(embeddings),
    )


def ask(call: Callable[[RequestT], ResponseT], request: RequestT) -> ResponseT:
    """The answer to one call, or the error that the scorer raised."""
    with our_errors("scorer"):
        return call(request)
