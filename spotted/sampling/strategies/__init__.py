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

from spotted.sampling.strategies.by_name import DEFAULT_STRATEGY, KINDS, strategy
from spotted.sampling.strategies.clustering import choose_eps, constrained_dbscan
from spotted.sampling.strategies.conformance import check_strategy
from spotted.sampling.strategies.head_training import HeadTraining
from spotted.sampling.strategies.learned import Learned
from spotted.sampling.strategies.linkage import MeanLinkage
from spotted.sampling.strategies.ranked import Greedy, Random
from spotted.sampling.strategies.spal import ConfSpal, Spal

__all__ = [
    "DEFAULT_STRATEGY",
    "KINDS",
    "ConfSpal",
    "Greedy",
    "HeadTraining",
    "Learned",
    "MeanLinkage",
    "Random",
    "Spal",
    "check_strategy",
    "choose_eps",
    "constrained_dbscan",
    "strategy",
]
