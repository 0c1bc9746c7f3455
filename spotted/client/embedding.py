"""Calls to the embedder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from spotted import messages
from spotted.arrays import Float32Array
from spotted.client.connection import Connection
from spotted.v1 import embedder_pb2, survey_pb2


@dataclass(frozen=True, slots=True)
class Crop:
    """A picture to embed, or the part of it that shows one animal.

    image: the encoded JPEG, PNG or WebP.
    box: x, y, width, height as fractions of the upright image; None for the whole image.
    theta: radians by which the box is turned about its centre, clockwise as seen.
    mask_png: an encoded PNG of the upright image's size, not 0 where the animal is; b"" for none.
    """

    crop_id: str
    image: bytes
    box: tuple[float, float, float, float] | None = None
    theta: float = 0.0
    mask_png: bytes = b""


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

    def embed(
        self,
        crops: Iterable[Crop],
        *,
        model_id: str = "",
        survey_id: str = "",
        head_digest: str = "",
        preparation: embedder_pb2.Preparation | None = None,
    ) -> Iterator[Embedded]:
        """Vectors of crops, in their order, as they are ready; `crops` is drawn from while results come.

        model_id: "" for the server's default backbone. survey_id: whom the work is for; surveys share the
        server fairly. head_digest: a stored head to apply; "" for base embeddings, which surveys store.
        preparation: what is done to the images beyond the backbone's own preprocessing.
        """
        requests = (
            embedder_pb2.EmbedStreamRequest(
                crop=_crop_message(crop),
                model_id=model_id,
                survey_id=survey_id,
                head_digest=head_digest,
                preparation=preparation,
            )
            for crop in crops
        )
        for answer in self._stream(self.embedder.EmbedStream, requests, "embedder"):
            result = answer.result
            readable = result.WhichOneof("outcome") == "embedding"
            vector = messages.vector(result.embedding) if readable else None
            yield Embedded(result.crop_id, vector, result.error.message, answer.spec)

    def add_reference(self, image: bytes) -> str:
        """Keep the tones of a reference image, for `Preparation.reference_digest`; answers the digest."""
        request = embedder_pb2.AddReferenceImageRequest(image=image)
        with self._errors("embedder"):
            response = self.embedder.AddReferenceImage(request, timeout=self._timeout_s)
        return response.reference_digest


def _crop_message(crop: Crop) -> embedder_pb2.Crop:
    fractions = None
    if crop.box is not None:
        x, y, width, height = crop.box
        fractions = survey_pb2.FractionBox(x=x, y=y, width=width, height=height)
    message = embedder_pb2.Crop(crop_id=crop.crop_id, image=crop.image, fractions=fractions, theta=crop.theta)
    if crop.mask_png:
        message.mask_png = crop.mask_png
    return message
