"""Photographs into a survey: embed what is not stored yet, store it block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import numpy as np

from spotted.client.embedding_messages import MAX_PARTS
from spotted.client.local_features.extraction import LocalExtraction
from spotted.client.spotted import Spotted
from spotted.client.survey_handle import SurveyHandle
from spotted.client.values.embedding import Crop, CropPart, Embedded, Preparation
from spotted.errors import InvalidInputError
from spotted.formats.image_kinds import read_sendable
from spotted.formats.picture import Picture
from spotted.survey import Detection, ImageBox

# an interrupted run loses at most this many embeddings, and never a stored detection
BLOCK = 64
# all fields of a detection but its id
CORRECTED = tuple(one.name for one in fields(Detection) if one.name != "detection_id")


@dataclass(slots=True)
class Intake:
    """The result of embedding pictures into a survey."""

    added: int = 0
    """Detections newly stored."""
    unchanged: int = 0
    """Detections that were already stored."""
    updated: int = 0
    """Stored detections that have another image in the files, embedded again and corrected."""
    local: int = 0
    """Detections whose local features were stored, or stored again."""
    failed: list[tuple[str, str]] = field(default_factory=list)
    """Id of each detection that was not stored, with the reason."""


def embed_pictures(
    spotted: Spotted,
    survey: SurveyHandle,
    pictures: Sequence[Picture],
    *,
    model_id: str = "",
    preparation: Preparation | None = None,
    local: LocalExtraction | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Intake:
    """Embed the pictures that the survey does not hold yet, or holds with another image, and store them.

    Pictures of one file are read, sent and decoded once.
    May be stopped at any time: what was stored stays, and the next run continues from there.
    model_id, preparation: as in `Spotted.embed`. local: also extract and store local features of the pictures
    that have none in the survey; None for none.
    on_progress: called with the number of pictures done since the last call.
    """
    images = {d.detection_id: _image(d) for d in survey.detections()}
    # other differences need no new vector: the import corrects them
    outdated = {
        p.detection.detection_id for p in pictures if images.get(p.detection.detection_id) != _image(boxed(p))
    }
    lacking = outdated if local is None else outdated | local.lacking(survey, images)
    waiting = {p.detection.detection_id: p for p in pictures if p.detection.detection_id in lacking}
    intake = Intake(unchanged=sum(p.detection.detection_id not in outdated for p in pictures))
    on_progress(len(pictures) - len(waiting))
    block: list[tuple[Detection, Embedded]] = []
    unread: list[tuple[str, str]] = []
    crops = read_crops(list(waiting.values()), unread)
    for embedded in spotted.embed(
        crops,
        model_id=model_id,
        survey_id=survey.survey_id,
        preparation=preparation,
        local_method=local.method if local else "",
    ):
        picture = waiting[embedded.crop_id]
        if embedded.vector is None:
            intake.failed.append((embedded.crop_id, f"{picture.path}: {embedded.error}"))
            on_progress(1)
        else:
            block.append((boxed(picture), embedded))
        if len(block) == BLOCK:
            _store_all(survey, block, images, intake, local)
            on_progress(len(block))
            block = []
    if block:
        _store_all(survey, block, images, intake, local)
        on_progress(len(block))
    intake.failed += unread
    on_progress(len(unread))
    return intake


def boxed(picture: Picture) -> Detection:
    """The detection with the box of its picture."""
    box = ImageBox(*picture.box) if picture.box else None
    return replace(picture.detection, box=box)


def read_crops(pictures: Sequence[Picture], unread: list[tuple[str, str]]) -> Iterator[Crop]:
    """The crops of pictures that can be read, those of one file together; the others go to `unread`."""
    for path, together in by_file(pictures):
        ids = [picture.detection.detection_id for picture in together]
        if path is None:
            unread += [(detection_id, "it has no photograph") for detection_id in ids]
            continue
        try:
            image = read_sendable(path)
        except OSError as error:
            reason = f"{path} cannot be read: {error.strerror or error}"
            unread += [(detection_id, reason) for detection_id in ids]
            continue
        except InvalidInputError as error:
            unread += [(detection_id, f"{path}: {error}") for detection_id in ids]
            continue
        first, *others = (CropPart(i, picture.box) for i, picture in zip(ids, together, strict=True))
        yield Crop(first.crop_id, image, first.box, others=tuple(others))


def by_file(pictures: Sequence[Picture]) -> Iterator[tuple[Path | None, list[Picture]]]:
    """The pictures by their files, in the order of the first of each; as many as one message may have."""
    files: dict[Path | None, list[Picture]] = {}
    for picture in pictures:
        files.setdefault(picture.path, []).append(picture)
    for path, shown in files.items():
        for start in range(0, len(shown), MAX_PARTS):
            yield path, shown[start : start + MAX_PARTS]


def _image(detection: Detection) -> tuple[str, ImageBox | None]:
    return detection.image_id, detection.box


def _store_all(
    survey: SurveyHandle,
    block: Sequence[tuple[Detection, Embedded]],
    images: Mapping[str, object],
    intake: Intake,
    local: LocalExtraction | None,
) -> None:
    """Add the new detections and correct the others. images: those of the stored detections."""
    changed = [each for each in block if images.get(each[0].detection_id) != _image(each[0])]
    stored = [each for each in changed if each[0].detection_id in images]
    new = [each for each in changed if each[0].detection_id not in images]
    if stored:
        _correct(survey, stored, intake)
    if new:
        _store(survey, new, intake)
    if local:
        rejected = {detection_id for detection_id, _ in intake.failed}
        kept = [each for _, each in block if each.crop_id not in rejected]
        intake.local += local.store(survey, kept, intake.failed)


def _correct(survey: SurveyHandle, block: Sequence[tuple[Detection, Embedded]], intake: Intake) -> None:
    vectors = np.stack([e.vector for _, e in block if e.vector is not None])
    result = survey.update_detections(
        [d for d, _ in block], CORRECTED, embeddings=vectors, spec=block[0][1].spec
    )
    intake.updated += result.updated
    intake.failed += [(r.detection_id, r.message) for r in result.rejected]


def _store(survey: SurveyHandle, block: Sequence[tuple[Detection, Embedded]], intake: Intake) -> None:
    vectors = np.stack([e.vector for _, e in block if e.vector is not None])
    result = survey.add_detections([d for d, _ in block], vectors, block[0][1].spec)
    intake.added += result.added
    intake.unchanged += result.unchanged
    intake.failed += [(r.detection_id, r.message) for r in result.rejected]
