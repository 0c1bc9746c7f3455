"""Training of adaptation heads, each in its own process, `python -m services.embedder.training`.

trainings   starting and watching trainings
worker      one training, in that process
head_onnx   a head as an ONNX file
"""

from services.embedder.training.trainings import Trainings

__all__ = ["Trainings"]
