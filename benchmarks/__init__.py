"""Benchmarks: each a command that prints its figures, checks its bars and writes out/benchmarks/NAME.json.

Run one as `python -m benchmarks.NAME` from the repository root (`--help` lists its options), or by its
Makefile target.

common       parts that several of them share
embedder     serving beside other servers; embedder.soak and embedder.overload
summary      all results so far beside their bars
growth       how the cost of each service grows with what it is given
scorer       ranking in the library; scorer.service for the scorer's calls
sampler      how long annotators wait for questions
annotation   questions to find every animal, by strategy
known        questions that known individuals save
screens      what galleries save over pairs
stopping     how often "safe to stop" is true
training     what trainings learn, by the tables of MiewID
heads        what a learned head gains and costs
retrieval    top-k of every score
robustness   what one wrong camera, period or clock changes
calibration  calibrated scores beside the product
load         capacity, latency, soak and restarts of a whole platform
overheads    what TLS, tokens and metrics cost
backup       a large survey into a backup and back
review       how long a person waits at the review page
"""
