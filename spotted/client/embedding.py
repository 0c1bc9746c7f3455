"""Calls to the embedder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from spotted import messages
from spotted.client.connection import Connection
from spotted.survey import Float32Array
from spotted.v1 import embedder_pb2, survey_pb2


@dataclass(frozen=True, slots=True)
class Crop:
    """A picture to embed, or the part of it that shows one animal.

    image: the encoded JPEG, PNG or WebP.
    box: x, y, width, height as fractions of the upright image; None for the whole image.
    """

    crop_id: str
    image: bytes
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """One crop's vector, or the message that says why it has none.

    vector: (D,) float32, unit length; None where the crop could not be read.
    """

    crop_id: str
    vector: Float32Array | None
    error: str
    spec: survey_pb2.EmbeddingSpec


class EmbedderCalls(Connection):
    """Images to vectors."""

    def embed(self, crops: Iterable[Crop], *, model_id: str = "") -> Iterator[Embedded]:
        """Vectors of crops, as they are ready, in any order. `crops` is drawn from while results come."""
        requests = (
            embedder_pb2.EmbedStreamRequest(crop=_crop_message(crop), model_id=model_id) for crop in crops
        )
        for answer in self._stream(self.embedder.EmbedStream, requests, "embedder"):
            result = answer.result
            readable = result.WhichOneof("outcome") == "embedding"
            vector = messages.vector(result.embedding) if readable else None
            yield Embedded(result.crop_id, vector, result.error.message, answer.spec)


def _crop_message(crop: Crop) -> embedder_pb2.Crop:
    fractions = None
    if crop.box is not None:
        x, y, width, height = crop.box
        fractions = survey_pb2.FractionBox(x=x, y=y, width=width, height=height)
    return embedder_pb2.Crop(crop_id=crop.crop_id, image=crop.image, fractions=fractions)
