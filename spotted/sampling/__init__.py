"""Which pair to ask about next.

A session folds labels into `spotted.constraints.Constraints`. A strategy plans a round of pair queries
as a pure function of the candidate graph, the constraints, the round number and the seed; the session
keeps the round, serves its pairs in order and skips those whose answer is implied by then. When a round
is used up the next one is planned, so that a replay never plans a round again.

candidates   the candidate graph: which pairs may be asked, with their scores
rounds       pair queries, rounds, what a strategy sees, serving a round
ranked       random and greedy
linkage      mean linkage
spal         SPAL and ConfSPAL
retraining   the head that SPAL trains on the answers (torch, imported only when it is used)
strategies   a strategy by its name
session      a whole session against a simulated annotator
annotators   simulated annotators: the truth, and three ways of being wrong
agreement    how far components agree with the true individuals
"""
