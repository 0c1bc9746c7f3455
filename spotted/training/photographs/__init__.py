"""Photographs of known animals, as the material of training.

photograph   one animal in one photograph
annotations  photographs from COCO JSON and CSV
imported     photographs of imported surveys
labels       the classes of training: individuals, or their flanks
splits       photographs to train and to test with
"""

from spotted.training.photographs.annotations import read_annotated
from spotted.training.photographs.imported import photographs_of
from spotted.training.photographs.labels import Labels, label_photographs
from spotted.training.photographs.photograph import Photograph
from spotted.training.photographs.splits import Split, SplitRule, split_photographs

__all__ = [
    "Labels",
    "Photograph",
    "Split",
    "SplitRule",
    "label_photographs",
    "photographs_of",
    "read_annotated",
    "split_photographs",
]
