"""The parts of two photographs that make their vectors alike, drawn over them."""

from __future__ import annotations

from collections.abc import Sequence

from spotted.client import Crop, Spotted
from spotted.client.values import ScoreSpec
from spotted.errors import PreconditionError

# an image file and the box of the animal: x, y, width and height as fractions; None for the whole image
Photograph = tuple[bytes, tuple[float, float, float, float] | None]
# lines between more cells hide the animal
LINES = 8


def drawn_heat(
    spotted: Spotted, survey_id: str, photographs: Sequence[Photograph], spec: ScoreSpec
) -> tuple[bytes, str]:
    """A PNG of two photographs of a survey, and a text that says what it shows.

    spec: of the scores of the survey. Raises PreconditionError if the embedder has another backbone.
    """
    from spotted.reports.heat_maps import draw_heat  # noqa: PLC0415 - only drawings need Pillow

    embedding = spec.embedding
    if embedding is None:
        raise PreconditionError(f"survey {survey_id!r} holds no vectors; run `spotted embed` first")
    model_id = _model_of(spotted, embedding.backbone_digest)
    first, second = (Crop(str(n), image, box) for n, (image, box) in enumerate(photographs))
    heat = spotted.heat_map(first, second, model_id=model_id, survey_id=survey_id, matches=LINES)
    matches = [(one.first_x, one.first_y, one.second_x, one.second_y) for one in heat.matches]
    drawn = draw_heat(photographs[0], photographs[1], (heat.first, heat.second), matches, padded=heat.padded)
    said = f"the parts that make up the similarity {heat.similarity:.4f} of the vectors of {model_id}"
    if heat.spec.preprocessing_digest != embedding.preprocessing_digest:
        said += ", of photographs as taken, though those of the survey were prepared in another way,"
    elif spec.head_digest:
        said += ", without the head of the survey,"
    return drawn, said


def _model_of(spotted: Spotted, digest: str) -> str:
    """The backbone of the embedder with which the survey was embedded."""
    for model in spotted.models():
        if model.spec.backbone_digest == digest:
            return model.model_id
    raise PreconditionError(
        f"the embedder has not loaded the backbone of this survey ({digest[:12]}); start it with that "
        "backbone (`spotted up --backbone`), or omit --heat"
    )
