"""Training of adaptation heads, each in its own process, `python -m services.embedder.training`.

trainings     starting and watching trainings
jobs          what a training is to do
worker        a training from places and times, in that process
named_worker  a head from known individuals, in that process
survey_head   the survey that a head is trained on, and the head that it gets
head_onnx     a head as an ONNX file
"""

from services.embedder.training.trainings import Trainings

__all__ = ["Trainings"]
