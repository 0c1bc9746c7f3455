"""A head learned from photographs of known individuals, in closed form.

What differs between photographs of one animal (pose, light, background) says nothing about who it is. The
directions of the vectors that vary most within animals are shrunk by the root of their variance, so that they
count less in a cosine: within-class covariance normalisation (Hatch, Kajarekar and Stolcke 2006), with the
covariance shrunk towards a multiple of the identity (Ledoit and Wolf 2004). The mean of all animals is
removed. The map is linear, and needs neither torch nor a GPU.

Without their mean, vectors differ more, and a product of similarity and feasibility would be ruled by looks.
So a constant may be added to all vectors, in the direction in which they differ least, such that similarities
spread as those of the backbone do.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spotted.arrays import Float32Array, Float64Array, IntArray
from spotted.errors import PreconditionError
from spotted.heads.head import Head

# with fewer, nothing could be measured on animals that were left out
FEWEST_ANIMALS = 8
# below this share of the variance of unit vectors, photographs of one animal are copies of each other
LEAST_VARIANCE = 1e-9
# photographs whose pairs tell how similarities spread
MOST_COMPARED = 500
# similarities below count as this, so that their logarithm is finite
LEAST_SIMILARITY = 0.01
# the constant is found between 0 and this, to one part in a million
LARGEST_CONSTANT = 8.0
HALVINGS = 20


@dataclass(frozen=True, slots=True)
class NamedRecipe:
    """How a head is made from known individuals.

    >>> NamedRecipe(strength=0.3).rank
    256
    """

    strength: float = 1.0
    """Weight of the covariance within animals against the identity of the same mean variance; 0: only the
    mean is removed."""
    rank: int = 256
    """Directions that are shrunk each by their own factor; the others share one."""
    keep_spread: bool = False
    """Whether similarities are to spread as those of the backbone, for scores that combine them with
    feasibility."""


def fit_named_head(embeddings: Float32Array, coats: IntArray, recipe: NamedRecipe) -> Head:
    """A head from vectors with known individuals.

    embeddings: (n, D) unit rows. coats: (n,), a number for each individual, or for each flank of one: only
        photographs that show the same coat say what varies within it. Negative: unknown.
    Raises PreconditionError if no coat has two different photographs.

    >>> rng = np.random.default_rng(0)
    >>> animals = np.repeat(rng.normal(size=(20, 4)), 5, axis=0)
    >>> animals[:, 0] += rng.normal(scale=5.0, size=100)  # the first element says nothing about them
    >>> unit = (animals / np.linalg.norm(animals, axis=1, keepdims=True)).astype(np.float32)
    >>> head = fit_named_head(unit, np.repeat(np.arange(20), 5), NamedRecipe())
    >>> bool(np.abs(head.apply(unit)[:, 0]).mean() < np.abs(unit[:, 0]).mean())
    True
    """
    known = coats >= 0
    vectors = embeddings[known].astype(np.float64)
    _, of, counts = np.unique(coats[known], return_inverse=True, return_counts=True)
    means = np.zeros((len(counts), vectors.shape[1]))
    np.add.at(means, of, vectors)
    means /= counts[:, None]
    several = counts[of] > 1
    within = (vectors - means[of])[several]
    freedom = len(within) - int((counts > 1).sum())
    if not freedom or np.square(within).sum() <= LEAST_VARIANCE * len(vectors):
        raise PreconditionError(
            "no animal has two different photographs of one flank, so nothing is known of how photographs of "
            "one animal differ; name more photographs"
        )
    return _head(within.T @ within / freedom, means.mean(axis=0), vectors, recipe)


def _head(covariance: Float64Array, mean: Float64Array, vectors: Float64Array, recipe: NamedRecipe) -> Head:
    """The residual network that removes a mean and shrinks the directions of a covariance."""
    variances, directions = np.linalg.eigh(covariance)
    # the largest first
    variances, directions = variances[::-1].clip(min=0.0), directions[:, ::-1]
    factors = 1.0 / np.sqrt(1.0 + recipe.strength * variances / variances.mean())
    kept = min(recipe.rank, len(factors))
    # a cosine does not see a common factor, so that of the other directions becomes 1
    shared = factors[kept:].mean() if kept < len(factors) else 1.0
    change = directions[:, :kept] * (factors[:kept] / shared - 1.0)
    down = directions[:, :kept].T
    constant = -mean - change @ (down @ mean)
    if recipe.keep_spread:
        chosen = vectors[np.linspace(0, len(vectors) - 1, min(len(vectors), MOST_COMPARED)).astype(np.int64)]
        constant = constant + _spreading(chosen, chosen + (chosen @ down.T) @ change.T + constant)
    # a unit vector has no element below -1 along any direction, so with this bias the relu changes nothing
    bias = np.ones(kept)
    offset = constant - change @ bias
    return Head(*(np.ascontiguousarray(part, dtype=np.float32) for part in (down, bias, change, offset)))


def _spreading(vectors: Float64Array, mapped: Float64Array) -> Float64Array:
    """The constant that, added to all mapped vectors, makes their similarities spread as those of vectors."""
    direction = np.linalg.eigh(mapped.T @ mapped)[1][:, 0]
    wanted = log_spread(vectors @ vectors.T)
    products, along = mapped @ mapped.T, mapped @ direction
    low, high = 0.0, LARGEST_CONSTANT
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        # a larger constant makes all vectors more alike
        wide = log_spread(products + middle * (along[:, None] + along) + middle**2) > wanted
        low, high = (middle, high) if wide else (low, middle)
    return np.asarray(direction * low)


def log_spread(products: Float64Array) -> float:
    """The standard deviation of the log-similarities of different vectors, from their scalar products (n, n).

    >>> log_spread(np.array([[1.0, 0.5], [0.5, 1.0]]))
    0.0
    """
    lengths = np.sqrt(np.diag(products).clip(min=np.finfo(np.float64).tiny))
    similarities = products / np.multiply.outer(lengths, lengths)
    others = ~np.eye(len(products), dtype=np.bool_)
    return float(np.log(similarities[others].clip(min=LEAST_SIMILARITY)).std())
