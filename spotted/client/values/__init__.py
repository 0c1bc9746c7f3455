"""Values that the client takes and returns: frozen dataclasses and enums, without messages of the contract.

surveys     surveys as stored, score specs, results of changing a survey
candidates  candidates of a detection, filters, the evidence for a pair
sessions    questions, answers, conflicts, individuals, events
progress    the progress of a session
embedding   crops, preparation, vectors, models
operations  long-running work
"""

from spotted.client.values.candidates import (
    Candidate,
    CandidateFilter,
    CandidateRule,
    Candidates,
    PairExplanation,
)
from spotted.client.values.embedding import Crop, Embedded, EmbedderInfo, Model, Preparation, Tone
from spotted.client.values.operations import OperationInfo, OperationState
from spotted.client.values.progress import AnnotatorProgress, Audit, Progress, StopGuarantee
from spotted.client.values.sessions import (
    BurstAnswer,
    Conflict,
    EventKind,
    GroupQuery,
    Individual,
    Label,
    PairQuery,
    QuestionKind,
    Questions,
    SessionEvent,
    SessionInfo,
    StoredLabel,
    SubmittedLabels,
)
from spotted.client.values.surveys import (
    AddedDetections,
    CalibrationFit,
    DeletedCameras,
    DeletedDetections,
    DetectionChange,
    DetectionPage,
    DetectionUpdate,
    EmbeddingSpec,
    RejectedDetection,
    ScoreSpec,
    SurveyInfo,
    UpdatedDetections,
)

__all__ = [
    "AddedDetections",
    "AnnotatorProgress",
    "Audit",
    "BurstAnswer",
    "CalibrationFit",
    "Candidate",
    "CandidateFilter",
    "CandidateRule",
    "Candidates",
    "Conflict",
    "Crop",
    "DeletedCameras",
    "DeletedDetections",
    "DetectionChange",
    "DetectionPage",
    "DetectionUpdate",
    "Embedded",
    "EmbedderInfo",
    "EmbeddingSpec",
    "EventKind",
    "GroupQuery",
    "Individual",
    "Label",
    "Model",
    "OperationInfo",
    "OperationState",
    "PairExplanation",
    "PairQuery",
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
]
