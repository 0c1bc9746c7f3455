"""Each loss against its formula, written out in loops over float64."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from spotted.arrays import Float64Array
from spotted.training.methods.losses import (
    cross_correlation,
    distillation,
    negative_cosine,
    nt_xent,
    nt_xent_with_queue,
)


def drawn(*shape: int, seed: int) -> Float64Array:
    return np.random.default_rng(seed).normal(size=shape)


def tensor(rows: Float64Array) -> torch.Tensor:
    return torch.from_numpy(rows)


def cosine(one: Float64Array, other: Float64Array) -> float:
    return float(one @ other / math.sqrt(one @ one) / math.sqrt(other @ other))


def cross_entropy(logits: Sequence[float], right: int) -> float:
    return math.log(sum(math.exp(logit) for logit in logits)) - logits[right]


def test_nt_xent_finds_the_other_view_among_all_views() -> None:
    first, second = drawn(5, 7, seed=0), drawn(5, 7, seed=1)
    views = [*first, *second]
    losses = []
    for index, view in enumerate(views):
        others = [other for other in range(10) if other != index]
        logits = [cosine(view, views[other]) / 0.3 for other in others]
        losses.append(cross_entropy(logits, others.index((index + 5) % 10)))
    found = nt_xent(tensor(first), tensor(second), temperature=0.3)
    assert found.item() == pytest.approx(np.mean(losses), abs=1e-6)


def test_nt_xent_with_a_queue_finds_the_key_among_earlier_ones() -> None:
    queries, keys, queue = drawn(4, 6, seed=0), drawn(4, 6, seed=1), drawn(9, 6, seed=2)
    queue /= np.linalg.norm(queue, axis=1, keepdims=True)
    losses = [
        cross_entropy([cosine(query, one) / 0.2 for one in (key, *queue)], 0)
        for query, key in zip(queries, keys, strict=True)
    ]
    found = nt_xent_with_queue(tensor(queries), tensor(keys), tensor(queue), temperature=0.2)
    assert found.item() == pytest.approx(np.mean(losses), abs=1e-6)


def test_cross_correlation_is_that_of_normalised_columns() -> None:
    first, second = drawn(6, 3, seed=0), drawn(6, 3, seed=1)
    loss = 0.0
    for one in range(3):
        for other in range(3):
            columns = first[:, one], second[:, other]
            # batch normalisation adds 1e-5 to a variance
            ones, others = ((c - c.mean()) / math.sqrt(c.var() + 1e-5) for c in columns)
            correlation = float((ones * others).mean())
            loss += (1.0 - correlation) ** 2 if one == other else 0.01 * correlation**2
    found = cross_correlation(tensor(first), tensor(second), redundancy_weight=0.01)
    assert found.item() == pytest.approx(loss, abs=1e-6)


def test_negative_cosine_is_the_mean_over_examples() -> None:
    first, second = drawn(6, 3, seed=0), drawn(6, 3, seed=1)
    expected = -np.mean([cosine(*rows) for rows in zip(first, second, strict=True)])
    assert negative_cosine(tensor(first), tensor(second)).item() == pytest.approx(expected, abs=1e-6)


def test_distillation_is_the_cross_entropy_over_different_views() -> None:
    teacher, student, centre = drawn(2, 4, 5, seed=0), drawn(3, 4, 5, seed=1), drawn(5, seed=2)

    def softmax(row: Float64Array) -> Float64Array:
        powers: Float64Array = np.exp(row)
        shares: Float64Array = powers / powers.sum()
        return shares

    losses = []
    for wanting in range(2):
        for finding in range(3):
            if wanting == finding:
                continue
            for example in range(4):
                wanted = softmax((teacher[wanting, example] - centre) / 0.5)
                found = softmax(student[finding, example] / 0.7)
                losses.append(-float((wanted * np.log(found)).sum()))
    value = distillation(
        tensor(teacher),
        tensor(student),
        tensor(centre),
        teacher_temperature=0.5,
        student_temperature=0.7,
    )
    assert value.item() == pytest.approx(np.mean(losses), abs=1e-6)


def test_no_loss_depends_on_the_order_of_the_examples() -> None:
    first, second = tensor(drawn(6, 4, seed=0)), tensor(drawn(6, 4, seed=1))
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    for loss in (
        lambda one, other: nt_xent(one, other, temperature=0.5),
        lambda one, other: cross_correlation(one, other, redundancy_weight=0.1),
        negative_cosine,
    ):
        assert loss(first[order], second[order]).item() == pytest.approx(loss(first, second).item())


def test_losses_of_large_features_are_finite() -> None:
    first, second = tensor(1e9 * drawn(4, 3, seed=0)), tensor(1e9 * drawn(4, 3, seed=1))
    assert torch.isfinite(nt_xent(first, second, temperature=0.05))
    assert torch.isfinite(cross_correlation(first, second, redundancy_weight=1.0))
