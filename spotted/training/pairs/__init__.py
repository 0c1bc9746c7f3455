"""Temporal pairs: photographs of one camera that most likely show the same animal, found without names.

They are what self-supervised methods learn from. This folder needs no torch.

detections  the detections of a survey as columns
overlap     the overlap of boxes
temporal    the pairs of a survey under some rules
counts      kept, ambiguous and wrong pairs, for one setting or a sweep; the drift of identity
report      the report on the pairs of a survey, and its figure
"""

from spotted.training.pairs.counts import (
    Drift,
    PairCounts,
    count_pairs,
    judge_pairs,
    measure_drift,
    sweep_pairs,
)
from spotted.training.pairs.detections import BoxedDetections, boxed_detections
from spotted.training.pairs.overlap import box_overlaps
from spotted.training.pairs.report import PairReport, draw_sweep, report_pairs
from spotted.training.pairs.temporal import SEVERAL, PairRules, Several, TemporalPairs, find_pairs

__all__ = [
    "SEVERAL",
    "BoxedDetections",
    "Drift",
    "PairCounts",
    "PairReport",
    "PairRules",
    "Several",
    "TemporalPairs",
    "box_overlaps",
    "boxed_detections",
    "count_pairs",
    "draw_sweep",
    "find_pairs",
    "judge_pairs",
    "measure_drift",
    "report_pairs",
    "sweep_pairs",
]
