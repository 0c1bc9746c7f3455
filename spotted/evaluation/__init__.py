"""Measures of scores and partitions on surveys whose individuals are known.

retrieval           top-k and mean average precision of one score
comparison          several scores on one survey, with intervals, strata and gains
backbones           the rankings of two backbones, and how far they agree
probes              how well frozen vectors tell known individuals apart, and find unseen ones
partition           agreement of individuals found with known individuals
without_answers     individuals found without any answer, and new animals distinguished from known ones
given_names         agreement of names that people gave with known names
ruled_out           the true matches that feasibility rules out
hardest             the animals that are hardest to find again
reliability         deviation of probabilities from observed frequencies
feasibility_tuning  the feasibility setting that ranks the animals of a survey best
paper_figures       published results, to compare with measured ones
ranks               ranks of pairs in the rankings of their queries, several scores in one pass
outcomes            hits and average precision per query
ties                expected metrics over all orders of equal scores
bootstrap           confidence intervals by resampling individuals
strata              pairs by side, time gap, distance and number of photographs
"""

from spotted.evaluation.backbones import (
    Agreement,
    BackboneComparison,
    compare_backbones,
    measure_agreement,
)
from spotted.evaluation.bootstrap import FEWEST_INDIVIDUALS, Bootstrap, Interval
from spotted.evaluation.comparison import (
    SCORES,
    TOP,
    Comparison,
    ScoreMetrics,
    SurveyRanks,
    compare,
    rank_survey,
)
from spotted.evaluation.feasibility_tuning import (
    Gain,
    SettingMetrics,
    Tuning,
    choose_queries,
    decay_grid,
    measure_gain,
    tune,
    with_decays,
    with_speeds,
)
from spotted.evaluation.hardest import HardQuery, find_hardest
from spotted.evaluation.outcomes import QueryMetrics, RelevantPairs, find_relevant_pairs, measure_queries
from spotted.evaluation.paper_figures import (
    PaperComparison,
    PaperFigures,
    compare_with_paper,
    find_paper_figures,
)
from spotted.evaluation.partition import PartitionMetrics, measure_partition
from spotted.evaluation.probes import (
    Probes,
    classify_by_neighbours,
    classify_linearly,
    measure_unseen,
    run_probes,
)
from spotted.evaluation.ranks import PairRanks, rank_pairs
from spotted.evaluation.reliability import Reliability, measure_held_out, measure_reliability
from spotted.evaluation.retrieval import (
    ANSWERS_PER_MINUTE,
    Retrieval,
    average_precision,
    hours,
    measure_retrieval,
)
from spotted.evaluation.ruled_out import RuledOut, count_ruled_out
from spotted.evaluation.strata import Strata, assign_strata
from spotted.evaluation.ties import TieGroups, expected_average_precision, expected_hits
from spotted.evaluation.without_answers import (
    NewAnimals,
    WithoutAnswers,
    measure_grouping,
    measure_new_animals,
    measure_without_answers,
)

__all__ = [
    "ANSWERS_PER_MINUTE",
    "FEWEST_INDIVIDUALS",
    "SCORES",
    "TOP",
    "Agreement",
    "BackboneComparison",
    "Bootstrap",
    "Comparison",
    "Gain",
    "HardQuery",
    "Interval",
    "NewAnimals",
    "PairRanks",
    "PaperComparison",
    "PaperFigures",
    "PartitionMetrics",
    "Probes",
    "QueryMetrics",
    "RelevantPairs",
    "Reliability",
    "Retrieval",
    "RuledOut",
    "ScoreMetrics",
    "SettingMetrics",
    "Strata",
    "SurveyRanks",
    "TieGroups",
    "Tuning",
    "WithoutAnswers",
    "assign_strata",
    "average_precision",
    "choose_queries",
    "classify_by_neighbours",
    "classify_linearly",
    "compare",
    "compare_backbones",
    "compare_with_paper",
    "count_ruled_out",
    "decay_grid",
    "expected_average_precision",
    "expected_hits",
    "find_hardest",
    "find_paper_figures",
    "find_relevant_pairs",
    "hours",
    "measure_agreement",
    "measure_gain",
    "measure_grouping",
    "measure_held_out",
    "measure_new_animals",
    "measure_partition",
    "measure_queries",
    "measure_reliability",
    "measure_retrieval",
    "measure_unseen",
    "measure_without_answers",
    "rank_pairs",
    "rank_survey",
    "run_probes",
    "tune",
    "with_decays",
    "with_speeds",
]
