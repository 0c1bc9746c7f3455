"""Methods without negatives, in which one view predicts another: BYOL, FastSiam and DINO.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import torch
from torch import nn

from spotted.training.images.batches import Batch
from spotted.training.loop.objective import Objective, Position
from spotted.training.methods.gathering import gather_constants
from spotted.training.methods.losses import distillation, negative_cosine
from spotted.training.methods.momentum import FollowedObjective
from spotted.training.methods.projections import Prototypes, projection
from spotted.training.networks import EmbeddingNetwork

# views that DINO's teacher sees; the student sees all
TEACHER_VIEWS = 2


class BYOL(FollowedObjective):
    """Each view predicts what a follower makes of the other view (Grill et al. 2020)."""

    def __init__(
        self, network: EmbeddingNetwork, *, hidden: int = 4096, outputs: int = 256, momentum: float = 0.996
    ) -> None:
        super().__init__(network, projection([network.dimension, hidden, outputs]), momentum=momentum)
        self.predictor = projection([outputs, hidden, outputs])

    def forward(self, batch: Batch) -> torch.Tensor:
        """The loss of a batch of two views, half of it from each direction."""
        targets = [self.follower(view) for view in batch.views]
        first, second = (self.predictor(self.head(self.network(view))) for view in batch.views)
        return (negative_cosine(first, targets[1]) + negative_cosine(second, targets[0])) / 2.0


class FastSiam(Objective):
    """Each view predicts the mean of all other views, through which no gradient flows (Pototzky et al. 2022).

    With two views it is SimSiam.
    """

    def __init__(
        self, network: EmbeddingNetwork, *, hidden: int = 2048, outputs: int = 2048, bottleneck: int = 512
    ) -> None:
        super().__init__(network)
        widths = [network.dimension, hidden, hidden, outputs]
        self.head = projection(widths, last_norm=True, last_affine=False)
        self.predictor = projection([outputs, bottleneck, outputs])

    def forward(self, batch: Batch) -> torch.Tensor:
        """The loss of a batch of two or more views."""
        projected = [self.head(self.network(view)) for view in batch.views]
        total = torch.stack(projected).detach().sum(dim=0)
        losses = [
            # the mean of the others, up to its length, which a cosine does not see
            negative_cosine(self.predictor(own), total - own.detach())
            for own in projected
        ]
        return torch.stack(losses).mean()


class DINO(FollowedObjective):
    """A student repeats a following teacher's distributions of other views (Caron et al. 2021).

    The teacher sees the first two views, the student all: further ones may be smaller parts of the
    photographs. The centre follows the teacher's outputs in all processes.
    """

    head: Prototypes

    def __init__(
        self,
        network: EmbeddingNetwork,
        *,
        hidden: int = 2048,
        bottleneck: int = 256,
        outputs: int = 65536,
        momentum: float = 0.996,
        teacher_temperature: float = 0.04,
        student_temperature: float = 0.1,
        centre_momentum: float = 0.9,
        frozen_epochs: int = 1,
    ) -> None:
        """frozen_epochs: epochs at the start in which the directions of the outputs do not learn."""
        head = Prototypes(network.dimension, hidden=hidden, bottleneck=bottleneck, outputs=outputs)
        super().__init__(network, head, momentum=momentum)
        self.frozen_epochs = frozen_epochs
        self.centre = nn.Buffer(torch.zeros(outputs))
        self.centre_momentum = centre_momentum
        self.teacher_temperature, self.student_temperature = teacher_temperature, student_temperature

    def before_step(self, position: Position) -> None:
        """Hold the directions of the outputs, or let them learn."""
        self.head.frozen = position.epoch < self.frozen_epochs

    def forward(self, batch: Batch) -> torch.Tensor:
        """The loss of a batch of two or more views; the centre moves towards the teacher's mean."""
        teacher = torch.stack([self.follower(view) for view in batch.views[:TEACHER_VIEWS]])
        student = torch.stack([self.head(self.network(view)) for view in batch.views])
        loss = distillation(
            teacher,
            student,
            # the gradient needs the centre as it was
            self.centre.clone(),
            teacher_temperature=self.teacher_temperature,
            student_temperature=self.student_temperature,
        )
        means = gather_constants(teacher.mean(dim=(0, 1))[None]).mean(dim=0)
        self.centre.lerp_(means.to(self.centre.dtype), 1.0 - self.centre_momentum)
        return loss
