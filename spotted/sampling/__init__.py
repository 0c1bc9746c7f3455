"""Which pair to ask about next.

A session folds labels into `spotted.constraints.Constraints`. A strategy plans a round of pair queries
as a pure function of the candidate graph, the constraints, the round number and the seed; the session
keeps the round, serves its pairs in order and skips those whose answer is implied by then. When a round
is used up, or would be better planned anew, the next one is planned; a replay never plans a round again.

candidates   the candidate graph: which pairs may be asked, with their scores
rounds       pair queries, rounds, what a strategy sees, serving a round
ranked       random and greedy
linkage      mean linkage
spal         SPAL and ConfSPAL
retraining   the head that SPAL trains on the answers (torch, imported only when it is used)
learned      the strategy that learns from the session's answers
terms        what it looks at for every open pair of components: appearance (what they look like), ranges
             (where they were seen), scores and counts; groups, rows by component pair
bursts       frames of one camera in close succession
questions    pairs, bursts and galleries: what is put to an annotator at once
strategies   a strategy by its name
session      a whole session against a simulated annotator
annotators   simulated annotators: the truth, and three ways of being wrong
agreement    how far components agree with the true individuals
"""
