"""Images of a training: crops, their random changes, and batches.

crops         crops of photographs, prepared once
augmentation  random changes of crops
batches       batches of views, the same for a seed and a step
"""

from spotted.training.images.augmentation import Augmentation, SmallCrop, View, as_is, small_size
from spotted.training.images.batches import Batch, BatchPlan, Examples, TrainingData, read_batches
from spotted.training.images.crops import PreparedCrops, prepare_crops, read_crop

__all__ = [
    "Augmentation",
    "Batch",
    "BatchPlan",
    "Examples",
    "PreparedCrops",
    "SmallCrop",
    "TrainingData",
    "View",
    "as_is",
    "prepare_crops",
    "read_batches",
    "read_crop",
    "small_size",
]
