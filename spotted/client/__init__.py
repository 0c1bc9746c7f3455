"""A typed client of the three services.

    from spotted import Spotted

    with Spotted.local() as spotted:
        survey = spotted.survey("serengeti-2026")
        for candidates in survey.candidates(top_k=5):
            print(candidates.detection_id, [c.detection_id for c in candidates.candidates])
        questions = survey.session("main").next_pairs("anna")

A handle stands for one survey, session or operation; making one sends nothing. Arguments and results are
values of the library and of `spotted.client.values`. Every method raises the classes of spotted.errors.

spotted             `Spotted`: connections, embedding, surveys and operations by id
survey_handle       `SurveyHandle`: one survey
survey_contents     its cameras and detections
survey_scores       its candidates, pairs and matrices
session_handle      `SessionHandle`: one annotation session
local_features      local features of its detections
individuals         `IndividualHandle`: one individual of a session
catalogue           `CatalogueHandle`: animals over several surveys
aio                 the same client for asyncio
operation_handle    `OperationHandle`: one long-running operation
values              frozen values that go in and come out
answers             labels for pairs, bursts and galleries
oracle              a session answered from known identities
ingest              photographs into a survey
differences         a stored survey compared with its files
gallery             a survey's gallery, rebuilt from the scorer for measuring
credentials         tokens and TLS files
connection          channels, deadlines, pages, request ids
calls               retries, and errors of gRPC as classes of spotted.errors
headers             metadata that goes with every call
matrices            score matrices, checked and resumed
survey_messages     messages about surveys as values
session_messages    messages about sessions as values
live_labels         the labels of a session that count
session_events      a session's journal as JSON and as messages of an import
embedding_messages  messages about images, models and operations as values
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spotted.lazy import lazy_face

if TYPE_CHECKING:
    from spotted.client.catalogue.handle import CatalogueHandle
    from spotted.client.credentials import Credentials
    from spotted.client.individuals.handle import IndividualHandle
    from spotted.client.operation_handle import OperationHandle
    from spotted.client.session_handle import SessionHandle
    from spotted.client.spotted import DEFAULT_DIRECTORY, Spotted
    from spotted.client.survey_handle import SurveyHandle
    from spotted.client.values import (
        CandidateFilter,
        Candidates,
        Crop,
        CropPart,
        Decoding,
        Embedded,
        EmbeddingSpec,
        Label,
        Preparation,
        Progress,
        QuestionKind,
        Questions,
        SurveyInfo,
        Tone,
    )

__all__ = [
    "DEFAULT_DIRECTORY",
    "CandidateFilter",
    "Candidates",
    "CatalogueHandle",
    "Credentials",
    "Crop",
    "CropPart",
    "Decoding",
    "Embedded",
    "EmbeddingSpec",
    "IndividualHandle",
    "Label",
    "OperationHandle",
    "Preparation",
    "Progress",
    "QuestionKind",
    "Questions",
    "SessionHandle",
    "Spotted",
    "SurveyHandle",
    "SurveyInfo",
    "Tone",
]

__getattr__ = lazy_face(
    __name__,
    {
        "catalogue.handle": ("CatalogueHandle",),
        "credentials": ("Credentials",),
        "individuals.handle": ("IndividualHandle",),
        "operation_handle": ("OperationHandle",),
        "session_handle": ("SessionHandle",),
        "spotted": ("DEFAULT_DIRECTORY", "Spotted"),
        "survey_handle": ("SurveyHandle",),
        "values": (
            "CandidateFilter",
            "Candidates",
            "Crop",
            "CropPart",
            "Decoding",
            "Embedded",
            "EmbeddingSpec",
            "Label",
            "Preparation",
            "Progress",
            "QuestionKind",
            "Questions",
            "SurveyInfo",
            "Tone",
        ),
    },
)
