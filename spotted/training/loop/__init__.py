"""The training loop, for any objective.

objective    the loss by which a network learns, and what moves with it
settings     epochs, batches, optimiser, precision, averages
trainer      steps along the batches, and resuming
averages     averages of the weights
checkpoints  the whole state in a file
processes    several processes that train one network
records      the course of a training in files
"""

from spotted.training.loop.objective import Objective, ParameterGroup, Position
from spotted.training.loop.records import Records
from spotted.training.loop.settings import Averaging, LoopSettings
from spotted.training.loop.trainer import Step, run_loop

__all__ = [
    "Averaging",
    "LoopSettings",
    "Objective",
    "ParameterGroup",
    "Position",
    "Records",
    "Step",
    "run_loop",
]
