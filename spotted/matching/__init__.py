"""A whole survey's marks matched, and its calibration fitted: what services and batches do alike.

shortlists   which pairs are matched, and their matching block by block
calibrating  a calibration fitted to what is known of a survey's pairs
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spotted.lazy import lazy_face

if TYPE_CHECKING:
    from spotted.matching.calibrating import fit_to_known
    from spotted.matching.shortlists import (
        FeatureRows,
        MatchedBlock,
        draw_normalisers,
        match_pairs,
        owner_name,
        pairs_to_match,
    )

__all__ = [
    "FeatureRows",
    "MatchedBlock",
    "draw_normalisers",
    "fit_to_known",
    "match_pairs",
    "owner_name",
    "pairs_to_match",
]

# fitting needs scipy.optimize, which is slow to import
__getattr__ = lazy_face(
    __name__,
    {
        "calibrating": ("fit_to_known",),
        "shortlists": (
            "FeatureRows",
            "MatchedBlock",
            "draw_normalisers",
            "match_pairs",
            "owner_name",
            "pairs_to_match",
        ),
    },
)
