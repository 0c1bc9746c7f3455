"""Crops of one call to outcomes: each may fail alone, all share the backbone's batches."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.common.access import caller
from services.common.survey.heads import HeadStore, StoredHead
from services.embedder.images.preprocessing import ImageCrop, Preprocessing
from services.embedder.images.references import ReferenceStore
from services.embedder.images.segmenting import Segmenter
from services.embedder.images.tones import Tone
from services.embedder.inference.fair_queue import Share
from services.embedder.inference.image_embedder import Embedding, ImageEmbedder, Way
from spotted.errors import (
    DigestMismatchError,
    NotFoundError,
    PreconditionError,
    SpottedError,
    UnreadableImageError,
)


@dataclass(frozen=True, slots=True)
class NamedCrop:
    """A crop under its caller's id."""

    crop_id: str
    crop: ImageCrop


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a crop: its embedding, or the error that it met alone."""

    crop_id: str
    result: Embedding | SpottedError


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a call wants its crops embedded, and for which survey; "" and None where it does not say."""

    survey_id: str
    head_digest: str
    tone: Tone
    reference_digest: str
    segmented: bool
    fill: tuple[int, int, int] | None

    @property
    def plain(self) -> bool:
        """Whether images are prepared as the backbone's manifest says, and no further."""
        return self.tone is Tone.AS_TAKEN and not self.segmented and self.fill is None


@dataclass(frozen=True, slots=True)
class Stores:
    """What calls name by digest."""

    heads: HeadStore
    references: ReferenceStore


class Embedders:
    """The loaded backbones of a process, by model id, and what calls may add to them."""

    def __init__(
        self,
        embedders: Sequence[ImageEmbedder],
        default_model_id: str,
        stores: Stores,
        segmenter: Segmenter | None = None,
    ) -> None:
        self._by_id = {e.backbone.manifest.model_id: e for e in embedders}
        self.default_model_id = default_model_id
        self.stores = stores
        self.segmenter = segmenter

    @property
    def all(self) -> list[ImageEmbedder]:
        """All of them, by model id."""
        return [self._by_id[model_id] for model_id in sorted(self._by_id)]

    def get(self, model_id: str) -> ImageEmbedder:
        """The one of a model id, "" for the default. Raises NotFoundError that names those there are."""
        embedder = self._by_id.get(model_id or self.default_model_id)
        if embedder is None:
            loaded = ", ".join(sorted(self._by_id))
            raise NotFoundError(f"model {model_id!r} is not loaded; this server has {loaded}")
        return embedder

    async def way(self, embedder: ImageEmbedder, wanted: Wanted, *, bulk: bool) -> Way:
        """How a call's crops are embedded.

        Raises NotFoundError for a head or reference, DigestMismatchError for a head of other vectors,
        PreconditionError where no segmenter is loaded.
        """
        organisation = caller.current_caller().organisation
        share = Share(wanted.survey_id or organisation, bulk)
        preprocessing = embedder.backbone.preprocessing
        if not wanted.plain:
            preprocessing = await asyncio.to_thread(self._preprocessing, preprocessing, wanted, organisation)
        if not wanted.head_digest:
            return Way(share, preprocessing)
        head = await asyncio.to_thread(self.stores.heads.get, wanted.head_digest, organisation)
        return Way(share, preprocessing, _fitting(head, embedder, preprocessing))

    async def close(self) -> None:
        """Finish what was admitted."""
        for embedder in self.all:
            await embedder.close()

    def _preprocessing(self, base: Preprocessing, wanted: Wanted, organisation: str) -> Preprocessing:
        if wanted.segmented and self.segmenter is None:
            raise PreconditionError(
                "this embedder has no segmenter; set SPOTTED_SEGMENTER to the directory of one, send masks, "
                "or ask without `segmented`"
            )
        matched = wanted.tone is Tone.MATCHED
        return replace(
            base,
            tone=wanted.tone,
            reference=self.stores.references.get(wanted.reference_digest, organisation) if matched else None,
            segmenter=self.segmenter if wanted.segmented else None,
            fill=base.fill if wanted.fill is None else wanted.fill,
        )


def _fitting(head: StoredHead, embedder: ImageEmbedder, preprocessing: Preprocessing) -> StoredHead:
    here = (embedder.backbone.digest, preprocessing.digest)
    there = (head.spec.backbone_digest, head.spec.preprocessing_digest)
    if here != there:
        raise DigestMismatchError(
            f"head {head.digest[:12]} was trained on vectors of backbone {there[0][:12]} and preprocessing "
            f"{there[1][:12]}, and this call asks for {here[0][:12]} and {here[1][:12]}; embed as it was "
            "trained, or train another head"
        )
    return head


async def embed_all(
    embedder: ImageEmbedder, crops: Sequence[NamedCrop], way: Way, deadline_s: float | None
) -> list[Outcome]:
    """The outcomes of a few crops, in their order. Raises what concerns the call as a whole."""
    if len(crops) == 1:
        return [await embed_one(embedder, crops[0], way, deadline_s)]
    try:
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(embed_one(embedder, crop, way, deadline_s)) for crop in crops]
    except ExceptionGroup as group:
        raise group.exceptions[0] from group
    return [task.result() for task in asked]


async def embed_one(embedder: ImageEmbedder, crop: NamedCrop, way: Way, deadline_s: float | None) -> Outcome:
    """The outcome of one crop; what is wrong with the crop itself is its outcome."""
    try:
        return Outcome(crop.crop_id, await embedder.embed(crop.crop, way, deadline_s))
    except (UnreadableImageError, PreconditionError) as error:
        return Outcome(crop.crop_id, error)
