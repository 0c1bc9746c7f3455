"""Values that the client takes and returns: frozen dataclasses and enums, without messages of the contract.

surveys     surveys as stored, score specs, results of changing a survey
candidates  candidates of a detection, filters, the evidence for a pair
catalogue   animals over several surveys, and who photographs may show
questions   questions to an annotator
sessions    sessions, answers, conflicts, events
individuals  individuals, changes of them by people, and changes as they are watched
progress    the progress of a session
embedding   crops, preparation, vectors, models
heat_maps   which parts of two crops make their vectors alike
operations  long-running work
"""

from spotted.client.values.candidates import (
    Candidate,
    CandidateFilter,
    Candidates,
    MatchedPoint,
    PairExplanation,
)
from spotted.client.values.catalogue import (
    AddedAnimal,
    AddedAnimals,
    AnimalCandidate,
    CatalogueAddition,
    CatalogueChange,
    CatalogueChangeKind,
    CatalogueEntry,
    CatalogueMatch,
    CatalogueResult,
    CatalogueSource,
    MatchedSurvey,
    MemberPhotograph,
    PhotographCandidate,
    WatchedCatalogueChange,
)
from spotted.client.values.embedding import (
    Crop,
    CropPart,
    Decoding,
    Embedded,
    EmbedderInfo,
    Model,
    Preparation,
    Tone,
)
from spotted.client.values.heat_maps import HeatMap, MatchedCells
from spotted.client.values.individuals import Alias, Individual, IndividualsChange, WatchedChange
from spotted.client.values.operations import OperationInfo, OperationState
from spotted.client.values.progress import AnnotatorProgress, Audit, Progress, StopGuarantee
from spotted.client.values.questions import GroupQuery, PairQuery, QuestionKind, Questions
from spotted.client.values.sessions import (
    BurstAnswer,
    Confidence,
    Conflict,
    EventKind,
    Evidence,
    IndividualsEvent,
    Label,
    SessionEvent,
    SessionInfo,
    StoredLabel,
    SubmittedLabels,
)
from spotted.client.values.surveys import (
    AddedDetections,
    AddedLocalFeatures,
    CalibrationFit,
    DeletedCameras,
    DeletedDetections,
    DetectionChange,
    DetectionPage,
    DetectionUpdate,
    EmbeddingSpec,
    LocalFeatureSpec,
    LocalScores,
    RejectedDetection,
    ScoreSpec,
    SurveyInfo,
    UpdatedDetections,
)
from spotted.ranking.rules import CandidateRule

__all__ = [
    "AddedAnimal",
    "AddedAnimals",
    "AddedDetections",
    "AddedLocalFeatures",
    "Alias",
    "AnimalCandidate",
    "AnnotatorProgress",
    "Audit",
    "BurstAnswer",
    "CalibrationFit",
    "Candidate",
    "CandidateFilter",
    "CandidateRule",
    "Candidates",
    "CatalogueAddition",
    "CatalogueChange",
    "CatalogueChangeKind",
    "CatalogueEntry",
    "CatalogueMatch",
    "CatalogueResult",
    "CatalogueSource",
    "Confidence",
    "Conflict",
    "Crop",
    "CropPart",
    "Decoding",
    "DeletedCameras",
    "DeletedDetections",
    "DetectionChange",
    "DetectionPage",
    "DetectionUpdate",
    "Embedded",
    "EmbedderInfo",
    "EmbeddingSpec",
    "EventKind",
    "Evidence",
    "GroupQuery",
    "HeatMap",
    "Individual",
    "IndividualsChange",
    "IndividualsEvent",
    "Label",
    "LocalFeatureSpec",
    "LocalScores",
    "MatchedCells",
    "MatchedPoint",
    "MatchedSurvey",
    "MemberPhotograph",
    "Model",
    "OperationInfo",
    "OperationState",
    "PairExplanation",
    "PairQuery",
    "PhotographCandidate",
    "Preparation",
    "Progress",
    "QuestionKind",
    "Questions",
    "RejectedDetection",
    "ScoreSpec",
    "SessionEvent",
    "SessionInfo",
    "StopGuarantee",
    "StoredLabel",
    "SubmittedLabels",
    "SurveyInfo",
    "Tone",
    "UpdatedDetections",
    "WatchedCatalogueChange",
    "WatchedChange",
]
