"""The figures of an evaluation."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
from PIL import Image, UnidentifiedImageError

from spotted.arrays import Float64Array, IntArray
from spotted.evaluation.comparison import ADAPTED, VISUAL, Comparison, SurveyRanks
from spotted.evaluation.hardest import HardQuery
from spotted.evaluation.reliability import Reliability
from spotted.ranking.gallery import Gallery
from spotted.ranking.ranker import Ranker
from spotted.reports import plots
from spotted.reports.page import Figure
from spotted.scoring.fusion import Fusion
from spotted.survey import Detection, Survey

# in a larger matrix single detections cannot be seen
MOST_SHOWN = 300
# candidates named in the text of the curves
DEEP = 10
# an image may be missing, not an image, or too large to be opened safely
UNREACHABLE = (OSError, ValueError, UnidentifiedImageError, Image.DecompressionBombError)
Read = Callable[[str], bytes]
MAP_CAPTION = (
    "Triangles are cameras; arrows follow the animals seen most in time, from the square where each was "
    "first to the diamond where it was last."
)


def draw_figures(
    survey: Survey,
    ranked: SurveyRanks,
    compared: Comparison,
    reliability: Mapping[str, Reliability],
    detections: Sequence[Detection],
) -> list[Figure]:
    """Curves, reliability, score matrices, feasibility, and the map of cameras with movements."""
    gallery = ranked.gallery
    appearance = ADAPTED if ADAPTED in ranked.ranks else VISUAL
    rows = most_seen(ranked.individuals)
    ranker = Ranker(gallery)
    visual, fused = (ranker.score_block(rows, rows, fusion) for fusion in (Fusion.VISUAL, Fusion.PRODUCT))
    names = [ranked.individuals[row] for row in rows.tolist()]
    curves = {score: (one.mean, one.share) for score, one in reliability.items()}
    return [
        Figure(
            "Found among the k best (CMC)",
            "Share of queries with a detection of the same animal among the k best candidates.",
            plots.cmc(compared.curves),
            _cmc_alt(compared.curves),
        ),
        *([_reliability(curves)] if curves else []),
        Figure(
            "Scores before and after fusion",
            f"Pairs of {len(rows)} detections of the animals seen most, ordered by individual: good scores "
            "show bright blocks on the diagonal.",
            plots.similarity_matrices(visual, fused, names, appearance=appearance),
            folded=True,
        ),
        draw_feasibility(gallery),
        Figure(
            "Cameras and movements",
            MAP_CAPTION,
            plots.camera_map(
                survey, [d.camera_id for d in detections], gallery.table.time_s, ranked.individuals
            ),
        ),
    ]


def draw_feasibility(gallery: Gallery) -> Figure:
    """The feasibility of journeys within a survey."""
    return Figure(
        "Feasibility",
        "Feasibility of a journey by distance and time within this survey (Spotted eq. 3).",
        plots.feasibility_surface(gallery.extent, decay=gallery.params.decay),
        folded=True,
    )


def draw_strips(
    ranked: SurveyRanks, hard: Sequence[HardQuery], detections: Sequence[Detection], read: Read
) -> tuple[list[Figure], int]:
    """The hardest queries as pictures, and how many are missing because an image cannot be read.

    read: returns the encoded image at an `image_uri`; raises OSError or ValueError if it cannot.
    """
    shown = []
    for one in hard:
        rows = [one.query, one.right, *one.wrong]
        try:
            images = [_checked(read(detections[row].image_uri)) for row in rows]
        except UNREACHABLE:
            continue
        shown.append(_strip(ranked, one, [detections[row] for row in rows], images))
    return shown, len(hard) - len(shown)


def read_image(uri: str) -> bytes:
    """The bytes of an image by path or file: URI. Raises OSError or ValueError if it cannot be read."""
    parts = urlsplit(uri)
    if parts.scheme not in {"", "file"} or not parts.path:
        raise ValueError(f"{uri!r} is not a path or file: URI")
    return Path(unquote(parts.path) if parts.scheme else uri).read_bytes()


def most_seen(individuals: Sequence[str], most: int = MOST_SHOWN) -> IntArray:
    """Ascending rows of the individuals seen most, as many whole individuals as fit into `most` rows.

    The first individual is always included, cut to `most` rows.

    >>> most_seen(["Tau", "Asha", "Asha", "Tau", "Asha", ""], most=3).tolist()
    [1, 2, 4]
    """
    counts = Counter(individual for individual in individuals if individual)
    chosen: set[str] = set()
    room = most
    for individual, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if count <= room or not chosen:
            chosen.add(individual)
            room -= count
    return np.array([row for row, one in enumerate(individuals) if one in chosen], dtype=np.int64)[:most]


def _cmc_alt(curves: Mapping[str, Float64Array]) -> str:
    best = "; ".join(
        f"{score} {100 * share[0]:.0f} % first, {100 * share[min(len(share), DEEP) - 1]:.0f} % among {DEEP}"
        for score, share in curves.items()
        if len(share)
    )
    return f"Queries whose animal is found: {best}."


def _reliability(curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    return Figure(
        "Reliability of probabilities",
        "Pairs of individuals that the calibration was not fitted on; on the dotted line the probability "
        "equals the share of same pairs.",
        plots.reliability(curves),
    )


def _checked(content: bytes) -> bytes:
    """The same image, after checking that it can be opened."""
    with Image.open(io.BytesIO(content)) as image:
        image.load()
    return content


def _strip(
    ranked: SurveyRanks, one: HardQuery, shown: Sequence[Detection], images: Sequence[bytes]
) -> Figure:
    others = np.array([one.right, *one.wrong])
    scores = ranked.gallery.score_pairs(np.full(len(others), one.query), others).fused.tolist()
    lines = ["query", *(f"fused {score:.3f}" for score in scores)]
    same = [None, True, *(False for _ in one.wrong)]
    pictures = [
        plots.Thumbnail(image, (line, detection.camera_id), same=truth)
        for image, line, detection, truth in zip(images, lines, shown, same, strict=True)
    ]
    caption = (
        f"{one.above} candidates score more than the best detection of {shown[0].individual_id} (green, "
        "tick); the best candidates of other animals are orange, with a cross."
    )
    return Figure(f"Hard to find again: {shown[0].detection_id}", caption, plots.strip(pictures))
