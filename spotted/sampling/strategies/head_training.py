"""How SPAL retrains the head that rescores a session's pairs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HeadTraining:
    """How the two-layer head is retrained on the answers before each round of clusters.

    Two layers, Adam, full batch, contrastive loss towards cluster centroids plus triplet loss on the
    labelled pairs are the paper's; every value is ours, since the paper leaves them out. They are tuned on
    generated surveys in the shapes of published ones (128 dimensions): with a head ConfSPAL needed 3 to 36 %
    fewer questions to 95 % of the positives and 1 to 26 % fewer to 99 %. On composites (1,280 dimensions) it
    needed from 8 % fewer to 3 % more to 95 %, and 4 to 10 % more to 99 %: choose retrain = False there.

    rank: width of the hidden layer.
    learning_rate, epochs: of Adam, from the identity at every round; the rate is less for wide embeddings.
    temperature: of the contrastive loss.
    margin, triplet_weight: of the triplet loss, on cosines.
    pairs_per_item: pairs of each kind, the hardest by visual score, that an item contributes.
    batch: items a step; above it a random part of them stands for the whole.
    """

    rank: int = 64
    learning_rate: float = 3e-4
    epochs: int = 60
    temperature: float = 0.1
    margin: float = 0.6
    triplet_weight: float = 10.0
    pairs_per_item: int = 5
    batch: int = 4096
