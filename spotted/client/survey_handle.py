"""One survey: its settings, contents, scores, heads, calibrations and sessions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from spotted import messages
from spotted.client.connection import LONG_TIMEOUT_S, Connection
from spotted.client.connection import request_id as new_request_id
from spotted.client.embedding_messages import individual_messages, recipe_message
from spotted.client.local_features.survey import SurveyLocalFeatures
from spotted.client.operation_handle import OperationHandle
from spotted.client.session_events import import_parts
from spotted.client.session_handle import SessionHandle
from spotted.client.session_messages import session_info
from spotted.client.survey_contents import SurveyContents
from spotted.client.survey_messages import calibration_fit, filter_message, pair_messages, survey_info
from spotted.client.survey_scores import SurveyScores
from spotted.client.values.candidates import CandidateFilter
from spotted.client.values.sessions import SessionEvent, SessionInfo
from spotted.client.values.surveys import CalibrationFit, SurveyInfo
from spotted.constraints.trust import Trust
from spotted.facts.kinds import KnownIndividuals
from spotted.heads.head import HeadRecipe
from spotted.scoring.feasibility import FeasibilityParams
from spotted.v1 import catalogue_pb2, embedder_pb2, sampler_pb2, scorer_pb2, session_facts_pb2, survey_pb2


class SurveyHandle(SurveyContents, SurveyLocalFeatures, SurveyScores):
    """A survey on the services; every method raises NotFoundError if it does not exist.

    >>> import numpy as np
    >>> from spotted.client import EmbeddingSpec
    >>> from spotted.survey import Detection, Survey
    >>> from spotted.testing import fake_services
    >>> looks = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    >>> with fake_services() as spotted:
    ...     survey = spotted.create_survey(Survey("kruger", 0.0, 86_400.0))
    ...     spec = EmbeddingSpec("backbone", "preprocessing", dimension=2)
    ...     added = survey.add_detections([Detection(one) for one in "abc"], looks, spec)
    ...     (ranked,) = survey.candidates(detection_ids=["a"], top_k=2)
    >>> [(candidate.detection_id, round(candidate.visual, 2)) for candidate in ranked.candidates]
    [('b', 0.8), ('c', 0.0)]
    """

    def __init__(self, connection: Connection, survey_id: str) -> None:
        self.survey_id = survey_id
        self._connection = connection
        self._scorer = connection.scorer

    def __repr__(self) -> str:
        return f"SurveyHandle({self.survey_id!r})"

    def info(self) -> SurveyInfo:
        """The survey as stored."""
        request = scorer_pb2.GetSurveyRequest(survey_id=self.survey_id)
        return survey_info(self._scorer.call(self._scorer.stub.GetSurvey, request).survey)

    def update(
        self,
        *,
        display_name: str | None = None,
        start_s: float | None = None,
        end_s: float | None = None,
        feasibility: FeasibilityParams | None = None,
        time_zone: str | None = None,
        etag: str = "",
    ) -> SurveyInfo:
        """Change the fields that are not None; another extent or feasibility changes every score.

        etag: the one in the `info` that the change is based on; "" to change it whatever it is now.
        Raises ConcurrencyError if the survey's etag is another one by now.
        """
        message = survey_pb2.Survey(
            survey_id=self.survey_id,
            display_name=display_name or "",
            start_time=messages.timestamp(start_s),
            end_time=messages.timestamp(end_s),
            feasibility=messages.feasibility_message(feasibility) if feasibility else None,
            time_zone=time_zone or "",
            etag=etag,
        )
        request = scorer_pb2.UpdateSurveyRequest(survey=message, request_id=new_request_id())
        values = {
            "display_name": display_name,
            "start_time": start_s,
            "end_time": end_s,
            "feasibility": feasibility,
            "time_zone": time_zone,
        }
        request.update_mask.paths.extend(field for field, value in values.items() if value is not None)
        return survey_info(self._scorer.call(self._scorer.stub.UpdateSurvey, request).survey)

    def delete(self) -> None:
        """Delete the survey with all it holds, sessions included."""
        request = scorer_pb2.DeleteSurveyRequest(survey_id=self.survey_id, request_id=new_request_id())
        self._scorer.call(self._scorer.stub.DeleteSurvey, request)

    def train_head(self, recipe: HeadRecipe | None = None) -> OperationHandle:
        """Start the training of an adaptation head; the operation's result is the head's digest.

        recipe: None for the embedder's default; the embedder sets batch sizes itself.
        Raises PreconditionError for too few detections, or if a training of the survey already runs.
        """
        embedder = self._connection.embedder
        request = embedder_pb2.TrainHeadRequest(
            survey_id=self.survey_id,
            recipe=recipe_message(recipe) if recipe else None,
            request_id=new_request_id(),
        )
        operation = embedder.call(embedder.stub.TrainHead, request).operation
        return OperationHandle(self._connection, operation.operation_id)

    def make_head(
        self, names: Mapping[str, str] | None = None, *, use_known_individuals: bool = False
    ) -> OperationHandle:
        """Start making a head from known individuals; the operation's result is the head's digest.

        names: the individual of each detection that is named, at most 50,000. use_known_individuals: the
        individual_id of other detections counts too. The operation's metrics say what the head gains on
        individuals that it was not made from; `helps` is 1 if that is more than chance.
        Raises NotFoundError for an unknown detection, and PreconditionError as `train_head`.
        """
        embedder = self._connection.embedder
        request = embedder_pb2.TrainHeadRequest(
            survey_id=self.survey_id,
            individuals=individual_messages(names or {}),
            use_known_individuals=use_known_individuals,
            request_id=new_request_id(),
        )
        operation = embedder.call(embedder.stub.TrainHead, request).operation
        return OperationHandle(self._connection, operation.operation_id)

    def activate_head(self, digest: str) -> SurveyInfo:
        """Score the survey through a head from now on; "" for base embeddings."""
        request = scorer_pb2.ActivateHeadRequest(
            survey_id=self.survey_id, head_digest=digest, request_id=new_request_id()
        )
        return survey_info(self._scorer.call(self._scorer.stub.ActivateHead, request).survey)

    def fit_calibration(
        self, labels: Iterable[tuple[str, str, bool]] = (), *, use_known_individuals: bool = False
    ) -> CalibrationFit:
        """Learn from labelled pairs how probable it is that a pair shows one animal.

        labels: two detection ids, and whether both show one animal.
        use_known_individuals: also learn from the detections' individual_id.
        With too few labels, a survey without a calibration starts with what was learned on other surveys; the
        result's `reason` says which labels are missing.
        """
        given = list(labels)
        pairs = pair_messages((first, second) for first, second, _ in given)
        request = scorer_pb2.FitCalibrationRequest(
            survey_id=self.survey_id,
            labels=[
                scorer_pb2.LabelledPair(pair=pair, same=same)
                for pair, (_, _, same) in zip(pairs, given, strict=True)
            ],
            use_known_individuals=use_known_individuals,
            request_id=new_request_id(),
        )
        return calibration_fit(
            self._scorer.call(self._scorer.stub.FitCalibration, request, timeout_s=LONG_TIMEOUT_S)
        )

    def activate_calibration(self, digest: str) -> SurveyInfo:
        """Return to an earlier calibration; "" for none."""
        request = scorer_pb2.ActivateCalibrationRequest(
            survey_id=self.survey_id, calibration_digest=digest, request_id=new_request_id()
        )
        return survey_info(self._scorer.call(self._scorer.stub.ActivateCalibration, request).survey)

    def sessions(self) -> Iterator[SessionInfo]:
        """The survey's annotation sessions, ordered by id."""
        sampler = self._connection.sampler
        request = sampler_pb2.ListSessionsRequest(survey_id=self.survey_id)
        for page in sampler.pages(sampler.stub.ListSessions, request):
            yield from (session_info(session) for session in page.sessions)

    def session(self, session_id: str) -> SessionHandle:
        """A session by its id; no call is made."""
        return SessionHandle(self._connection, self.survey_id, session_id)

    def create_session(
        self,
        session_id: str,
        *,
        strategy: str = "",
        top_k: int = 0,
        eps: float | None = None,
        seed: int = 0,
        retrain: bool = False,
        trust: Trust | None = None,
        known_individuals: KnownIndividuals | None = None,
        only: CandidateFilter | None = None,
        ask_opposite_flanks: bool = False,
        catalogue_survey_ids: Sequence[str] = (),
        request_id: str = "",
    ) -> SessionHandle:
        """Create an annotation session; one with equal settings may already exist.

        strategy: "" for the default. top_k: candidates of each detection to start with, 0 for the default.
        eps: clustering radius on 1 - score, None to choose it from the scores. retrain: retrain the
        similarity on the labels. trust: None for single. known_individuals: how the names of the survey are
        used, None to believe them. only: limits the detections that are asked about. ask_opposite_flanks: ask
        about pairs of a left and a right flank as well. catalogue_survey_ids: also ask which animals of the
        catalogue in these other surveys the detections show; see `catalogued_surveys`. request_id: as in
        `SessionHandle.submit_labels`.
        Raises AlreadyExistsError if the id is taken by a session with other settings.
        """
        sampler = self._connection.sampler
        session = sampler_pb2.Session(
            survey_id=self.survey_id,
            session_id=session_id,
            strategy=sampler_pb2.StrategySettings(
                strategy_id=strategy, top_k=top_k, eps=eps, retrain=retrain
            ),
            seed=seed,
            trust=sampler_pb2.Trust.ValueType(trust or 0),
            known_individuals=session_facts_pb2.KnownIndividuals.ValueType(known_individuals or 0),
            filter=filter_message(only),
            ask_opposite_flanks=ask_opposite_flanks,
            catalogue_survey_ids=catalogue_survey_ids,
        )
        request = sampler_pb2.CreateSessionRequest(session=session, request_id=request_id or new_request_id())
        sampler.call(sampler.stub.CreateSession, request)
        return self.session(session_id)

    def catalogued_surveys(self) -> list[str]:
        """The other surveys that have animals of the catalogue, as the caller may see it, ordered by id."""
        catalogue = self._connection.catalogue
        pages = catalogue.pages(
            catalogue.stub.ListCatalogueEntries, catalogue_pb2.ListCatalogueEntriesRequest()
        )
        members = (member for page in pages for entry in page.entries for member in entry.members)
        return sorted({member.survey_id for member in members} - {self.survey_id})

    def import_session(self, session_id: str, events: Iterable[SessionEvent]) -> SessionHandle:
        """Create a session from the events of another, with all answers, rounds and times.

        events: read while they are sent; from `SessionHandle.events`. The survey must have the detections
        that they name. Raises AlreadyExistsError for a session with another journal, InvalidInputError that
        names the first wrong event; nothing is stored then.
        """
        sampler = self._connection.sampler
        sampler.send(sampler.stub.ImportSession, import_parts(self.survey_id, session_id, events))
        return self.session(session_id)
