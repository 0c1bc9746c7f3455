"""A request for every rpc, made from the ids that it names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from spotted import messages
from spotted.local_features.features import no_features
from spotted.survey import Camera, Detection
from spotted.v1 import (
    catalogue_pb2,
    corrections_pb2,
    embedder_pb2,
    individuals_pb2,
    local_features_pb2,
    operations_pb2,
    sampler_pb2,
    scorer_pb2,
    survey_pb2,
)
from tests.e2e.organisations import DIMENSION, NEW, SPEC, Ids, picture

Request = Message | list[Message]
ONE = np.ones((1, DIMENSION), np.float32)
FEATURES = no_features(128, (700, 467))


@dataclass(frozen=True)
class Naming:
    """How a request is made. parts: it names something besides a survey."""

    make: Callable[[Ids], Request]
    parts: bool = False


def _pair(ids: Ids) -> survey_pb2.Pair:
    return survey_pb2.Pair(first_detection_id=ids.detection, second_detection_id=ids.other_detection)


def _member(ids: Ids) -> catalogue_pb2.CatalogueMember:
    return catalogue_pb2.CatalogueMember(survey_id=ids.survey, detection_id=ids.detection)


def _survey(survey_id: str, end_s: float = 50_000.0) -> survey_pb2.Survey:
    return survey_pb2.Survey(
        survey_id=survey_id,
        start_time=messages.timestamp(0.0),
        end_time=messages.timestamp(end_s),
        feasibility=survey_pb2.FeasibilitySettings(decay=1.0),
    )


def _label(ids: Ids) -> sampler_pb2.Label:
    return sampler_pb2.Label(
        first_detection_id=ids.detection,
        second_detection_id=ids.other_detection,
        answer=sampler_pb2.ANSWER_SKIP,
        annotator_id="ben",
    )


def _created(ids: Ids) -> sampler_pb2.SessionEvent:
    session = sampler_pb2.Session(
        survey_id=ids.survey,
        session_id=f"{ids.session}-moved",
        strategy=sampler_pb2.StrategySettings(strategy_id="greedy"),
    )
    return sampler_pb2.SessionEvent(position=1, create_time=messages.timestamp(1.0), created=session)


def _update(ids: Ids) -> scorer_pb2.UpdateSurveyRequest:
    request = scorer_pb2.UpdateSurveyRequest(survey=_survey(ids.survey, 200_000.0))
    request.update_mask.paths.append("end_time")
    return request


def _added(ids: Ids) -> list[Message]:
    detection = Detection(ids.detection + NEW, ids.camera, 10_000.0)
    return [
        scorer_pb2.AddDetectionsRequest(
            survey_id=ids.survey,
            spec=SPEC,
            detections=[messages.detection_message(detection)],
            embeddings=messages.tensor(ONE),
        )
    ]


def _tone(ids: Ids) -> embedder_pb2.Preparation:
    return embedder_pb2.Preparation(tone=embedder_pb2.TONE_MATCHED, reference_digest=ids.reference)


CROP = embedder_pb2.Crop(crop_id="crop", image=picture())

EMBEDDER = {
    "Embed": (
        Naming(lambda i: embedder_pb2.EmbedRequest(crops=[CROP], survey_id=i.survey)),
        Naming(lambda i: embedder_pb2.EmbedRequest(crops=[CROP], head_digest=i.head), parts=True),
        Naming(lambda i: embedder_pb2.EmbedRequest(crops=[CROP], preparation=_tone(i)), parts=True),
    ),
    "EmbedStream": (
        Naming(lambda i: [embedder_pb2.EmbedStreamRequest(crop=CROP, survey_id=i.survey)]),
        Naming(lambda i: [embedder_pb2.EmbedStreamRequest(crop=CROP, head_digest=i.head)], parts=True),
        Naming(lambda i: [embedder_pb2.EmbedStreamRequest(crop=CROP, preparation=_tone(i))], parts=True),
    ),
    "ApplyHead": (
        Naming(
            lambda i: embedder_pb2.ApplyHeadRequest(head_digest=i.head, embeddings=messages.tensor(ONE)),
            parts=True,
        ),
    ),
    "GetHeatMap": (
        Naming(lambda i: embedder_pb2.GetHeatMapRequest(first=CROP, second=CROP, survey_id=i.survey)),
        Naming(
            lambda i: embedder_pb2.GetHeatMapRequest(first=CROP, second=CROP, preparation=_tone(i)),
            parts=True,
        ),
    ),
    "AddReferenceImage": (Naming(lambda _: embedder_pb2.AddReferenceImageRequest(image=picture(5))),),
    # on a survey without detections, so that none begins
    "TrainHead": (Naming(lambda i: embedder_pb2.TrainHeadRequest(survey_id=i.taken)),),
    "ListModels": (Naming(lambda _: embedder_pb2.ListModelsRequest()),),
    "GetServerInfo": (Naming(lambda _: embedder_pb2.GetServerInfoRequest()),),
}
OPERATIONS = {
    "GetOperation": (
        Naming(lambda i: operations_pb2.GetOperationRequest(operation_id=i.operation), parts=True),
    ),
    "WatchOperation": (
        Naming(lambda i: operations_pb2.WatchOperationRequest(operation_id=i.operation), parts=True),
    ),
    "CancelOperation": (
        Naming(lambda i: operations_pb2.CancelOperationRequest(operation_id=i.operation), parts=True),
    ),
}
SAMPLER = {
    "CreateSession": (
        Naming(
            lambda i: sampler_pb2.CreateSessionRequest(
                session=sampler_pb2.Session(survey_id=i.survey, session_id=i.session + NEW)
            )
        ),
    ),
    "GetSession": (
        Naming(lambda i: sampler_pb2.GetSessionRequest(survey_id=i.survey, session_id=i.session), parts=True),
    ),
    "ListSessions": (Naming(lambda i: sampler_pb2.ListSessionsRequest(survey_id=i.survey)),),
    "NextPairs": (
        Naming(
            lambda i: sampler_pb2.NextPairsRequest(
                survey_id=i.survey, session_id=i.session, annotator_id="ben"
            ),
            parts=True,
        ),
    ),
    "ReleaseLeases": (
        Naming(
            lambda i: sampler_pb2.ReleaseLeasesRequest(
                survey_id=i.survey, session_id=i.session, annotator_id="ben"
            ),
            parts=True,
        ),
    ),
    "SubmitLabels": (
        Naming(
            lambda i: sampler_pb2.SubmitLabelsRequest(
                survey_id=i.survey, session_id=i.session, labels=[_label(i)]
            ),
            parts=True,
        ),
    ),
    "RetractLabels": (
        Naming(
            lambda i: sampler_pb2.RetractLabelsRequest(
                survey_id=i.survey, session_id=i.session, label_ids=[i.label], annotator_id="anna"
            ),
            parts=True,
        ),
    ),
    "ListConflicts": (
        Naming(
            lambda i: sampler_pb2.ListConflictsRequest(survey_id=i.survey, session_id=i.session), parts=True
        ),
    ),
    "GetProgress": (
        Naming(
            lambda i: sampler_pb2.GetProgressRequest(survey_id=i.survey, session_id=i.session), parts=True
        ),
    ),
    "WatchProgress": (
        Naming(
            lambda i: sampler_pb2.WatchProgressRequest(survey_id=i.survey, session_id=i.session), parts=True
        ),
    ),
    "ListIndividuals": (
        Naming(
            lambda i: individuals_pb2.ListIndividualsRequest(survey_id=i.survey, session_id=i.session),
            parts=True,
        ),
    ),
    "GetIndividual": (
        Naming(
            lambda i: individuals_pb2.GetIndividualRequest(
                survey_id=i.survey, session_id=i.session, individual_id=f"ind-{i.detection}"
            ),
            parts=True,
        ),
    ),
    "UpdateIndividual": (
        Naming(
            lambda i: individuals_pb2.UpdateIndividualRequest(
                survey_id=i.survey,
                session_id=i.session,
                individual=individuals_pb2.Individual(individual_id=f"ind-{i.detection}", notes="seen"),
                annotator_id="anna",
            ),
            parts=True,
        ),
    ),
    "MergeIndividuals": (
        Naming(
            lambda i: individuals_pb2.MergeIndividualsRequest(
                survey_id=i.survey,
                session_id=i.session,
                individual_id=f"ind-{i.detection}",
                merged_individual_ids=[f"ind-{i.other_detection}"],
                annotator_id="anna",
            ),
            parts=True,
        ),
    ),
    "SplitIndividual": (
        Naming(
            lambda i: individuals_pb2.SplitIndividualRequest(
                survey_id=i.survey,
                session_id=i.session,
                individual_id=f"ind-{i.detection}",
                detection_ids=[i.other_detection],
                annotator_id="anna",
            ),
            parts=True,
        ),
    ),
    "MoveDetections": (
        Naming(
            lambda i: individuals_pb2.MoveDetectionsRequest(
                survey_id=i.survey,
                session_id=i.session,
                individual_id=f"ind-{i.detection}",
                detection_ids=[i.other_detection],
                annotator_id="anna",
            ),
            parts=True,
        ),
    ),
    "UndoChange": (
        Naming(
            lambda i: individuals_pb2.UndoChangeRequest(
                survey_id=i.survey, session_id=i.session, position=1, annotator_id="anna"
            ),
            parts=True,
        ),
    ),
    "WatchIndividuals": (
        Naming(
            lambda i: individuals_pb2.WatchIndividualsRequest(survey_id=i.survey, session_id=i.session),
            parts=True,
        ),
    ),
    "UpdateSession": (
        Naming(
            lambda i: sampler_pb2.UpdateSessionRequest(
                session=sampler_pb2.Session(
                    survey_id=i.survey, session_id=i.session, trust=sampler_pb2.TRUST_SINGLE
                ),
                update_mask=FieldMask(paths=["trust"]),
            ),
            parts=True,
        ),
    ),
    "ListEvents": (
        Naming(lambda i: sampler_pb2.ListEventsRequest(survey_id=i.survey, session_id=i.session), parts=True),
    ),
    "ImportSession": (
        Naming(
            lambda i: [
                sampler_pb2.ImportSessionRequest(
                    survey_id=i.survey, session_id=f"{i.session}-moved", events=[_created(i)], complete=True
                )
            ]
        ),
    ),
    "DeleteSession": (
        Naming(
            lambda i: sampler_pb2.DeleteSessionRequest(survey_id=i.survey, session_id=i.session), parts=True
        ),
    ),
}
SCORER = {
    "CreateSurvey": (Naming(lambda i: scorer_pb2.CreateSurveyRequest(survey=_survey(i.taken + NEW))),),
    "GetSurvey": (Naming(lambda i: scorer_pb2.GetSurveyRequest(survey_id=i.survey)),),
    "ListSurveys": (Naming(lambda _: scorer_pb2.ListSurveysRequest()),),
    "UpdateSurvey": (Naming(_update),),
    "UpsertCameras": (
        Naming(
            lambda i: scorer_pb2.UpsertCamerasRequest(
                survey_id=i.survey, cameras=[messages.camera_message(Camera(i.camera + NEW, 0.0, 0.0))]
            )
        ),
    ),
    "ListCameras": (Naming(lambda i: scorer_pb2.ListCamerasRequest(survey_id=i.survey)),),
    "AddDetections": (Naming(_added, parts=True),),
    "ListDetections": (
        Naming(lambda i: scorer_pb2.ListDetectionsRequest(survey_id=i.survey)),
        Naming(lambda i: scorer_pb2.ListDetectionsRequest(survey_id=i.survey, include_embeddings=True)),
    ),
    "AddLocalFeatures": (
        Naming(
            lambda i: local_features_pb2.AddLocalFeaturesRequest(
                survey_id=i.survey,
                spec=survey_pb2.LocalFeatureSpec(method="hotspotter", digest="d"),
                features=[
                    local_features_pb2.DetectionLocalFeatures(
                        detection_id=i.detection, features=FEATURES.to_bytes()
                    )
                ],
            ),
            parts=True,
        ),
    ),
    # without local features, so that none begins
    "MatchLocalFeatures": (
        Naming(lambda i: local_features_pb2.MatchLocalFeaturesRequest(survey_id=i.taken)),
    ),
    "GetLocalScores": (Naming(lambda i: local_features_pb2.GetLocalScoresRequest(survey_id=i.survey)),),
    "ActivateHead": (
        Naming(lambda i: scorer_pb2.ActivateHeadRequest(survey_id=i.survey, head_digest=i.head), parts=True),
    ),
    "FitCalibration": (
        Naming(
            lambda i: scorer_pb2.FitCalibrationRequest(
                survey_id=i.survey, labels=[scorer_pb2.LabelledPair(pair=_pair(i), same=True)]
            ),
            parts=True,
        ),
    ),
    "ActivateCalibration": (
        Naming(
            lambda i: scorer_pb2.ActivateCalibrationRequest(
                survey_id=i.survey, calibration_digest=i.calibration
            ),
            parts=True,
        ),
    ),
    "GetCandidates": (
        Naming(
            lambda i: scorer_pb2.GetCandidatesRequest(
                survey_id=i.survey, detection_ids=[i.detection], top_k=3
            ),
            parts=True,
        ),
        Naming(
            lambda i: scorer_pb2.GetCandidatesRequest(
                survey_id=i.survey, top_k=3, filter=scorer_pb2.CandidateFilter(camera_ids=[i.camera])
            ),
            parts=True,
        ),
    ),
    "QueryCandidates": (
        Naming(
            lambda i: scorer_pb2.QueryCandidatesRequest(
                survey_id=i.survey,
                detection=survey_pb2.Detection(camera_id=i.camera),
                embedding=messages.tensor(ONE[0]),
                spec=SPEC,
                top_k=3,
            ),
            parts=True,
        ),
    ),
    "ScorePairs": (
        Naming(lambda i: scorer_pb2.ScorePairsRequest(survey_id=i.survey, pairs=[_pair(i)]), parts=True),
    ),
    "GetScoreMatrix": (
        Naming(
            lambda i: scorer_pb2.GetScoreMatrixRequest(survey_id=i.survey, row_detection_ids=[i.detection]),
            parts=True,
        ),
    ),
    "ExplainPair": (
        Naming(lambda i: scorer_pb2.ExplainPairRequest(survey_id=i.survey, pair=_pair(i)), parts=True),
    ),
    "UpdateDetections": (
        Naming(
            lambda i: corrections_pb2.UpdateDetectionsRequest(
                survey_id=i.survey,
                detections=[survey_pb2.Detection(detection_id=i.detection, image_uri="corrected.jpg")],
                update_mask=FieldMask(paths=["image_uri"]),
            ),
            parts=True,
        ),
    ),
    "ListDetectionChanges": (
        Naming(lambda i: corrections_pb2.ListDetectionChangesRequest(survey_id=i.survey)),
    ),
    "DeleteCameras": (
        Naming(
            lambda i: corrections_pb2.DeleteCamerasRequest(survey_id=i.survey, camera_ids=["nowhere"]),
        ),
    ),
    "DeleteDetections": (
        Naming(
            lambda i: scorer_pb2.DeleteDetectionsRequest(
                survey_id=i.survey, detection_ids=[i.other_detection]
            ),
            parts=True,
        ),
    ),
    "DeleteSurvey": (Naming(lambda i: scorer_pb2.DeleteSurveyRequest(survey_id=i.survey)),),
}
CATALOGUE = {
    "ListCatalogueEntries": (
        Naming(lambda _: catalogue_pb2.ListCatalogueEntriesRequest()),
        Naming(
            lambda i: catalogue_pb2.ListCatalogueEntriesRequest(
                survey_id=i.survey, detection_id=i.detection, display_name=i.entry
            ),
        ),
    ),
    "GetCatalogueEntry": (
        Naming(lambda i: catalogue_pb2.GetCatalogueEntryRequest(entry_id=i.entry), parts=True),
    ),
    "ListCatalogueChanges": (
        Naming(lambda _: catalogue_pb2.ListCatalogueChangesRequest()),
        Naming(lambda i: catalogue_pb2.ListCatalogueChangesRequest(entry_id=i.entry), parts=True),
    ),
    "WatchCatalogue": (Naming(lambda _: catalogue_pb2.WatchCatalogueRequest()),),
    "ReadCatalogueMembers": (
        Naming(lambda i: catalogue_pb2.ReadCatalogueMembersRequest(survey_id=i.survey)),
    ),
    "MatchCatalogue": (
        Naming(
            lambda i: catalogue_pb2.MatchCatalogueRequest(
                survey_id=i.survey, detection_ids=[i.detection], top_k=3
            ),
            parts=True,
        ),
    ),
    "AddCatalogueMembers": (
        Naming(
            lambda i: catalogue_pb2.AddCatalogueMembersRequest(
                survey_id=i.survey,
                additions=[
                    catalogue_pb2.CatalogueAddition(
                        entry_id=i.entry,
                        individual=individuals_pb2.Individual(detection_ids=[i.other_detection]),
                    )
                ],
                annotator_id="anna",
            ),
        ),
    ),
    "UpdateCatalogueEntry": (
        Naming(
            lambda i: catalogue_pb2.UpdateCatalogueEntryRequest(
                entry=catalogue_pb2.CatalogueEntry(entry_id=i.entry, notes="seen"), annotator_id="anna"
            ),
            parts=True,
        ),
    ),
    "SplitCatalogueEntry": (
        Naming(
            lambda i: catalogue_pb2.SplitCatalogueEntryRequest(
                entry_id=i.entry, members=[_member(i)], annotator_id="anna"
            ),
            parts=True,
        ),
    ),
    "MergeCatalogueEntries": (
        Naming(
            lambda i: catalogue_pb2.MergeCatalogueEntriesRequest(
                entry_id=i.entry, merged_entry_ids=[i.other_entry], annotator_id="anna"
            ),
            parts=True,
        ),
    ),
    "UndoCatalogueChange": (
        Naming(
            lambda i: catalogue_pb2.UndoCatalogueChangeRequest(
                change_id=i.catalogue_change, annotator_id="anna"
            ),
            parts=True,
        ),
    ),
    "RemoveCatalogueMembers": (
        Naming(
            lambda i: catalogue_pb2.RemoveCatalogueMembersRequest(members=[_member(i)], annotator_id="anna"),
            parts=True,
        ),
    ),
}
# by the path of the rpc; what destroys comes last in its service
NAMINGS = {
    f"/spotted.v1.{service}/{name}": namings
    for service, rpcs in (
        ("EmbedderService", EMBEDDER),
        ("OperationsService", OPERATIONS),
        ("SamplerService", SAMPLER),
        ("CatalogueService", CATALOGUE),
        ("ScorerService", SCORER),
    )
    for name, namings in rpcs.items()
}
