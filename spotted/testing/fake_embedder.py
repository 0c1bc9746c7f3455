"""An embedder without a network: a vector drawn from the bytes of the image."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from spotted import __version__, messages
from spotted.arrays import Float32Array
from spotted.errors import NotFoundError, UnreadableImageError
from spotted.testing.fake_local_features import METHOD, SPEC, extract
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
            "GetHeatMap": self._heat_map,
            "ListModels": lambda _: pb.ListModelsResponse(models=[self._model]),
            "GetServerInfo": lambda _: pb.GetServerInfoResponse(
                server=survey_pb2.ServerInfo(version=__version__),
                default_model_id=MODEL_ID,
                max_crops=16,
                models=[self._model],
                local_methods=[METHOD],
            ),
        }

    def _embed(self, request: pb.EmbedRequest) -> pb.EmbedResponse:
        method = request.local_method
        results = [result for crop in request.crops for result in _results(crop, method)]
        return pb.EmbedResponse(results=results, spec=self.spec, local_spec=SPEC if method else None)

    def _embed_stream(self, requests: Iterator[pb.EmbedStreamRequest]) -> Iterator[pb.EmbedStreamResponse]:
        method = ""
        for request in requests:
            method = method or request.local_method
            for result in _results(request.crop, method):
                yield pb.EmbedStreamResponse(
                    result=result, spec=self.spec, local_spec=SPEC if method else None
                )

    def _heat_map(self, request: pb.GetHeatMapRequest) -> pb.GetHeatMapResponse:
        """As if each cell of a grid of 2 x 2 had a quarter of either vector."""
        one, two = (_vector(crop.image) for crop in (request.first, request.second))
        similarity = float(one @ two)
        shares = messages.tensor(np.full((2, 2), similarity / 4, dtype=np.float32))
        return pb.GetHeatMapResponse(
            similarity=similarity,
            first=shares,
            second=shares,
            matches=[pb.MatchedCells(first_x=0.25, first_y=0.25, second_x=0.25, second_y=0.25, share=0.0625)],
            spec=self.spec,
        )


def _results(crop: pb.Crop, local_method: str) -> list[pb.EmbedResult]:
    """The results of a crop and of the others in its image."""
    result = _result(crop, local_method)
    results = [result]
    for other in crop.others:
        results.append(pb.EmbedResult())
        results[-1].CopyFrom(result)
        results[-1].crop_id = other.crop_id
    return results


def _result(crop: pb.Crop, local_method: str) -> pb.EmbedResult:
    if local_method not in {"", METHOD}:
        raise NotFoundError(f"this fake cannot extract local features by {local_method!r}; use {METHOD!r}")
    if not crop.image:
        error = survey_pb2.ItemError(
            reason=UnreadableImageError.reason, message="the image is empty; send an encoded image"
        )
        return pb.EmbedResult(crop_id=crop.crop_id, error=error)
    return pb.EmbedResult(
        crop_id=crop.crop_id,
        embedding=messages.tensor(_vector(crop.image)),
        local_features=extract(crop.image) if local_method else b"",
    )


def _vector(image: bytes) -> Float32Array:
    """The unit vector (DIMENSION,) drawn from the bytes of an image."""
    seed = int.from_bytes(hashlib.sha256(image).digest()[:8], "little")
    vector = np.random.default_rng(seed).normal(size=DIMENSION)
    unit: Float32Array = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit
