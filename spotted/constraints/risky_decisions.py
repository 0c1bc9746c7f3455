"""Which accepted decisions may be wrong, and how much would be wrong by them (ours)."""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from spotted.constraints.graph_cuts import Bridge, Sums, bridges
from spotted.constraints.partition import Partition
from spotted.constraints.statements import Across, Pair, probability_of


@dataclass(frozen=True, slots=True)
class Doubt:
    """A decision that may be wrong: the weakest link of a component, or a separation of two.

    risk: P(wrong) times the image pairs between the two sides. merged: True for a link.
    near, far: the items on either side.
    """

    risk: float
    merged: bool
    near: tuple[int, ...]
    far: tuple[int, ...]


class Doubts:
    """The doubtful decisions of a partition, kept up to date as it changes.

    A component is looked at again where its links changed. Separations are too many for that: they are
    looked through now and then. Every method is told the partition: to keep it here would make a circle of
    the two, and large sessions would outlive their use.
    """

    def __init__(self) -> None:
        self._weakest: dict[int, Doubt] = {}
        # by component, ascending: the riskiest link is the first
        self._links: list[tuple[float, int]] = []
        # by two components, ascending by the risk when last looked: the riskiest is the last
        self._separated: list[tuple[float, int, int]] = []

    def look(self, partition: Partition) -> None:
        """Look through all separations for those worth an audit."""
        least = partition.settings.reopen_risk
        self._separated = sorted(
            (risk, ours, theirs)
            for ours, theirs, across in partition.separated()
            if (risk := _risk_of_loss(partition, ours, theirs, across)) >= least
        )

    def pass_over(self, partition: Partition) -> None:
        """Forget the riskiest separations that are worth no audit any more, until all are looked through."""
        while self._separated and not _worth(partition, *self._separated[-1][1:]):
            self._separated.pop()

    def riskiest(self, partition: Partition) -> Iterator[Doubt]:
        """The decisions that are worth an audit, the riskiest first; of separations, when last looked."""
        self._refresh(partition)
        links = ((risk, self._weakest[component]) for risk, component in self._links)
        separated = ((-risk, _separation(partition, *pair)) for risk, *pair in reversed(self._separated))
        for _, doubt in heapq.merge(links, separated, key=lambda entry: entry[0]):
            if doubt:
                yield doubt

    def _refresh(self, partition: Partition) -> None:
        for component in partition.take_changed():
            before = self._weakest.pop(component, None)
            if before:
                del self._links[bisect.bisect_left(self._links, (-before.risk, component))]
            doubt = weakest_link(partition, component)
            if doubt and doubt.risk >= partition.settings.audit_risk:
                self._weakest[component] = doubt
                bisect.insort(self._links, (-doubt.risk, component))


def separation_risk(partition: Partition, ours: int, theirs: int) -> float:
    """Image pairs expected to be lost by a separation; 0 where none is unasked, or one image shows both."""
    across = partition.separation(ours, theirs)
    return 0.0 if across is None else _risk_of_loss(partition, ours, theirs, across)


def _worth(partition: Partition, ours: int, theirs: int) -> float:
    """The risk of a separation, 0 where it is worth no audit."""
    risk = separation_risk(partition, ours, theirs)
    return risk if risk >= partition.settings.reopen_risk else 0.0


def _separation(partition: Partition, ours: int, theirs: int) -> Doubt | None:
    risk = _worth(partition, ours, theirs)
    return Doubt(risk, False, partition.members(ours), partition.members(theirs)) if risk else None


def _risk_of_loss(partition: Partition, ours: int, theirs: int, across: Across) -> float:
    image_pairs = partition.size(ours) * partition.size(theirs)
    if across.forbidden or across.asked >= image_pairs:
        return 0.0
    return image_pairs * probability_of(across.log_odds(partition.settings))


def weakest_link(partition: Partition, component: int) -> Doubt | None:
    """The link of a component's strongest spanning tree that is expected to make most image pairs wrong.

    None for a component that is gone, or in which every image pair is a question that was asked.
    """
    items = partition.members(component) if partition.is_component(component) else ()
    links: dict[Pair, Sums] = {}
    inside = set(items)
    for item in items:
        for other in partition.testimony.near(item):
            pair = partition.testimony.of(item, other) if other in inside and other > item else None
            if pair:
                links[item, other] = (pair.weight, sum(pair.priors), len(pair.priors), 1.0)
    if len(links) == len(items) * (len(items) - 1) // 2:
        return None
    found = bridges(items, partition.strengths(items), links)
    risk, _, weakest = max((_risk(partition, link, len(items)), link.side, link) for link in found)
    near = tuple(item for item in items if item not in {*weakest.side})
    return Doubt(risk, True, near, tuple(sorted(weakest.side)))


def _risk(partition: Partition, link: Bridge, items: int) -> float:
    """P(wrong) times image pairs; 0 where every image pair across was asked already."""
    weight, prior, priors, asked = link.sums
    image_pairs = len(link.side) * (items - len(link.side))
    odds = weight + (prior / priors if priors else partition.settings.prior(None))
    return image_pairs * probability_of(-odds) if asked < image_pairs else 0.0
