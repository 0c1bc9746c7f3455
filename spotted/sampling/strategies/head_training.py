"""Training of the head by which SPAL rescores a session's pairs.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HeadTraining:
    """How the two-layer head is retrained on the answers before each round of clusters.

    Two layers, Adam, full batch, contrastive loss towards cluster centroids plus triplet loss on the
    labelled pairs are the paper's; it leaves the values out. They are tuned on generated surveys in the
    shapes of published ones (128 dimensions): with a head ConfSPAL needed 3 to 36 % fewer questions to 95 %
    of the positives and 1 to 26 % fewer to 99 %. On composites (1,280 dimensions) it needed from 8 % fewer
    to 3 % more to 95 %, and 4 to 10 % more to 99 %: choose retrain = False there.

    >>> from spotted.sampling.strategies import Spal
    >>> Spal(head=HeadTraining(epochs=20)).head.epochs
    20
    """

    rank: int = 64
    """Width of the hidden layer."""
    learning_rate: float = 3e-4
    """Learning rate of Adam; lower for wide embeddings."""
    epochs: int = 60
    """Epochs of Adam, from the identity at every round."""
    temperature: float = 0.1
    """Temperature of the contrastive loss."""
    margin: float = 0.6
    """Margin of the triplet loss, on cosines."""
    triplet_weight: float = 10.0
    """Weight of the triplet loss."""
    pairs_per_item: int = 5
    """Pairs of each kind, the hardest by visual score, that an item contributes."""
    batch: int = 4096
    """Most items in a step; a random part of this size stands for more."""
