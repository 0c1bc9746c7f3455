"""Losses of self-supervised methods, each as its source states it.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import torch
from torch.nn import functional


def nt_xent(first: torch.Tensor, second: torch.Tensor, *, temperature: float) -> torch.Tensor:
    """Normalised temperature-scaled cross entropy (SimCLR eq. 1): each view must find its other view.

    first, second: (n, d), the two views of n examples, of any length. The candidates of a view are the
    2n - 1 other views.

    >>> ones = torch.eye(3)
    >>> round(float(nt_xent(ones, ones, temperature=0.1)), 5)
    0.00018
    """
    views = functional.normalize(torch.cat([first, second]), dim=1)
    logits = views @ views.T / temperature
    itself = torch.eye(len(views), dtype=torch.bool, device=logits.device)
    # -inf drops a view from the candidates of itself
    logits = logits.masked_fill(itself, -torch.inf)
    other = torch.arange(len(views), device=logits.device).roll(len(first))
    return functional.cross_entropy(logits, other)


def nt_xent_with_queue(
    queries: torch.Tensor, keys: torch.Tensor, queue: torch.Tensor, *, temperature: float
) -> torch.Tensor:
    """Cross entropy of finding the own key among those of earlier batches (MoCo eq. 1).

    queries, keys: (n, d), of any length. queue: (m, d) unit keys of earlier batches.
    """
    queries, keys = functional.normalize(queries, dim=1), functional.normalize(keys, dim=1)
    own = (queries * keys).sum(dim=1, keepdim=True)
    logits = torch.cat([own, queries @ queue.T], dim=1) / temperature
    return functional.cross_entropy(logits, torch.zeros(len(queries), dtype=torch.long, device=logits.device))


def cross_correlation(first: torch.Tensor, second: torch.Tensor, *, redundancy_weight: float) -> torch.Tensor:
    """Distance of the cross-correlation of two views from the identity (Barlow Twins eqs. 1 and 2).

    first, second: (n, d) with n > 1; each dimension is normalised over the batch.
    redundancy_weight: weight of the squares beside the diagonal.
    """
    dimension = first.shape[1]
    ones, others = (functional.batch_norm(view, None, None, training=True) for view in (first, second))
    correlation = ones.T @ others / len(first)
    diagonal = torch.eye(dimension, dtype=torch.bool, device=correlation.device)
    squares = (correlation - diagonal.to(correlation.dtype)).square()
    return squares[diagonal].sum() + redundancy_weight * squares[~diagonal].sum()


def negative_cosine(predictions: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The negative mean cosine of predictions and targets (BYOL eq. 2 up to scale, SimSiam eq. 1).

    predictions, targets: (n, d), of any length.
    """
    return -functional.cosine_similarity(predictions, targets, dim=1).mean()


def distillation(
    teacher: torch.Tensor,
    student: torch.Tensor,
    centre: torch.Tensor,
    *,
    teacher_temperature: float,
    student_temperature: float,
) -> torch.Tensor:
    """Cross entropy of the student's outputs under the teacher's, over different views (DINO eqs. 1 to 3).

    teacher: (t, n, d) outputs for the first t views. student: (s, n, d) outputs for all s >= t views.
    centre: (d,) mean output of the teacher, which keeps one dimension from dominating.
    """
    wanted = functional.softmax((teacher - centre) / teacher_temperature, dim=2)
    log_found = functional.log_softmax(student / student_temperature, dim=2)
    # (t, s): views of teacher and student, averaged over the examples
    losses = -torch.einsum("tnd,snd->ts", wanted, log_found) / teacher.shape[1]
    different = ~torch.eye(*losses.shape, dtype=torch.bool, device=losses.device)
    return losses[different].mean()
