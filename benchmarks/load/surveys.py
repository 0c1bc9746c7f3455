"""The surveys of a load run: sizes from small to large, some much more popular than others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.common.drawn_survey import Drawn, drawn, usual_params
from benchmarks.load.access import Lines
from spotted import messages
from spotted.arrays import Float32Array, Float64Array
from spotted.survey import Detection
from spotted.v1 import scorer_pb2 as pb
from spotted.v1 import survey_pb2

DIMENSION = 256
SMALLEST, LARGEST = 50, 2000
# a block stays under the limit of a message
BLOCK = 1000
STRANGERS = 32
SPEC = survey_pb2.EmbeddingSpec(backbone_digest="b" * 64, preprocessing_digest="p" * 64, dimension=DIMENSION)


@dataclass(frozen=True, slots=True)
class LoadSurvey:
    """A stored survey as a client knows it.

    animals: the animal of each detection. start_s, end_s: its period, UTC seconds.
    looks: (STRANGERS, D) embeddings of its kind, from which those of new photographs are made.
    """

    survey_id: str
    detection_ids: Sequence[str]
    animals: Sequence[int]
    camera_ids: Sequence[str]
    start_s: float
    end_s: float
    looks: Float32Array


def sizes(count: int, largest: int = LARGEST) -> list[int]:
    """Numbers of detections, spread evenly on a logarithmic scale, in random order."""
    spread = np.geomspace(SMALLEST, largest, count).round().astype(int)
    return [int(size) for size in np.random.default_rng(0).permutation(spread)]


def popularity(count: int) -> Float64Array:
    """The chance that a call is about each survey, (count,): Zipf's law with exponent 1."""
    weights = 1.0 / np.arange(1, count + 1)
    chances: Float64Array = weights / weights.sum()
    return chances


async def fill(lines: Lines, wanted: Sequence[int], say: Callable[[str], None]) -> list[LoadSurvey]:
    """Store a survey of each size. Raises RuntimeError for a detection that is not taken."""
    stored = []
    for i, size in enumerate(wanted):
        if i % 20 == 0:
            say(f"storing survey {i + 1} of {len(wanted)}")
        stored.append(await _stored(lines, f"load-{i:03d}", size, seed=i))
    return stored


def blocks(
    survey_id: str, detections: Sequence[Detection], embeddings: Float32Array
) -> Iterator[pb.AddDetectionsRequest]:
    """The messages that bring detections into a survey."""
    for start in range(0, len(detections), BLOCK):
        rows = slice(start, start + BLOCK)
        yield pb.AddDetectionsRequest(
            survey_id=survey_id,
            spec=SPEC,
            detections=[messages.detection_message(one) for one in detections[rows]],
            embeddings=messages.tensor(embeddings[rows]),
        )


async def _stored(lines: Lines, survey_id: str, size: int, *, seed: int) -> LoadSurvey:
    known = drawn(usual_params(size), DIMENSION, seed=seed)
    survey = replace(known.survey, survey_id=survey_id)
    created = survey_pb2.Survey(
        survey_id=survey_id,
        start_time=messages.timestamp(survey.start_s),
        end_time=messages.timestamp(survey.end_s),
    )
    await lines.answer(lines.scorer.CreateSurvey, pb.CreateSurveyRequest(survey=created))
    cameras = [messages.camera_message(camera) for camera in survey.cameras.values()]
    upsert = pb.UpsertCamerasRequest(survey_id=survey_id, cameras=cameras)
    await lines.answer(lines.scorer.UpsertCameras, upsert)
    brought = list(blocks(survey_id, known.detections, known.embeddings))
    added = await lines.sent(lines.scorer.AddDetections, brought)
    if added.added != len(known.detections):
        raise RuntimeError(f"{added.added} of {len(known.detections)} were stored: {added.rejected[:1]}")
    return _known(survey_id, known)


def _known(survey_id: str, known: Drawn) -> LoadSurvey:
    return LoadSurvey(
        survey_id=survey_id,
        detection_ids=tuple(one.detection_id for one in known.detections),
        animals=tuple(known.animals),
        camera_ids=tuple(known.survey.cameras),
        start_s=known.survey.start_s,
        end_s=known.survey.end_s,
        looks=known.embeddings[:STRANGERS].copy(),
    )
