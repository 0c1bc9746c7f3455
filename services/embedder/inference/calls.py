"""Embed calls resolved against the loaded backbones, and the results of their crops.

A crop that cannot be embedded fails by itself, an image that cannot be decoded with all of its crops; all
crops share the batches of their backbone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from services.embedder.images import separate_process
from services.embedder.images.decoding import Decoding, decode
from services.embedder.images.footprints import image_footprint
from services.embedder.images.local_extraction import LoadedExtractor
from services.embedder.images.parts import PART_ERRORS
from services.embedder.images.photograph import Photograph
from services.embedder.images.preprocessing import Preprocessing
from services.embedder.images.segmenting import Segmenter
from services.embedder.images.tones import Reference, Tone
from services.embedder.inference.decoding_budget import Hold
from services.embedder.inference.fair_queue import Share
from services.embedder.inference.image_embedder import Embedding, EmbedPlan, ImageEmbedder
from services.embedder.inference.ordered_stream import in_order
from services.embedder.inference.stored import Head, Stores
from spotted.arrays import Float32Array
from spotted.boxes.cropping import Colour
from spotted.errors import (
    DeadlineError,
    DigestMismatchError,
    NotFoundError,
    PreconditionError,
    SpottedError,
)
from spotted.local_features.methods import METHODS, missing_extra


@dataclass(frozen=True, slots=True)
class NamedPhotograph:
    """An image with the ids that the caller gave its parts."""

    crop_ids: tuple[str, ...]
    photograph: Photograph


@dataclass(frozen=True, slots=True)
class CropResult:
    """The embedding of a crop, or the error that concerns this crop only."""

    crop_id: str
    embedding: Embedding | SpottedError


@dataclass(frozen=True, slots=True)
class EmbedOptions:
    """How a call asks for its crops to be embedded; "" and None if it does not say."""

    model_id: str = ""
    """Backbone; "": the default of this server."""
    survey_id: str = ""
    """Survey whose share of the queue is used; "": the share of the organisation."""
    head_digest: str = ""
    """Adaptation head to apply; "": base embeddings."""
    tone: Tone = Tone.AS_TAKEN
    """Tone map of the image."""
    reference_digest: str = ""
    """Reference image for Tone.MATCHED."""
    segmented: bool = False
    """Mask crops that come without a mask by the segmenter."""
    fill: Colour | None = None
    """Colour outside masks and images; None: the mean colour of the backbone."""
    local_method: str = ""
    """Method of local features to extract as well; "": none."""
    decoding: Decoding = Decoding.EXACT
    """How JPEG files are decoded; FAST not with local features."""
    cells: bool = False
    """Whether the part of each cell in the vectors is wanted."""

    @property
    def default_preparation(self) -> bool:
        """Whether images are prepared as the manifest of the backbone says, without additions."""
        as_taken = self.tone is Tone.AS_TAKEN and self.decoding is Decoding.EXACT
        return as_taken and not self.segmented and self.fill is None


@dataclass(frozen=True, slots=True)
class EmbedCall:
    """A call whose options are resolved: its backbone, and how its crops are embedded."""

    embedder: ImageEmbedder
    plan: EmbedPlan

    async def embed_all(
        self, images: Sequence[NamedPhotograph], deadline_s: float | None
    ) -> list[CropResult]:
        """The results of a few images, in the order of their parts.

        Raises errors that concern the whole call.
        """
        if len(images) == 1:
            return await self.embed_one(images[0], deadline_s)
        try:
            async with asyncio.TaskGroup() as tasks:
                embedding = [tasks.create_task(self.embed_one(image, deadline_s)) for image in images]
        except ExceptionGroup as group:
            raise group.exceptions[0] from group
        return [result for task in embedding for result in task.result()]

    async def embed_stream(
        self, images: AsyncIterator[NamedPhotograph], time_left_s: Callable[[], float | None]
    ) -> AsyncIterator[CropResult]:
        """The results of any number of images, in the order of their parts.

        time_left_s: seconds until the caller's deadline, asked when an image is submitted; None: no deadline.
        """
        async with aclosing(in_order(images, lambda image: self.embed_one(image, time_left_s()))) as embedded:
            async for results in embedded:
                for result in results:
                    yield result

    async def embed_one(self, image: NamedPhotograph, deadline_s: float | None) -> list[CropResult]:
        """The results of the parts of one image. Raises errors that concern the whole call."""
        embedded: Sequence[Embedding | SpottedError]
        try:
            embedded = await self.embedder.embed(image.photograph, self.plan, deadline_s)
        except PART_ERRORS as error:
            embedded = [error] * len(image.crop_ids)
        return [CropResult(*pair) for pair in zip(image.crop_ids, embedded, strict=True)]


class Embedders:
    """The loaded backbones of a process, by model id, and the stores that calls refer to."""

    def __init__(
        self,
        embedders: Sequence[ImageEmbedder],
        default_model_id: str,
        stores: Stores,
        segmenter: Segmenter | None = None,
        extractors: Mapping[str, LoadedExtractor] | None = None,
    ) -> None:
        """Begin. extractors: methods of local features by name."""
        self._by_id = {e.backbone.manifest.model_id: e for e in embedders}
        self.default_model_id = default_model_id
        self.segmenter = segmenter
        self.extractors = extractors or {}
        self._stores = stores

    @property
    def all(self) -> list[ImageEmbedder]:
        """All of them, by model id."""
        return [self._by_id[model_id] for model_id in sorted(self._by_id)]

    def get(self, model_id: str) -> ImageEmbedder:
        """The embedder of a model id, "" for the default. Raises NotFoundError with the loaded ids."""
        embedder = self._by_id.get(model_id or self.default_model_id)
        if embedder is None:
            loaded = ", ".join(sorted(self._by_id))
            raise NotFoundError(f"model {model_id!r} is not loaded; this server has {loaded}")
        return embedder

    async def open_call(self, options: EmbedOptions, *, bulk: bool, organisation: str = "") -> EmbedCall:
        """Resolve the options of a call of an organisation. bulk: whether it is a stream.

        Raises NotFoundError for an unknown model, head, reference or local method, DigestMismatchError for a
        head trained on other vectors, PreconditionError if a segmenter is asked for and none is loaded, or
        cells and the backbone has none.
        """
        embedder = self.get(options.model_id)
        share = Share(options.survey_id or organisation, bulk)
        preprocessing = embedder.backbone.preprocessing
        if not options.default_preparation:
            preprocessing = await asyncio.to_thread(self._preprocessing, preprocessing, options, organisation)
        extractor = self._extractor(options.local_method) if options.local_method else None
        if options.cells:
            embedder.backbone.require_cells()
        plan = EmbedPlan(share, preprocessing, extractor=extractor, cells=options.cells)
        if not options.head_digest:
            return EmbedCall(embedder, plan)
        head = await asyncio.to_thread(self._stores.heads.get, options.head_digest, organisation)
        _check_head(head, embedder, preprocessing)
        return EmbedCall(embedder, replace(plan, head=head))

    async def apply_head(
        self, head_digest: str, embeddings: Float32Array, organisation: str = ""
    ) -> Float32Array:
        """Base embeddings (n, dimension) adapted by a stored head of an organisation.

        Raises NotFoundError for the head, DigestMismatchError if it adapts another dimension.
        """
        head = await asyncio.to_thread(self._stores.heads.get, head_digest, organisation)
        return await asyncio.to_thread(head.apply, embeddings)

    async def add_reference(self, image: bytes, organisation: str = "") -> str:
        """Store the histograms of an image file as a reference of an organisation.

        Returns their digest. Raises UnreadableImageError.
        """
        max_pixels = min(e.max_pixels for e in self.all)
        needed = await asyncio.to_thread(image_footprint, image, max_pixels=max_pixels)
        async with self.get("").budget.held(Share(organisation, bulk=False), needed) as hold:
            if hold.costly:
                counts = await separate_process.count_levels(image, needed, max_pixels=max_pixels)
                reference = Reference.from_counts(counts)
            else:
                reference = await asyncio.to_thread(_reference, image, max_pixels, hold)
        return await asyncio.to_thread(self._stores.references.put, reference, organisation)

    async def close(self) -> None:
        """Finish all admitted work."""
        for embedder in self.all:
            await embedder.close()

    def _extractor(self, method: str) -> LoadedExtractor:
        extractor = self.extractors.get(method)
        if extractor is None:
            known = ", ".join(sorted(self.extractors))
            extra = missing_extra(method) if method in METHODS else "" if known else "local"
            missing = f"install the extra `{extra}` in the embedder" if extra else ""
            remedy = ", or ".join(filter(None, [missing, f"use one of {known}" if known else ""]))
            raise NotFoundError(f"this embedder cannot extract local features by {method!r}; {remedy}")
        return extractor

    def _preprocessing(self, base: Preprocessing, options: EmbedOptions, organisation: str) -> Preprocessing:
        if options.segmented and self.segmenter is None:
            raise PreconditionError(
                "this embedder has no segmenter; set SPOTTED_SEGMENTER to the directory of one, send masks, "
                "or embed without `segmented`"
            )
        references = self._stores.references
        matched = options.tone is Tone.MATCHED
        return replace(
            base,
            tone=options.tone,
            reference=references.get(options.reference_digest, organisation) if matched else None,
            segmenter=self.segmenter if options.segmented else None,
            fill=base.fill if options.fill is None else options.fill,
            decoding=options.decoding,
        )


def _reference(image: bytes, max_pixels: int, hold: Hold) -> Reference:
    if not hold.begin():
        raise DeadlineError("the caller of this reference left before it was decoded; send it again")
    try:
        return Reference.of(decode(image, max_pixels=max_pixels))
    finally:
        hold.end()


def _check_head(head: Head, embedder: ImageEmbedder, preprocessing: Preprocessing) -> None:
    asked = (embedder.backbone.digest, preprocessing.digest)
    trained = (head.spec.backbone_digest, head.spec.preprocessing_digest)
    if asked != trained:
        raise DigestMismatchError(
            f"head {head.digest[:12]} was trained on vectors of backbone {trained[0][:12]} and preprocessing "
            f"{trained[1][:12]}, but this call uses {asked[0][:12]} and {asked[1][:12]}; use the backbone "
            "and the preparation that it was trained on, or train another head"
        )
