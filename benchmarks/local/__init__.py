"""Local evidence on photographs of known animals: `python -m benchmarks.local`.

flanks    photographs of one flank, their features and scores, kept in a folder
methods   the local methods that are measured
matching  rank-1, rank-5 and mean average precision, and scores joined on known animals
cost      processor time compared with the bare libraries
"""
