"""Scores relearnt from the answers of a session: a two-layer residual head (Spotted section 4).

Imports torch, so that it is imported only if a strategy retrains. Sources and choices:
docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from torch.nn import functional

from spotted.arrays import BoolArray, Float32Array, IntArray
from spotted.constraints.interface import Constraints
from spotted.sampling.candidate_graph import CandidateGraph, implied_different, implied_same
from spotted.sampling.strategies.clustering import NOISE
from spotted.sampling.strategies.head_training import HeadTraining

# width of embeddings up to which the learning rate is meant as it stands
RATE_DIMENSION = 128
# items whose pairs are scored together
BLOCK = 256
# a product of matrices is quicker than one product a pair above this share of all pairs
SPARSE = 0.05


def retrained(
    graph: CandidateGraph,
    constraints: Constraints,
    clusters: IntArray,
    training: HeadTraining,
    rng: np.random.Generator,
) -> CandidateGraph:
    """The graph with visual = max(0, cos) of adapted embeddings, and fused = visual x feasibility.

    The head z = e + W2 relu(W1 e) starts at the identity and learns from the clusters and from every
    candidate pair whose answer the constraints imply. If feasibility is unknown, fused = visual.
    Equal inputs and rng give equal scores; without a cluster or a pair to learn from scores are those
    of the embeddings.
    """
    if graph.embeddings is None:
        return graph
    with _one_thread():
        adapted = _train(graph.embeddings, _targets(graph, constraints, clusters, training), training, rng)
    visual = np.maximum(np.float32(0), _cosines(graph, adapted))
    fused = np.where(np.isnan(graph.feasibility), visual, visual * graph.feasibility)
    return replace(graph, visual=visual, fused=fused)


def _cosines(graph: CandidateGraph, unit_rows: Float32Array) -> Float32Array:
    """(m,) the inner product of the rows of each pair."""
    cosines = np.empty(len(graph), dtype=np.float32)
    # pairs are ordered by their first item, so that those of a block of items stand together
    bounds = np.searchsorted(graph.first, np.arange(0, graph.n + BLOCK, BLOCK))
    for block, (start, end) in enumerate(pairwise(bounds.tolist())):
        first, second = graph.first[start:end] - block * BLOCK, graph.second[start:end]
        rows = unit_rows[block * BLOCK : (block + 1) * BLOCK]
        if end - start > SPARSE * len(rows) * graph.n:
            cosines[start:end] = (rows @ unit_rows.T)[first, second]
        else:
            cosines[start:end] = np.einsum("ij,ij->i", rows[first], unit_rows[second])
    return cosines


@dataclass(frozen=True, slots=True)
class _Targets:
    """The training targets of the head."""

    clusters: torch.Tensor
    """(n,) cluster of each item, NOISE for none."""
    anchors: torch.Tensor
    """(a,) items that have both a SAME and a DIFFERENT pair."""
    same: torch.Tensor
    """(a, k) the hardest SAME counterparts of the anchors, repeated if there are fewer than k."""
    different: torch.Tensor
    """(a, k) the hardest DIFFERENT counterparts of the anchors, repeated if there are fewer than k."""


def _targets(
    graph: CandidateGraph, constraints: Constraints, clusters: IntArray, training: HeadTraining
) -> _Targets:
    same = _hardest(graph, implied_same(graph, constraints), -graph.visual, training.pairs_per_item)
    different = _hardest(graph, implied_different(graph, constraints), graph.visual, training.pairs_per_item)
    anchors = np.flatnonzero((same[:, 0] >= 0) & (different[:, 0] >= 0))
    return _Targets(
        torch.from_numpy(clusters[: graph.n]),
        torch.from_numpy(anchors),
        torch.from_numpy(same[anchors]),
        torch.from_numpy(different[anchors]),
    )


def _hardest(graph: CandidateGraph, rows: BoolArray, hardness: Float32Array, count: int) -> IntArray:
    """(n, count) the hardest counterparts of every item among the rows, -1 if it has none."""
    item = np.concatenate((graph.first[rows], graph.second[rows]))
    other = np.concatenate((graph.second[rows], graph.first[rows]))
    order = np.lexsort((other, -np.concatenate((hardness[rows], hardness[rows])), item))
    item, other = item[order], other[order]
    held = np.bincount(item, minlength=graph.n)
    start = np.cumsum(held) - held
    counterparts = np.full((graph.n, count), -1, dtype=np.int64)
    known = held > 0
    # items with fewer than `count` repeat theirs, which leaves the hardest the hardest
    picks = start[known, None] + np.arange(count) % held[known, None]
    counterparts[known] = other[picks]
    return counterparts


def _train(
    embeddings: Float32Array, targets: _Targets, training: HeadTraining, rng: np.random.Generator
) -> Float32Array:
    base = torch.from_numpy(embeddings)
    dimension = base.shape[1]
    inner = torch.from_numpy(
        rng.normal(0.0, dimension**-0.5, (training.rank, dimension)).astype(np.float32)
    ).requires_grad_()
    # zeros: the untrained head is the identity
    outer = torch.zeros(dimension, training.rank, requires_grad=True)
    # a step of equal size for each weight moves the scores the further, the more weights there are
    rate = training.learning_rate * min(1.0, RATE_DIMENSION / dimension)
    optimizer = torch.optim.Adam((inner, outer), lr=rate)
    for _ in range(training.epochs):
        adapted = _adapt(base, inner, outer)
        loss = _contrastive(adapted, targets.clusters, training, rng) + _triplet(adapted, targets, training)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
    with torch.no_grad():
        result: Float32Array = _adapt(base, inner, outer).numpy()
    return result


def _adapt(base: torch.Tensor, inner: torch.Tensor, outer: torch.Tensor) -> torch.Tensor:
    return functional.normalize(base + functional.relu(base @ inner.T) @ outer.T)


def _contrastive(
    adapted: torch.Tensor, clusters: torch.Tensor, training: HeadTraining, rng: np.random.Generator
) -> torch.Tensor:
    """Cross entropy of each clustered item against the centroids of all clusters."""
    members = torch.nonzero(clusters != NOISE).squeeze(1)
    if not len(members):
        return adapted.sum() * 0.0
    count = int(clusters.max()) + 1
    sums = torch.zeros(count, adapted.shape[1]).index_add(0, clusters[members], adapted[members].detach())
    if len(members) > training.batch:
        members = members[torch.from_numpy(rng.choice(len(members), training.batch, replace=False))]
    logits = adapted[members] @ functional.normalize(sums).T / training.temperature
    return functional.cross_entropy(logits, clusters[members])


def _triplet(adapted: torch.Tensor, targets: _Targets, training: HeadTraining) -> torch.Tensor:
    """Hinge between the least alike SAME and the most alike DIFFERENT counterpart of each anchor."""
    if not len(targets.anchors):
        return adapted.sum() * 0.0
    anchor = adapted[targets.anchors].unsqueeze(1)
    same = (anchor * adapted[targets.same]).sum(-1).amin(1)
    different = (anchor * adapted[targets.different]).sum(-1).amax(1)
    return training.triplet_weight * functional.relu(training.margin - same + different).mean()


@contextmanager
def _one_thread() -> Iterator[None]:
    """One torch thread: sums over several threads differ in their last bits from run to run."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
