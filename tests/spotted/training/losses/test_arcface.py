from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from spotted.training.images.batches import Batch
from spotted.training.losses.arcface import ArcFaceObjective, SubCenterArcFace, dynamic_margins
from spotted.training.networks import EmbeddingNetwork

CLASSES, DIMENSION = 7, 12


def drawn(dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    chance = torch.Generator().manual_seed(3)
    vectors = torch.randn(40, DIMENSION, generator=chance, dtype=dtype, requires_grad=True)
    return vectors, torch.randint(CLASSES, (40,), generator=chance)


def loss_of(margins: list[float], **options: float) -> SubCenterArcFace:
    torch.manual_seed(4)
    made = SubCenterArcFace(dimension=DIMENSION, margins=np.float32(margins), **options)  # type: ignore[arg-type] # a mapping of both
    return made.double()


def plain_loss(loss: SubCenterArcFace, vectors: torch.Tensor, labels: torch.Tensor) -> float:
    """The formula one photograph and one class after the other."""
    total = 0.0
    for vector, label in zip(vectors.tolist(), labels.tolist(), strict=True):
        logits = []
        for other in range(CLASSES):
            cosine = max(
                float(np.dot(vector, center) / np.linalg.norm(vector) / np.linalg.norm(center))
                for center in loss.centers[other].tolist()
            )
            margin = float(loss.margins[label])
            angle = math.acos(cosine)
            if other == label:
                cosine = (
                    math.cos(angle + margin)
                    if angle < math.pi - margin
                    else cosine - margin * math.sin(margin)
                )
            logits.append(loss.scale * cosine)
        largest = max(logits)
        total += largest + math.log(sum(math.exp(x - largest) for x in logits)) - logits[label]
    return total / len(vectors)


@pytest.mark.parametrize("margin", [0.2, 0.5, 2.5])
def test_the_loss_is_that_of_a_plain_loop(margin: float) -> None:
    loss = loss_of([margin + 0.02 * i for i in range(CLASSES)])
    vectors, labels = drawn()
    assert loss(vectors, labels).item() == pytest.approx(plain_loss(loss, vectors, labels), rel=1e-6)


def test_with_one_margin_it_is_that_of_pytorch_metric_learning() -> None:
    losses = pytest.importorskip("pytorch_metric_learning.losses")
    loss = loss_of([0.5] * CLASSES)
    reference = losses.SubCenterArcFaceLoss(
        num_classes=CLASSES, embedding_size=DIMENSION, margin=math.degrees(0.5), scale=51.5, sub_centers=3
    ).double()
    reference.W.data = loss.centers.detach().reshape(-1, DIMENSION).T.clone()
    (ours, labels), (theirs, _) = drawn(), drawn()
    found, expected = loss(ours, labels), reference(theirs, labels)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)
    found.backward()
    expected.backward()
    assert ours.grad is not None
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-6, atol=1e-9)


def test_margins_are_the_root_of_the_counts_between_their_ends() -> None:
    counts = np.array([3, 10, 100, 7])
    low, high = 100**-0.25, 3**-0.25
    expected = [0.2 + 0.3 * (n**-0.25 - low) / (high - low) for n in counts.tolist()]
    np.testing.assert_allclose(dynamic_margins(counts), expected, atol=1e-6)
    assert dynamic_margins(np.array([4, 4])).tolist() == [0.5, 0.5]


def test_a_vector_at_its_center_has_a_finite_gradient() -> None:
    loss = loss_of([0.5] * CLASSES).float()
    vectors = loss.centers[:, 0].detach().clone().requires_grad_()
    loss(vectors, torch.arange(CLASSES)).backward()
    assert vectors.grad is not None
    assert torch.isfinite(vectors.grad).all()


def test_a_frozen_network_keeps_weights_and_statistics() -> None:
    network = EmbeddingNetwork(nn.Flatten(), nn.Linear(12, 4), nn.BatchNorm1d(4), dimension=4)
    objective = ArcFaceObjective(network, margins=dynamic_margins(np.array([3, 9])), frozen=True)
    objective.train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    objective(Batch((torch.rand(2, 3, 2, 2),), torch.tensor([0, 1]))).backward()
    assert [len(group.parameters) for group in objective.groups()] == [1]
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    objective.set_frozen(frozen=False)
    assert network.training
    assert len(objective.groups()[0].parameters) == 5
