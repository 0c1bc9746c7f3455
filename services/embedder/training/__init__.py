"""Training of adaptation heads, each in its own process, `python -m services.embedder.training`.

trainings   starting and watching trainings
operations  long-running operations in the store
worker      one training, in that process
head_onnx   a head as an ONNX file
"""

from services.embedder.training.operations import Operations
from services.embedder.training.trainings import Trainings

__all__ = ["Operations", "Trainings"]
