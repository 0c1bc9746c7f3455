"""Photographs embedded in blocks, each a file that is complete or absent, and put together as a snapshot."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spotted.arrays import Float32Array, IntArray
from spotted.batch.features import write_features
from spotted.batch.files import PlacedJob, read_arrays, write_arrays
from spotted.batch.snapshot import MANIFEST, SNAPSHOT, Page, write_snapshot
from spotted.batch.survey_files import FiledSurvey, ReadJob, read_back
from spotted.client.ingest import boxed
from spotted.client.values import EmbeddingSpec, LocalFeatureSpec, SurveyInfo
from spotted.errors import PreconditionError
from spotted.formats.picture import Picture
from spotted.scoring.feasibility import FeasibilityParams
from spotted.scoring.similarity import normalise_rows

EMBEDDED = "embedded"
DONE = f"{EMBEDDED}/done.npz"
FAILED = "failed.json"
# photographs of one block: a few seconds of one core
BLOCK = 256


@dataclass(frozen=True, slots=True)
class EmbedJob(PlacedJob):
    """The embedding of one survey's photographs.

    >>> spec = EmbeddingSpec("3f2a", "91cc", dimension=1280)
    >>> job = EmbedJob("/results/ridge", "/surveys/ridge", "0" * 64, 1000, spec, None, "/models", "lite0")
    >>> job.count, job.name(3)
    (4, 'embedded/000003.npz')
    """

    PLACES: ClassVar[tuple[str, ...]] = ("url", "source", "models")

    source: str
    """Folder or URL of the photographs."""
    survey_digest: str
    """Digest of the survey as it was read."""
    pictures: int
    """Number of its detections."""
    spec: EmbeddingSpec
    """How vectors are made."""
    local: LocalFeatureSpec | None
    """How local features are made; None for none."""
    models: str
    """Directory of models, the same on every machine."""
    model_id: str
    """Backbone in it."""
    block: int = BLOCK
    """Number of detections in one block."""

    @property
    def count(self) -> int:
        """Number of blocks."""
        return -(-self.pictures // self.block)

    def name(self, number: int) -> str:
        """File of a block."""
        return f"{EMBEDDED}/{number:06}.npz"


@dataclass(frozen=True, slots=True)
class EmbeddedPicture:
    """A detection that was embedded, or why it was not.

    >>> EmbeddedPicture(error="a.jpg cannot be read").vector is None
    True
    """

    vector: Float32Array | None = None
    """(D,) unit vector."""
    features: bytes = b""
    """Local features; empty if none were asked for."""
    error: str = ""
    """Why it has no vector."""


def pictures_of(job: EmbedJob, filed: FiledSurvey, number: int) -> Sequence[Picture]:
    """The detections of a block. Raises PreconditionError if the survey was read again since."""
    if filed.digest != job.survey_digest:
        raise PreconditionError(f"{job.url} changed during the batch; run the command again")
    return filed.pictures[number * job.block : (number + 1) * job.block]


def write_block(job: EmbedJob, number: int, embedded: Sequence[EmbeddedPicture]) -> None:
    """Write the results of a block, in the order of its detections."""
    vectors = np.zeros((len(embedded), job.spec.dimension), np.float32)
    for row, each in enumerate(embedded):
        if each.vector is not None:
            vectors[row] = each.vector
    write_arrays(
        job,
        job.name(number),
        vectors=vectors,
        errors=np.array(json.dumps([each.error for each in embedded])),
        features=np.frombuffer(b"".join(each.features for each in embedded), np.uint8),
        lengths=np.array([len(each.features) for each in embedded], np.int64),
    )


def read_block(job: EmbedJob, number: int) -> list[EmbeddedPicture] | None:
    """A finished block; None if it is absent or damaged. Raises PreconditionError for another job's."""
    found = read_arrays(job, job.name(number))
    if found is None:
        return None
    ends = np.cumsum([0, *found["lengths"].tolist()]).tolist()
    features = found["features"].tobytes()
    return [
        EmbeddedPicture(None if error else vector, features[ends[row] : ends[row + 1]], error)
        for row, (vector, error) in enumerate(
            zip(found["vectors"], json.loads(str(found["errors"])), strict=True)
        )
    ]


def unembedded(job: EmbedJob) -> list[int]:
    """The numbers of the blocks that are absent or damaged. Raises PreconditionError for another job's."""
    return [number for number in range(job.count) if read_block(job, number) is None]


def is_assembled(job: EmbedJob) -> bool:
    """Whether the blocks were put together. Raises PreconditionError for another job's."""
    return read_arrays(job, DONE) is not None


def assemble(job: EmbedJob, read: ReadJob) -> None:
    """Put the blocks together: the snapshot that the scorer would give, its features, and the failures.

    Raises PreconditionError if a block is missing, or no photograph could be used.
    """
    filed = read_back(read)
    failed, featured = list[dict[str, str]](), 0
    for picture, each in _each(job, filed):
        featured += bool(each.features)
        if each.error:
            failed.append({"detection_id": picture.detection.detection_id, "message": each.error})
    usable = job.pictures - len(failed)
    if not usable:
        raise PreconditionError(
            f"none of the {job.pictures} photographs of {job.source} could be used, e.g. "
            f"{failed[0]['message']}"
        )
    if job.local:
        write_features(job.place, job.local, (e.features for _, e in _each(job, filed) if not e.error))
    with job.place.new_folder(SNAPSHOT, MANIFEST) as directory:
        stored = _stored(job, filed, usable, featured)
        write_snapshot(directory, stored, filed.survey.cameras, _pages(job, filed))
    job.place.write(FAILED, json.dumps(failed, indent=1).encode())
    counts: IntArray = np.array([usable, len(failed)])
    write_arrays(job, DONE, counts=counts)


def assembled_counts(job: EmbedJob) -> tuple[int, int]:
    """Number of detections that were embedded, and that were not, of a survey that was put together."""
    found = read_arrays(job, DONE)
    usable, failed = (0, 0) if found is None else found["counts"].tolist()
    return usable, failed


def _each(job: EmbedJob, filed: FiledSurvey) -> Iterator[tuple[Picture, EmbeddedPicture]]:
    for number in range(job.count):
        block = read_block(job, number)
        if block is None:
            raise PreconditionError(f"{job.url}/{job.name(number)} is not finished; run the command again")
        yield from zip(pictures_of(job, filed, number), block, strict=True)


def _pages(job: EmbedJob, filed: FiledSurvey) -> Iterator[Page]:
    for number in range(job.count):
        pictures, block = pictures_of(job, filed, number), read_block(job, number) or []
        found = [(boxed(p), e.vector) for p, e in zip(pictures, block, strict=True) if e.vector is not None]
        if found:
            # as the scorer stores them
            units, _ = normalise_rows(np.stack([vector for _, vector in found]))
            yield [detection for detection, _ in found], units.astype(np.float16)


def _stored(job: EmbedJob, filed: FiledSurvey, detections: int, featured: int) -> SurveyInfo:
    survey = filed.survey
    return SurveyInfo(
        survey_id=survey.survey_id,
        display_name=survey.display_name,
        start_s=survey.start_s,
        end_s=survey.end_s,
        feasibility=FeasibilityParams(),
        embedding=job.spec,
        camera_count=len(survey.cameras),
        detection_count=detections,
        revision=0,
        etag="",
        head_digest="",
        calibration_digest="",
        uid="",
        time_zone=survey.time_zone,
        coordinate_system="",
        local_features=job.local,
        local_feature_count=featured,
    )
