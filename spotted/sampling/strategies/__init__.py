"""The strategies that plan the rounds of a session.

by_name        every strategy by name, and the default one
conformance    the checks that every strategy passes
ranked         random order, and descending score
linkage        mean linkage
spal           SPAL and ConfSPAL
head_training  when and how SPAL retrains its head
spal_head      that head (needs torch, imported on first use)
learned        the strategy that learns from the session's own answers, the default
learned_terms  its evidence for pairs of components
appearance     how alike two components look
ranges         distance between the places of two components
groups         array operations on rows grouped by component pair
clustering     constrained density clustering of a candidate graph
"""

from spotted.sampling.strategies.appearance import Appearance, fitted, guessed_spread, looks, views
from spotted.sampling.strategies.by_name import DEFAULT_STRATEGY, KINDS, strategy
from spotted.sampling.strategies.clustering import choose_eps, constrained_dbscan
from spotted.sampling.strategies.conformance import check_strategy
from spotted.sampling.strategies.groups import Groups
from spotted.sampling.strategies.head_training import HeadTraining
from spotted.sampling.strategies.learned import Learned
from spotted.sampling.strategies.learned_terms import Items, PairTerms, Term, items, pair_terms
from spotted.sampling.strategies.linkage import MeanLinkage
from spotted.sampling.strategies.ranges import Ranges, compute_ranges, spacing_m, stations
from spotted.sampling.strategies.ranked import Greedy, Random, highest
from spotted.sampling.strategies.spal import ConfSpal, Spal, border_rows

__all__ = [
    "DEFAULT_STRATEGY",
    "KINDS",
    "Appearance",
    "ConfSpal",
    "Greedy",
    "Groups",
    "HeadTraining",
    "Items",
    "Learned",
    "MeanLinkage",
    "PairTerms",
    "Random",
    "Ranges",
    "Spal",
    "Term",
    "border_rows",
    "check_strategy",
    "choose_eps",
    "compute_ranges",
    "constrained_dbscan",
    "fitted",
    "guessed_spread",
    "highest",
    "items",
    "looks",
    "pair_terms",
    "spacing_m",
    "stations",
    "strategy",
    "views",
]
