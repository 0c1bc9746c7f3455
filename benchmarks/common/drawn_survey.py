"""A simulated survey with drawn embeddings, and how it comes into a scorer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from spotted import messages
from spotted.arrays import Float32Array
from spotted.simulation.survey import Shot, SimulationParams, simulate_survey
from spotted.survey import Detection, Survey
from spotted.v1 import scorer_pb2 as pb
from spotted.v1 import scorer_pb2_grpc, survey_pb2

DETECTIONS_AN_ANIMAL, DETECTIONS_A_CAMERA = 30, 220
# an animal takes as much room as in the simulation's own survey
ANIMALS_A_SQUARE_KM = 0.6
DAYS = 120
BLOCK = 1000


@dataclass(frozen=True, slots=True)
class Drawn:
    """A survey of detections whose animals are known.

    animals: the number of the animal of each detection. embeddings: (n, D) unit rows.
    """

    survey: Survey
    detections: Sequence[Detection]
    animals: Sequence[int]
    embeddings: Float32Array


def usual_params(count: int) -> SimulationParams:
    """A survey of about `count` detections of animals that are seen often."""
    animals = max(2, count // DETECTIONS_AN_ANIMAL)
    return SimulationParams(
        animals=animals,
        cameras=max(9, count // DETECTIONS_A_CAMERA),
        detections=count,
        days=DAYS,
        width_km=float(np.sqrt(animals / ANIMALS_A_SQUARE_KM)),
    )


def drawn(params: SimulationParams, dimension: int, *, seed: int = 0) -> Drawn:
    """Detections of animals with home ranges, in bursts, at cameras on a jittered grid."""
    rng = np.random.default_rng(seed)
    simulated = simulate_survey(params, rng, survey_id="benchmark")
    shots = simulated.shots
    return Drawn(
        simulated.survey,
        [shot.detection for shot in shots],
        [shot.animal for shot in shots],
        _embeddings(shots, params.animals, dimension, rng),
    )


def fill(stub: scorer_pb2_grpc.ScorerServiceStub, known: Drawn) -> None:
    """Create the survey with its cameras and detections. Raises RuntimeError for a rejected one."""
    survey = known.survey
    created = survey_pb2.Survey(
        survey_id=survey.survey_id,
        start_time=messages.timestamp(survey.start_s),
        end_time=messages.timestamp(survey.end_s),
    )
    stub.CreateSurvey(pb.CreateSurveyRequest(survey=created))
    cameras = [messages.camera_message(camera) for camera in survey.cameras.values()]
    stub.UpsertCameras(pb.UpsertCamerasRequest(survey_id=survey.survey_id, cameras=cameras))
    added = stub.AddDetections(_requests(known))
    if added.added != len(known.detections):
        raise RuntimeError(f"{added.added} of {len(known.detections)} were stored: {added.rejected[:1]}")


def _requests(known: Drawn) -> Iterator[pb.AddDetectionsRequest]:
    dimension = known.embeddings.shape[1]
    spec = survey_pb2.EmbeddingSpec(
        backbone_digest="b" * 64, preprocessing_digest="p" * 64, dimension=dimension
    )
    for start in range(0, len(known.detections), BLOCK):
        rows = slice(start, start + BLOCK)
        yield pb.AddDetectionsRequest(
            survey_id=known.survey.survey_id,
            spec=spec,
            detections=[messages.detection_message(one) for one in known.detections[rows]],
            embeddings=messages.tensor(known.embeddings[rows]),
        )


def _embeddings(
    shots: Sequence[Shot], animals: int, dimension: int, rng: np.random.Generator
) -> Float32Array:
    """Unit rows (n, D): vectors of animals, flanks, cameras and encounters, with noise, added up."""
    encounters = {i: row for row, i in enumerate(sorted({s.detection.encounter_id for s in shots}))}
    cameras = {i: row for row, i in enumerate(sorted({s.detection.camera_id for s in shots}))}
    common = rng.standard_normal(dimension)
    columns = (
        (0.55, animals, [s.animal for s in shots]),
        (0.55, 2 * animals, [2 * s.animal + int(s.detection.side) % 2 for s in shots]),
        (0.30, len(cameras), [cameras[s.detection.camera_id] for s in shots]),
        (0.35, len(encounters), [encounters[s.detection.encounter_id] for s in shots]),
    )
    looks = 0.5 * common + 0.45 * rng.standard_normal((len(shots), dimension))
    for weight, kinds, of in columns:
        looks += weight * rng.standard_normal((kinds, dimension))[of]
    return np.asarray(looks / np.linalg.norm(looks, axis=1, keepdims=True), dtype=np.float32)
