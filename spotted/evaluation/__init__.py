"""How good scores and partitions are where the individuals are known.

retrieval           top-k and mean average precision
ranks               where the matches of each query rank, for several scores in one pass
outcomes            hits and precision per query
ties                expected metrics over all orders of equal scores
bootstrap           confidence intervals by resampling individuals
strata              results by side, time gap, distance and number of photographs
comparison          several scores side by side
hardest             the animals that are hardest to find
reliability         whether probabilities match observed frequencies
paper_figures       the published results, to set beside ours
feasibility_tuning  which feasibility setting ranks a survey's animals best
"""

from spotted.evaluation.bootstrap import FEWEST_INDIVIDUALS, Bootstrap, Interval
from spotted.evaluation.comparison import SCORES, TOP, Comparison, Found, Rankings, compare, rankings
from spotted.evaluation.feasibility_tuning import (
    Measured,
    Tuning,
    decays,
    gain_of,
    queries_of,
    tune,
    with_decays,
    with_speeds,
)
from spotted.evaluation.hardest import Hard, find_hardest
from spotted.evaluation.outcomes import Kin, Outcomes, kin, score_outcomes
from spotted.evaluation.paper_figures import Beside, beside, marks_of
from spotted.evaluation.ranks import Standings, standings
from spotted.evaluation.reliability import Reliability, held_out, measure_reliability
from spotted.evaluation.retrieval import (
    ANSWERS_PER_MINUTE,
    average_precision,
    hours,
    measure_retrieval,
)
from spotted.evaluation.strata import assign_strata
from spotted.evaluation.ties import TieGroups, expected_average_precision, expected_hits

__all__ = [
    "ANSWERS_PER_MINUTE",
    "FEWEST_INDIVIDUALS",
    "SCORES",
    "TOP",
    "Beside",
    "Bootstrap",
    "Comparison",
    "Found",
    "Hard",
    "Interval",
    "Kin",
    "Measured",
    "Outcomes",
    "Rankings",
    "Reliability",
    "Standings",
    "TieGroups",
    "Tuning",
    "assign_strata",
    "average_precision",
    "beside",
    "compare",
    "decays",
    "expected_average_precision",
    "expected_hits",
    "find_hardest",
    "gain_of",
    "held_out",
    "hours",
    "kin",
    "marks_of",
    "measure_reliability",
    "measure_retrieval",
    "queries_of",
    "rankings",
    "score_outcomes",
    "standings",
    "tune",
    "with_decays",
    "with_speeds",
]
