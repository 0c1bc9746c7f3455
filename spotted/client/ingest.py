"""Photographs into a survey: embed what is not stored yet, store it block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from spotted.client import Crop, Embedded, Spotted
from spotted.formats.picture import Picture
from spotted.survey import Detection
from spotted.v1 import embedder_pb2

# an interrupted run loses at most so many embeddings, and never a stored detection
BLOCK = 64


@dataclass(slots=True)
class Intake:
    """What became of the pictures. `failed` tells of each detection that was not stored, and why."""

    added: int = 0
    unchanged: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)


def embed_pictures(
    spotted: Spotted,
    survey_id: str,
    pictures: Sequence[Picture],
    *,
    model_id: str = "",
    preparation: embedder_pb2.Preparation | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> Intake:
    """Embed the pictures that the survey does not hold yet, and store them.

    May be stopped at any time: what was stored stays, the next run goes on from there.
    model_id, preparation: as of `Spotted.embed`.
    told: called with the number of pictures that are done since the last call.
    """
    stored = {d.detection_id for d in spotted.detections(survey_id)}
    intake = Intake(unchanged=sum(p.detection.detection_id in stored for p in pictures))
    told(intake.unchanged)
    waiting = {p.detection.detection_id: p for p in pictures if p.detection.detection_id not in stored}
    block: list[tuple[Detection, Embedded]] = []
    unread: list[tuple[str, str]] = []
    crops = _crops(list(waiting.values()), unread)
    for embedded in spotted.embed(crops, model_id=model_id, survey_id=survey_id, preparation=preparation):
        detection = waiting[embedded.crop_id].detection
        if embedded.vector is None:
            intake.failed.append((detection.detection_id, embedded.error))
            told(1)
        else:
            block.append((detection, embedded))
        if len(block) == BLOCK:
            _store(spotted, survey_id, block, intake)
            told(len(block))
            block = []
    if block:
        _store(spotted, survey_id, block, intake)
        told(len(block))
    intake.failed += unread
    told(len(unread))
    return intake


def _crops(pictures: Sequence[Picture], unread: list[tuple[str, str]]) -> Iterator[Crop]:
    """The crops of pictures that can be read; the others are noted in `unread`."""
    for picture in pictures:
        detection_id = picture.detection.detection_id
        if picture.path is None:
            unread.append((detection_id, "it has no photograph"))
            continue
        try:
            image = picture.path.read_bytes()
        except OSError as error:
            unread.append((detection_id, f"{picture.path} cannot be read: {error.strerror}"))
            continue
        yield Crop(detection_id, image, picture.box)


def _store(
    spotted: Spotted, survey_id: str, block: Sequence[tuple[Detection, Embedded]], intake: Intake
) -> None:
    vectors = np.stack([e.vector for _, e in block if e.vector is not None])
    answer = spotted.add_detections(survey_id, [d for d, _ in block], vectors, block[0][1].spec)
    intake.added += answer.added
    intake.unchanged += answer.unchanged
    intake.failed += [(r.detection_id, r.error.message) for r in answer.rejected]
