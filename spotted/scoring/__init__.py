"""The score of a pair of detections.

Visual similarity of two embeddings is fused with spatio-temporal feasibility: whether one animal could have
travelled between the two cameras in the time between. Arrays in, arrays out.

geometry     distances and time gaps between detections
feasibility  whether one animal could have made each journey (Spotted eqs. 1-3)
similarity   the cosine of two embeddings, clipped at zero (Spotted eq. 5)
fusion       the ways to combine the two, the paper's product by default
local_pairs  local scores of the pairs that were matched, a sparse table
pair_scores  the fused score of pairs, exact or as bounds
bounds       cheap bounds that rule pairs out before the exact score is computed
cells        which parts of two photographs make their vectors alike
parallel     work on several items at once, results in input order
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spotted.lazy import lazy_face

if TYPE_CHECKING:
    from spotted.scoring.cells import match_cells, similarity_shares
    from spotted.scoring.feasibility import (
        FeasibilityParams,
        compute_feasibility,
        describe_journey,
        journey_feasibility,
        needed_speed_kmh,
        pair_feasibility,
        softened_journey,
    )
    from spotted.scoring.fusion import Fusion, fuse
    from spotted.scoring.local_pairs import LocalPairs
    from spotted.scoring.pair_scores import PairScores, Scoring
    from spotted.scoring.parallel import SERIAL, Runner, map_ahead, open_runner
    from spotted.scoring.similarity import (
        approximate_similarity,
        normalise_rows,
        pair_similarity,
        product_error,
        single_precision,
        unit_rows,
    )

__all__ = [
    "SERIAL",
    "FeasibilityParams",
    "Fusion",
    "LocalPairs",
    "PairScores",
    "Runner",
    "Scoring",
    "approximate_similarity",
    "compute_feasibility",
    "describe_journey",
    "fuse",
    "journey_feasibility",
    "map_ahead",
    "match_cells",
    "needed_speed_kmh",
    "normalise_rows",
    "open_runner",
    "pair_feasibility",
    "pair_similarity",
    "product_error",
    "similarity_shares",
    "single_precision",
    "softened_journey",
    "unit_rows",
]

# clients need the settings only; calibrated scores need scipy
__getattr__ = lazy_face(
    __name__,
    {
        "cells": ("match_cells", "similarity_shares"),
        "feasibility": (
            "FeasibilityParams",
            "compute_feasibility",
            "describe_journey",
            "journey_feasibility",
            "needed_speed_kmh",
            "pair_feasibility",
            "softened_journey",
        ),
        "fusion": ("Fusion", "fuse"),
        "local_pairs": ("LocalPairs",),
        "pair_scores": ("PairScores", "Scoring"),
        "parallel": ("SERIAL", "Runner", "map_ahead", "open_runner"),
        "similarity": (
            "approximate_similarity",
            "normalise_rows",
            "pair_similarity",
            "product_error",
            "single_precision",
            "unit_rows",
        ),
    },
)
