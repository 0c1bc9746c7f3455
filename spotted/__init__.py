"""Spotted: which camera-trap photographs show the same animal.

The science, arrays in and arrays out:

survey, errors                     what a survey holds; every failure
geometry, feasibility, similarity, fusion, ranking     the score, in this order
heads, adaptation                  a head on the embeddings, learned from places and times
constraints, explanation, clustering, sampling, stopping   the questions, in this order
evaluation, simulation             how good it is

Its edge, which knows files, messages and processes:

client, messages, v1               the three services from Python
cli, local, oracle, intake, loading    the `spotted` command and what it is made of
camtrapdp, csvsurvey, captures, composite     files in and out; csvcells, csvtables, datapackage, fileset,
                                   imported, instants and projection are what these share
demo, measuring, drawing, plots, report       the demonstration
"""

__version__ = "0.1.0"
