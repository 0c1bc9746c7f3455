"""Well-formed requests of every rpc, drawn for the surveys that `fuzz_wire` keeps, to be mutated."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from PIL import Image

from services.embedder.training.head_onnx import to_onnx
from spotted import messages
from spotted.heads.head import Head
from spotted.local_features.features import no_features
from spotted.scoring.similarity import unit_rows
from spotted.v1 import (
    catalogue_pb2,
    corrections_pb2,
    embedder_pb2,
    individuals_pb2,
    local_features_pb2,
    sampler_pb2,
    scorer_pb2,
    survey_pb2,
)
from tools.wire_mutations import pick

DIMENSION = 12
SPEC = survey_pb2.EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=DIMENSION)
START_S, END_S = 0, 200_000
# those that requests ask about, too small a one to train on, and one that requests delete
SURVEYS, SMALL, DOOMED = ("fuzz-0", "fuzz-1"), "fuzz-few", "fuzz-doomed"
SESSIONS, DOOMED_SESSION = ("s0", "s1", "s2"), "s-doomed"
CAMERAS = tuple(f"c{n}" for n in range(4))
DETECTIONS = tuple(f"d{n:02}" for n in range(24))
FURTHER = tuple(f"x{n:02}" for n in range(8))
ANNOTATORS = ("anna", "ben")
INDIVIDUALS = tuple(f"ind-{detection_id}" for detection_id in DETECTIONS)
DIGEST = "ab" * 32
FEATURES = no_features(128, (700, 467))

TEXTS: Mapping[str, Sequence[str]] = {
    "survey_id": SURVEYS,
    "session_id": SESSIONS,
    "camera_id": CAMERAS,
    "camera_ids": CAMERAS,
    "detection_id": FURTHER,
    "detection_ids": DETECTIONS,
    "row_detection_ids": DETECTIONS,
    "column_detection_ids": DETECTIONS,
    "added_detection_ids": DETECTIONS,
    "first_detection_id": DETECTIONS[:12],
    "second_detection_id": DETECTIONS[12:],
    "annotator_id": ANNOTATORS,
    "entry_id": ("cat-0123456789abcdef",),
    "label_id": [f"{n}-1" for n in range(2, 12)],
    "label_ids": [f"{n}-1" for n in range(2, 12)],
    "strategy_id": ("learned", "learned", "greedy"),
    "image_id": ("", "", "i0", "i1"),
    "individual_id": ("", "animal-0", "animal-1"),
    "encounter_id": ("", "e0", "e1"),
    "exclude_individual_ids": ("animal-0",),
    "crop_id": ("crop",),
    "paths": ("display_name", "start_time", "end_time", "feasibility"),
    "display_name": ("A survey",),
    "cursor": ("", "2-00"),
    "tags": ("ear", "left"),
    "head_digest": ("", DIGEST),
    "calibration_digest": ("", DIGEST),
    "service": ("", "spotted.v1.ScorerService"),
}
IDS = (
    *SURVEYS,
    SMALL,
    DOOMED,
    *SESSIONS,
    DOOMED_SESSION,
    *DETECTIONS[:4],
    *FURTHER,
    *CAMERAS,
    DIGEST,
    "anna",
)
NEEDED = frozenset(TEXTS) | {
    "survey",
    "session",
    "detections",
    "embeddings",
    "cameras",
    "labels",
    "individual",
    "merged_individual_ids",
    "additions",
    "pair",
    "crop",
    "features",
}
# fields that are left out of most requests: with them few are more than refused
RARE = frozenset({"retrain", "audit", "page_token", "head_digest", "segmented", "preparation", "mask_rle"})
RARE_SHARE, OPTIONAL_SHARE = 0.05, 0.8


def drawn(kind: Descriptor, rng: np.random.Generator) -> Message:
    """A request that a careful client could have sent."""
    message: Any = GetMessageClass(kind)()
    for field in kind.fields:
        share = RARE_SHARE if field.name in RARE else OPTIONAL_SHARE
        if field.name in NEEDED or rng.random() < share:
            _set(message, field, rng)
    fit = FITS.get(kind.name)
    if fit is not None:
        fit(message, rng)
    return message  # type: ignore[no-any-return] # made of the descriptor


@cache
def head() -> bytes:
    """The file of an adaptation head, which the store has."""
    rng = np.random.default_rng(0)
    w1, w2 = (rng.normal(scale=0.1, size=shape) for shape in ((4, DIMENSION), (DIMENSION, 4)))
    made = Head(*(part.astype(np.float32) for part in (w1, np.zeros(4), w2, np.zeros(DIMENSION))))
    return to_onnx(made, unit_rows(rng.normal(size=(3, DIMENSION))))


def picture(rng: np.random.Generator) -> bytes:
    """A small JPEG."""
    stream = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)).save(stream, "JPEG")
    return stream.getvalue()


def _set(message: Message, field: FieldDescriptor, rng: np.random.Generator) -> None:
    if field.is_repeated:
        held = getattr(message, field.name)
        for _ in range(int(rng.integers(1, 4))):
            if field.message_type is not None:
                held.add().CopyFrom(drawn(field.message_type, rng))
            else:
                held.append(_scalar(field, rng))
    elif field.message_type is not None:
        getattr(message, field.name).CopyFrom(drawn(field.message_type, rng))
    else:
        setattr(message, field.name, _scalar(field, rng))


def _scalar(field: FieldDescriptor, rng: np.random.Generator) -> Any:  # noqa: ANN401 - of the field's type
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            return _text(field, rng)
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return float(rng.uniform(0.1, 1.0))
        case FieldDescriptor.CPPTYPE_BOOL:
            return bool(rng.random() < 1 / 2)
        case FieldDescriptor.CPPTYPE_ENUM:
            return int(rng.integers(1, 4))
    return int(rng.integers(1, 6))


def _text(field: FieldDescriptor, rng: np.random.Generator) -> str | bytes:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return picture(rng) if field.name == "image" else b""
    if field.name == "head_digest" and rng.random() < 1 / 2:
        return hashlib.sha256(head()).hexdigest()
    if field.name == "request_id":
        # now and then the same one again
        return rng.bytes(8).hex() if rng.random() < 1 / 2 else f"request-{rng.integers(20)}"
    return pick(rng, TEXTS.get(field.name, ("",)))


def _fit_survey(survey: survey_pb2.Survey, _: np.random.Generator) -> None:
    survey.start_time.seconds, survey.end_time.seconds = START_S, END_S
    survey.ClearField("embedding")
    survey.ClearField("etag")


def _fit_creation(request: scorer_pb2.CreateSurveyRequest, rng: np.random.Generator) -> None:
    request.survey.survey_id = pick(rng, (DOOMED, *SURVEYS))


def _fit_doomed(request: scorer_pb2.DeleteSurveyRequest, _: np.random.Generator) -> None:
    request.survey_id = DOOMED


def _fit_training(request: embedder_pb2.TrainHeadRequest, _: np.random.Generator) -> None:
    request.survey_id = SMALL


def _fit_doomed_session(request: sampler_pb2.DeleteSessionRequest, _: np.random.Generator) -> None:
    request.session_id = DOOMED_SESSION


def _fit_session(session: sampler_pb2.Session, rng: np.random.Generator) -> None:
    session.session_id = pick(rng, (DOOMED_SESSION, *SESSIONS))


def _fit_import(request: sampler_pb2.ImportSessionRequest, rng: np.random.Generator) -> None:
    """A journal of a session that was opened, planned once and answered once."""
    request.session_id = pick(rng, ("moved-0", "moved-1"))
    request.complete = pick(rng, (True, True, True, False))
    request.ClearField("events")
    planned = sampler_pb2.PlannedRound(
        round=1,
        survey_revision=1,
        top_k=5,
        added_detection_ids=DETECTIONS[:4],
        kind="greedy",
        first=np.array([0, 2], "<i4").tobytes(),
        second=np.array([1, 3], "<i4").tobytes(),
        scores=np.array([0.5, 0.25], "<f4").tobytes(),
        reasons=["alike"],
        reason_of=np.zeros(2, "<u2").tobytes(),
        open_pairs=6,
    )
    label = sampler_pb2.Label(
        label_id="3-1",
        first_detection_id=DETECTIONS[0],
        second_detection_id=DETECTIONS[1],
        answer=sampler_pb2.ANSWER_SAME,
        annotator_id=ANNOTATORS[0],
    )
    label.create_time.seconds = END_S
    request.events.add().created.strategy.strategy_id = "greedy"
    request.events.add().planned.CopyFrom(planned)
    request.events.add().labelled.labels.append(label)
    for position, event in enumerate(request.events, start=1):
        event.position, event.create_time.seconds = position, END_S


def _fit_individual(request: Any, rng: np.random.Generator) -> None:  # noqa: ANN401 - of any change
    """Individuals of detections that the sessions have, and a position that they may have reached."""
    kind = request.DESCRIPTOR
    if "individual_id" in kind.fields_by_name:
        request.individual_id = pick(rng, INDIVIDUALS)
    if "merged_individual_ids" in kind.fields_by_name:
        request.merged_individual_ids[:] = [pick(rng, INDIVIDUALS)]
    if "position" in kind.fields_by_name:
        request.position = int(rng.integers(1, 12))
    if "as_of_position" in kind.fields_by_name and rng.random() < OPTIONAL_SHARE:
        request.as_of_position = 0
    if "update_mask" in kind.fields_by_name:
        request.update_mask.paths[:] = [pick(rng, ("display_name", "sex", "notes", "tags"))]


def _fit_list(request: individuals_pb2.ListIndividualsRequest, rng: np.random.Generator) -> None:
    request.detection_id = pick(rng, ("", "", DETECTIONS[0]))
    request.display_name = pick(rng, ("", "", "A survey"))


def _fit_addition(request: catalogue_pb2.AddCatalogueMembersRequest, rng: np.random.Generator) -> None:
    """Animals in no entry so far, or in one: ids of entries are drawn by the service."""
    del request.additions[1:]
    for addition in request.additions:
        addition.entry_id = pick(rng, ("", "", "cat-0123456789abcdef"))
        addition.individual.detection_ids[:] = [pick(rng, DETECTIONS)]
        addition.individual.ClearField("dead_since")


def _fit_match(request: catalogue_pb2.MatchCatalogueRequest, rng: np.random.Generator) -> None:
    request.detection_ids[:] = [pick(rng, DETECTIONS)]
    request.ClearField("encounter_ids")
    request.each_encounter = False


def _fit_camera(camera: survey_pb2.Camera, _: np.random.Generator) -> None:
    camera.start_time.seconds, camera.end_time.seconds = START_S, END_S


def _fit_detection(detection: survey_pb2.Detection, rng: np.random.Generator) -> None:
    detection.captured_at.seconds = int(rng.integers(START_S, END_S))
    if detection.HasField("fractions"):
        # inside the image
        detection.fractions.CopyFrom(survey_pb2.FractionBox(x=0.1, y=0.2, width=0.5, height=0.6))
    if detection.HasField("pixels"):
        detection.pixels.CopyFrom(survey_pb2.PixelBox(x=10.0, y=20.0, width=50.0, height=60.0))


def _fit_tensor(tensor: survey_pb2.Tensor, rng: np.random.Generator) -> None:
    _put(tensor, rng, (int(rng.integers(1, 4)), DIMENSION))


def _fit_block(request: scorer_pb2.AddDetectionsRequest, rng: np.random.Generator) -> None:
    request.spec.CopyFrom(SPEC)
    if not request.detections:
        request.detections.add(detection_id=pick(rng, FURTHER))
    if rng.random() < RARE_SHARE:
        # the same one over and over, each time with a vector
        count = pick(rng, (1001, 4001, 10_001))
        request.detections.extend([request.detections[0]] * (count - len(request.detections)))
    _put(request.embeddings, rng, (len(request.detections), DIMENSION))


def _fit_corrections(request: corrections_pb2.UpdateDetectionsRequest, rng: np.random.Generator) -> None:
    for detection in request.detections:
        detection.detection_id = pick(rng, DETECTIONS)
    request.update_mask.paths[:] = [pick(rng, ("side", "encounter_id", "individual_id", "image_uri"))]
    request.ClearField("embeddings")
    if rng.random() < RARE_SHARE:
        request.spec.CopyFrom(SPEC)
        _put(request.embeddings, rng, (len(request.detections), DIMENSION))


def _fit_features(request: local_features_pb2.AddLocalFeaturesRequest, rng: np.random.Generator) -> None:
    request.spec.method, request.spec.digest = "hotspotter", pick(rng, ("a", "a", "b"))
    for one in request.features:
        one.detection_id = pick(rng, DETECTIONS)
        one.features = FEATURES.to_bytes()


def _fit_camera_deletion(request: corrections_pb2.DeleteCamerasRequest, rng: np.random.Generator) -> None:
    # those of the survey are needed by other requests
    request.camera_ids[:] = [pick(rng, FURTHER)]


def _fit_query(request: scorer_pb2.QueryCandidatesRequest, rng: np.random.Generator) -> None:
    request.spec.CopyFrom(SPEC)
    _put(request.embedding, rng, (DIMENSION,))


def _fit_recipe(recipe: embedder_pb2.HeadRecipe, _: np.random.Generator) -> None:
    recipe.positive_from, recipe.negative_to = 0.9, 0.1


def _fit_preparation(preparation: embedder_pb2.Preparation, _: np.random.Generator) -> None:
    preparation.tone, preparation.reference_digest = embedder_pb2.TONE_EQUALISED, ""


def _fit_crop(crop: embedder_pb2.Crop, rng: np.random.Generator) -> None:
    crop.image = crop.image or picture(rng)
    crop.ClearField("mask")
    for n, other in enumerate(crop.others):
        other.crop_id = f"{crop.crop_id}-{n}"
        other.ClearField("mask")


def _put(tensor: survey_pb2.Tensor, rng: np.random.Generator, shape: tuple[int, ...]) -> None:
    dtype = np.float16 if rng.random() < 1 / 2 else np.float32
    tensor.CopyFrom(messages.tensor(rng.normal(size=shape).astype(dtype)))


FITS: Mapping[str, Callable[[Any, np.random.Generator], None]] = {
    "Survey": _fit_survey,
    "CreateSurveyRequest": _fit_creation,
    "DeleteSurveyRequest": _fit_doomed,
    "DeleteSessionRequest": _fit_doomed_session,
    "TrainHeadRequest": _fit_training,
    "Session": _fit_session,
    "ImportSessionRequest": _fit_import,
    "Individual": _fit_individual,
    "GetIndividualRequest": _fit_individual,
    "UpdateIndividualRequest": _fit_individual,
    "MergeIndividualsRequest": _fit_individual,
    "SplitIndividualRequest": _fit_individual,
    "MoveDetectionsRequest": _fit_individual,
    "UndoChangeRequest": _fit_individual,
    "ListIndividualsRequest": _fit_list,
    "AddCatalogueMembersRequest": _fit_addition,
    "MatchCatalogueRequest": _fit_match,
    "Camera": _fit_camera,
    "Detection": _fit_detection,
    "Tensor": _fit_tensor,
    "AddDetectionsRequest": _fit_block,
    "UpdateDetectionsRequest": _fit_corrections,
    "AddLocalFeaturesRequest": _fit_features,
    "DeleteCamerasRequest": _fit_camera_deletion,
    "QueryCandidatesRequest": _fit_query,
    "HeadRecipe": _fit_recipe,
    "Preparation": _fit_preparation,
    "Crop": _fit_crop,
}
