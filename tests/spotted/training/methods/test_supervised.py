"""The losses of pytorch-metric-learning against their formulas, written out in loops."""

import math

import numpy as np
import pytest
import torch

from spotted.training.methods.supervised import SupCon, Triplet
from tests.spotted.training.methods.objectives import drawn_batch, tiny_network


def test_triplet_averages_the_triplets_that_break_the_margin() -> None:
    triplet, batch = Triplet(tiny_network(), margin=0.3).double(), drawn_batch(1)
    images = batch.views[0].double()
    vectors = torch.nn.functional.normalize(triplet.network(images), dim=1).detach().numpy()
    labels = batch.labels.tolist()
    losses = []
    for anchor in range(8):
        for same in range(8):
            for other in range(8):
                if anchor == same or labels[anchor] != labels[same] or labels[anchor] == labels[other]:
                    continue
                near, far = (np.linalg.norm(vectors[anchor] - vectors[one]) for one in (same, other))
                losses.append(max(0.0, float(near - far) + 0.3))
    broken = [loss for loss in losses if loss > 0.0]
    assert len(broken) < len(losses)
    found = triplet(type(batch)((images,), batch.labels))
    assert found.item() == pytest.approx(np.mean(broken), abs=1e-6)


def test_supcon_averages_the_views_of_an_animal_for_each_view() -> None:
    supcon, batch = SupCon(tiny_network(), hidden=16, outputs=8, temperature=0.4).double(), drawn_batch(2)
    views = tuple(view.double() for view in batch.views)
    with torch.no_grad():
        vectors = torch.cat([supcon.network(view) for view in views])
        vectors = torch.nn.functional.normalize(supcon.head(vectors), dim=1)
    labels = batch.labels.tolist() * 2
    logits = (vectors @ vectors.T / 0.4).numpy()
    losses = []
    for anchor in range(16):
        others = [row for row in range(16) if row != anchor]
        total = math.log(sum(math.exp(logits[anchor, row]) for row in others))
        same = [row for row in others if labels[row] == labels[anchor]]
        losses.append(np.mean([total - logits[anchor, row] for row in same]))
    found = supcon(type(batch)(views, batch.labels))
    assert found.item() == pytest.approx(np.mean(losses), abs=1e-6)
