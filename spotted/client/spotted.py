"""The client's entry point: connections to the three services, and handles on what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from spotted import messages
from spotted.arrays import Float32Array
from spotted.client.catalogue.handle import CatalogueHandle
from spotted.client.connection import CALL_TIMEOUT_S, Connection, request_id
from spotted.client.credentials import NOBODY, Credentials
from spotted.client.embedding_messages import (
    by_image,
    crop_message,
    embedded,
    embedder_info,
    heat_map,
    heat_map_request,
    model,
    preparation_message,
)
from spotted.client.operation_handle import OperationHandle
from spotted.client.survey_handle import SurveyHandle
from spotted.client.survey_messages import survey_info
from spotted.client.values.embedding import Crop, Embedded, EmbedderInfo, Model, Preparation
from spotted.client.values.heat_maps import HeatMap
from spotted.client.values.surveys import SurveyInfo
from spotted.errors import PreconditionError
from spotted.scoring.feasibility import FeasibilityParams
from spotted.survey import Survey
from spotted.v1 import embedder_pb2, scorer_pb2, survey_pb2

DEFAULT_DIRECTORY = Path.home() / ".local" / "share" / "spotted"
DEFAULT_FEASIBILITY = FeasibilityParams()


class Spotted:
    """The three services as one object; close it, or use it in a `with` statement.

    Every call has a deadline, is retried only if nothing answered, and raises the classes of spotted.errors.

    >>> from spotted.testing import fake_services
    >>> with fake_services() as spotted:
    ...     kruger = spotted.create_survey(Survey("kruger", 0.0, 86_400.0))
    ...     (zebra,) = spotted.embed_batch([Crop("d1", b"the bytes of a JPEG")])
    ...     print([survey.survey_id for survey in spotted.surveys()], zebra.vector.shape)
    ['kruger'] (16,)
    """

    _connection_type: ClassVar[type[Connection]] = Connection

    def __init__(
        self,
        *,
        embedder: str,
        scorer: str,
        sampler: str,
        timeout_s: float = CALL_TIMEOUT_S,
        credentials: Credentials = NOBODY,
    ) -> None:
        """Open connections; nothing is sent before the first call.

        embedder, scorer, sampler: addresses, e.g. `127.0.0.1:7102` or `dns:///scorer.spotted:7102`.
        timeout_s: deadline of ordinary calls. credentials: for services that require a token or use TLS.
        Raises InvalidInputError, PreconditionError for credentials that cannot be used.
        """
        self.connection = self._connection_type((embedder, scorer, sampler), timeout_s, credentials)

    @classmethod
    def local(cls, directory: Path = DEFAULT_DIRECTORY, *, credentials: Credentials = NOBODY) -> Self:
        """A client of the services that `spotted up` started. Raises PreconditionError if there are none."""
        # a client of services elsewhere needs no store of its own
        try:
            from spotted.local import processes  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise PreconditionError(
                "this is spotted-client, which starts no services; give the addresses of embedder, scorer "
                "and sampler, or install `spotted`"
            ) from error
        run = processes.read(directory)
        if run is None:
            raise PreconditionError(f"no services were started in {directory}; run `spotted up` first")
        return cls(
            embedder=run.address("embedder"),
            scorer=run.address("scorer"),
            sampler=run.address("sampler"),
            credentials=credentials,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.connection.close()

    def survey(self, survey_id: str) -> SurveyHandle:
        """A survey by its id; no call is made."""
        return SurveyHandle(self.connection, survey_id)

    def surveys(self) -> Iterator[SurveyInfo]:
        """All surveys, ordered by id."""
        scorer = self.connection.scorer
        for page in scorer.pages(scorer.stub.ListSurveys, scorer_pb2.ListSurveysRequest()):
            yield from (survey_info(survey) for survey in page.surveys)

    def create_survey(
        self, survey: Survey, *, feasibility: FeasibilityParams = DEFAULT_FEASIBILITY
    ) -> SurveyHandle:
        """Create a survey and its cameras; both may already exist with equal content.

        Raises AlreadyExistsError if the id is taken by a survey with other content.
        """
        scorer = self.connection.scorer
        message = survey_pb2.Survey(
            survey_id=survey.survey_id,
            display_name=survey.display_name,
            start_time=messages.timestamp(survey.start_s),
            end_time=messages.timestamp(survey.end_s),
            feasibility=messages.feasibility_message(feasibility),
            time_zone=survey.time_zone,
        )
        request = scorer_pb2.CreateSurveyRequest(survey=message, request_id=request_id())
        scorer.call(scorer.stub.CreateSurvey, request)
        handle = self.survey(survey.survey_id)
        if survey.cameras:
            handle.upsert_cameras(survey.cameras.values())
        return handle

    def catalogue(self) -> CatalogueHandle:
        """The catalogue of the caller's organisation; no call is made."""
        return CatalogueHandle(self.connection)

    def operation(self, operation_id: str) -> OperationHandle:
        """An operation by its id; no call is made."""
        return OperationHandle(self.connection, operation_id)

    def embed(
        self,
        crops: Iterable[Crop],
        *,
        model_id: str = "",
        survey_id: str = "",
        head_digest: str = "",
        preparation: Preparation | None = None,
        local_method: str = "",
    ) -> Iterator[Embedded]:
        """The vectors of any number of crops, in their order, each followed by its `others`.

        An iterator is read while results arrive, and each of its crops is sent at once. Crops of a sequence
        that follow each other with the same image are sent together, and the image once.
        model_id: "" for the embedder's default backbone. survey_id: the survey that the work is for; surveys
        share the embedder fairly. head_digest: a stored head to apply, "" for base embeddings, which surveys
        store. local_method: also extract local features by this method, e.g. "hotspotter"; "" for none.
        Raises NotFoundError for an unknown model, head, reference or local method.
        """
        embedder = self.connection.embedder
        requests = (
            embedder_pb2.EmbedStreamRequest(
                crop=crop_message(crop),
                model_id=model_id,
                survey_id=survey_id,
                head_digest=head_digest,
                preparation=preparation_message(preparation),
                local_method=local_method,
            )
            for crop in (by_image(crops) if isinstance(crops, Sequence) else crops)
        )
        for response in embedder.stream(embedder.stub.EmbedStream, requests):
            yield embedded(response.result, response)

    def embed_batch(
        self,
        crops: Sequence[Crop],
        *,
        model_id: str = "",
        survey_id: str = "",
        head_digest: str = "",
        preparation: Preparation | None = None,
        local_method: str = "",
    ) -> list[Embedded]:
        """The vectors of up to 16 crops, their `others` included, in one call; arguments as in `embed`.

        Crops that follow each other with the same image are sent together, and the image once.

        Raises OverloadedError at once if the embedder's queue is full, while `embed` waits.
        """
        embedder = self.connection.embedder
        request = embedder_pb2.EmbedRequest(
            crops=[crop_message(crop) for crop in by_image(crops)],
            model_id=model_id,
            survey_id=survey_id,
            head_digest=head_digest,
            preparation=preparation_message(preparation),
            local_method=local_method,
        )
        response = embedder.call(embedder.stub.Embed, request)
        return [embedded(result, response) for result in response.results]

    def heat_map(
        self,
        first: Crop,
        second: Crop,
        *,
        model_id: str = "",
        survey_id: str = "",
        preparation: Preparation | None = None,
        matches: int = 20,
    ) -> HeatMap:
        """Which parts of two crops make their base embeddings alike, with at most `matches` matched cells.

        The other arguments are as in `embed`. Raises UnreadableImageError for a crop that cannot be used,
        NotFoundError for an unknown model, PreconditionError for one whose vectors cannot be shared out.
        """
        embedder = self.connection.embedder
        request = heat_map_request(
            first,
            second,
            model_id=model_id,
            survey_id=survey_id,
            preparation=preparation,
            matches=matches,
        )
        return heat_map(embedder.call(embedder.stub.GetHeatMap, request))

    def add_reference(self, image: bytes) -> str:
        """Store the histogram of a reference image; returns the digest for `Preparation.reference_digest`."""
        embedder = self.connection.embedder
        request = embedder_pb2.AddReferenceImageRequest(image=image)
        return embedder.call(embedder.stub.AddReferenceImage, request).reference_digest

    def apply_head(self, head_digest: str, embeddings: npt.NDArray[np.floating]) -> Float32Array:
        """Adapted unit vectors (n, D) of base embeddings (n, D). Raises NotFoundError for the head."""
        embedder = self.connection.embedder
        request = embedder_pb2.ApplyHeadRequest(
            head_digest=head_digest, embeddings=messages.tensor(embeddings)
        )
        return messages.vector(embedder.call(embedder.stub.ApplyHead, request).embeddings)

    def models(self) -> Iterator[Model]:
        """The backbones that the embedder has loaded, ordered by id."""
        embedder = self.connection.embedder
        for page in embedder.pages(embedder.stub.ListModels, embedder_pb2.ListModelsRequest()):
            yield from (model(one) for one in page.models)

    def server_info(self) -> EmbedderInfo:
        """The embedder's version, limits and models."""
        embedder = self.connection.embedder
        return embedder_info(embedder.call(embedder.stub.GetServerInfo, embedder_pb2.GetServerInfoRequest()))
