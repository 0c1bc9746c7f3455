"""How well a network in training finds animals again.

vectors     vectors of crops
one_vs_all  identification by species, each photograph against all others
"""

from spotted.training.evaluation.one_vs_all import measure_by_species
from spotted.training.evaluation.vectors import embed_crops

__all__ = ["embed_crops", "measure_by_species"]
