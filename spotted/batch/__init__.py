"""The candidates of a survey of millions, over many processes.

snapshot    a survey as files that every process opens
blocks      some query rows of it at a time, each block a file
engines     where blocks are worked on: this machine, or a Ray cluster
listing     the blocks as candidates in words

A block is made by the functions that the scorer calls, on the vectors that it sends, so its candidates are
the scorer's.
"""
