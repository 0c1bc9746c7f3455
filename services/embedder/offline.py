"""Photographs of files embedded without a server, by the steps of a served call: `spotted batch embed`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from services.embedder.images.local_extraction import LoadedExtractor, load_extractor, local_digest
from services.embedder.images.parts import PART_ERRORS, PartError, PreparedCrop, prepare_parts
from services.embedder.images.photograph import CropPart, Photograph
from services.embedder.inference.backbones import Backbone, load_backbone
from spotted.batch.embedding import EmbeddedPicture, EmbedJob, pictures_of, write_block
from spotted.batch.places import open_place
from spotted.batch.survey_files import ReadJob, read_back
from spotted.boxes.cropping import FractionBox
from spotted.client.values import EmbeddingSpec, LocalFeatureSpec
from spotted.errors import InvalidInputError, NotFoundError, PreconditionError
from spotted.formats.image_kinds import read_sendable
from spotted.formats.picture import Picture
from spotted.local_features.methods import METHODS, missing_extra

# photographs whose crops are prepared before they are embedded together
TOGETHER = 8


@dataclass(frozen=True, slots=True)
class OfflineEmbedder:
    """A backbone, and the extractor of local features if they are asked for."""

    backbone: Backbone
    extractor: LoadedExtractor | None

    @property
    def spec(self) -> EmbeddingSpec:
        """How vectors are made."""
        steps = self.backbone.preprocessing
        return EmbeddingSpec(self.backbone.digest, steps.digest, self.backbone.manifest.dimension)

    @property
    def local(self) -> LocalFeatureSpec | None:
        """How local features are made; None for none."""
        if self.extractor is None:
            return None
        digest = local_digest(self.extractor, self.backbone.preprocessing)
        return LocalFeatureSpec(self.extractor.spec.name, digest)

    def embed(self, source: str, pictures: Sequence[Picture]) -> list[EmbeddedPicture]:
        """The detections of a block, in their order. source: folder or URL of their photographs."""
        prepared: list[PreparedCrop | str] = []
        results: list[EmbeddedPicture] = []
        for number, (path, group) in enumerate(groupby(pictures, lambda picture: picture.path), 1):
            prepared += self._prepared(source, path, list(group))
            if number % TOGETHER == 0:
                results += self._embedded(prepared)
                prepared = []
        return results + self._embedded(prepared)

    def _embedded(self, prepared: Sequence[PreparedCrop | str]) -> list[EmbeddedPicture]:
        vectors = iter(self.backbone.embed([one.pixels for one in prepared if not isinstance(one, str)]))
        results = []
        for one in prepared:
            vector = one if isinstance(one, str) else next(vectors)
            if isinstance(vector, str | PreconditionError):
                results.append(EmbeddedPicture(error=str(vector)))
            elif not isinstance(one, str):
                results.append(EmbeddedPicture(vector, one.local_features))
        return results

    def _prepared(
        self, source: str, path: Path | None, pictures: Sequence[Picture]
    ) -> list[PreparedCrop | str]:
        """The crops of one photograph, or why there are none."""
        if path is None:
            return ["it has no photograph"] * len(pictures)
        parts = tuple(CropPart(FractionBox(*one.box) if one.box else None) for one in pictures)
        made: Sequence[PreparedCrop | PartError]
        try:
            with open_place(source).local_file(path.as_posix()) as file:
                content = read_sendable(file)
            made = prepare_parts(Photograph(content, parts), self.backbone.preprocessing, self.extractor)
        except OSError as error:
            return [f"{path} cannot be read: {error.strerror or error}"] * len(pictures)
        except (InvalidInputError, NotFoundError, *PART_ERRORS) as error:
            return [f"{path}: {error}"] * len(pictures)
        return [f"{path}: {one}" if isinstance(one, PART_ERRORS) else one for one in made]


@lru_cache(1)
def load_offline(models: Path, model_id: str, local_method: str) -> OfflineEmbedder:
    """A backbone with an extractor, loaded once in each process. local_method: "" for none.

    Raises NotFoundError for a backbone that is missing, PreconditionError for a damaged one, and
    InvalidInputError for a method whose marks a batch cannot match.
    """
    backbone = load_backbone(models, model_id)
    if not local_method:
        return OfflineEmbedder(backbone, None)
    if local_method not in METHODS:
        raise InvalidInputError(
            f"a batch cannot match marks by {local_method!r}; use one of {', '.join(METHODS)}"
        )
    extra = missing_extra(local_method)
    if extra:
        raise PreconditionError(f"{local_method} needs the extra `{extra}`: pip install 'spotted[{extra}]'")
    return OfflineEmbedder(backbone, load_extractor(models, local_method))


def embed_block(job: EmbedJob, read: ReadJob, number: int) -> None:
    """Embed a block of a survey and write it; runs in any process with access to files and models.

    Raises PreconditionError if the models of this machine are others than those of the job.
    """
    filed = read_back(read)
    embedder = load_offline(Path(job.models), job.model_id, job.local.method if job.local else "")
    if (embedder.spec, embedder.local) != (job.spec, job.local):
        raise PreconditionError(
            f"backbone {job.model_id!r} in {job.models} is not the one of this batch; install the same "
            "models on every machine"
        )
    write_block(job, number, embedder.embed(job.source, pictures_of(job, filed, number)))
