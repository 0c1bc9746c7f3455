"""An embedder without a network: a vector drawn from the bytes of the image."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from spotted import __version__, messages
from spotted.errors import UnreadableImageError
from spotted.testing.server import Replies
from spotted.v1 import embedder_pb2 as pb
from spotted.v1 import survey_pb2

MODEL_ID = "fake"
DIMENSION = 16


class FakeEmbedder:
    """Equal images have equal vectors; others have nothing to do with each other.

    >>> from spotted.client import Crop
    >>> from spotted.testing import fake_services
    >>> with fake_services() as spotted:
    ...     zebra, again, lion = spotted.embed_batch(
    ...         [Crop(name, name.encode()) for name in ("zebra", "zebra", "lion")]
    ...     )
    >>> np.array_equal(zebra.vector, again.vector), np.array_equal(zebra.vector, lion.vector)
    (True, False)
    """

    def __init__(self) -> None:
        self.spec = survey_pb2.EmbeddingSpec(
            backbone_digest="f" * 64, preprocessing_digest="f" * 64, dimension=DIMENSION
        )
        self._model = pb.Model(model_id=MODEL_ID, version=__version__, spec=self.spec, device="cpu")

    def replies(self) -> Replies:
        """The rpcs that it answers, by name."""
        return {
            "Embed": self._embed,
            "EmbedStream": self._embed_stream,
            "AddReferenceImage": lambda request: pb.AddReferenceImageResponse(
                reference_digest=hashlib.sha256(request.image).hexdigest()
            ),
            "ListModels": lambda _: pb.ListModelsResponse(models=[self._model]),
            "GetServerInfo": lambda _: pb.GetServerInfoResponse(
                server=survey_pb2.ServerInfo(version=__version__),
                default_model_id=MODEL_ID,
                max_crops=16,
                models=[self._model],
            ),
        }

    def _embed(self, request: pb.EmbedRequest) -> pb.EmbedResponse:
        return pb.EmbedResponse(results=[_result(crop) for crop in request.crops], spec=self.spec)

    def _embed_stream(self, requests: Iterator[pb.EmbedStreamRequest]) -> Iterator[pb.EmbedStreamResponse]:
        for request in requests:
            yield pb.EmbedStreamResponse(result=_result(request.crop), spec=self.spec)


def _result(crop: pb.Crop) -> pb.EmbedResult:
    if not crop.image:
        error = survey_pb2.ItemError(
            reason=UnreadableImageError.reason, message="the image is empty; send an encoded image"
        )
        return pb.EmbedResult(crop_id=crop.crop_id, error=error)
    seed = int.from_bytes(hashlib.sha256(crop.image).digest()[:8], "little")
    vector = np.random.default_rng(seed).normal(size=DIMENSION)
    unit = (vector / np.linalg.norm(vector)).astype(np.float32)
    return pb.EmbedResult(crop_id=crop.crop_id, embedding=messages.tensor(unit))
