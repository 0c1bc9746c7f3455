"""Spotted: which camera-trap photographs show the same animal.

The science, arrays in and arrays out:

survey, errors                     what a survey holds; every failure
geometry, feasibility, similarity, fusion, scoring     the score, in this order
evidence, logistic, calibration, calibrating, labelled     the score as a probability, learned from labels
bounds, blocks, shortlist, threads, ranking     the best candidates, exactly, at the speed of a product
standing, visiting, grouping       the same while a survey grows, for a stranger, and by individual
tuning                             which feasibility finds a survey's animals best
heads, adaptation                  a head on the embeddings, learned from places and times
constraints, explanation, clustering, sampling, stopping, auditing   the questions, in this order
trust, verified, repair            answers that may be wrong; testimony, annotators, partition, cuts and
                                   doubts are what verified is made of
evaluation, comparison, simulation     how good it is, by what ranks, ties, outcomes, intervals, strata,
                                   hardest, reliability and marks find

Its edge, which knows files, messages and processes:

client, credentials, messages, v1  the three services from Python
cli, local, oracle, answering, intake, loading    the `spotted` command and what it is made of
batch, csvcandidates               candidates of a survey that is too large for one machine, as a table
camtrapdp, csvsurvey, published, catalogue, captures, composite     files in and out; csvcells, csvtables,
                                   camerastable, datapackage, fileset, imported, instants, pixelbox and
                                   projection are what these share
demo, measuring, drawing, plots, report, evaluation_report, evaluation_figures     the demonstration, and
                                   what a person looks at
"""

__version__ = "0.1.0"
