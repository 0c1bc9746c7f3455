"""Detections that left a session, and what it still knows about the others.

Items are numbered again without those that left. Labels stay, with the versions of the detections that they
were given for, and count only while both detections are in the session in these versions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from spotted.sampling.rounds import Pair
from spotted.v1 import sampler_pb2 as pb


@dataclass(frozen=True, slots=True)
class GivenLabel:
    """A label that was not retracted."""

    label: pb.Label
    versions: tuple[int, int]
    """Versions of its first and second detection when it was given."""
    chance: float | None
    """The chance of SAME at which its pair was planned when it was given; None if it had none."""


def given(label: pb.Label, versions: Mapping[str, int], chance: float | None = None) -> GivenLabel:
    """A label as it is given now. versions: of the detections that do not have their first image."""
    return GivenLabel(label, _versions(label, versions), chance)


def live_labels(
    labels: Mapping[str, GivenLabel], present: Collection[str], versions: Mapping[str, int]
) -> dict[str, pb.Label]:
    """The labels that count, in their order. present: ids of the session's detections."""
    return {
        label_id: one.label
        for label_id, one in labels.items()
        if one.label.first_detection_id in present
        and one.label.second_detection_id in present
        and one.versions == _versions(one.label, versions)
    }


class Remaining:
    """The items that remain after some left, numbered again in their order."""

    def __init__(self, detection_ids: Sequence[str], gone: Collection[str]) -> None:
        """detection_ids: those of the items 0..n-1 before. gone: those that left."""
        kept = [item for item, detection_id in enumerate(detection_ids) if detection_id not in gone]
        self.detection_ids = [detection_ids[item] for item in kept]
        self.index = {item: number for number, item in enumerate(kept)}

    def pairs(self, pairs: Iterable[Pair]) -> list[Pair]:
        """The pairs of which both items remain."""
        index = self.index
        return [(index[a], index[b]) for a, b in pairs if a in index and b in index]

    def groups(self, groups: Iterable[Collection[int]]) -> list[tuple[int, ...]]:
        """The groups without the items that left; those of fewer than two items are dropped."""
        smaller = (tuple(self.index[i] for i in group if i in self.index) for group in groups)
        return [group for group in smaller if len(group) > 1]


def _versions(label: pb.Label, versions: Mapping[str, int]) -> tuple[int, int]:
    return versions.get(label.first_detection_id, 0), versions.get(label.second_detection_id, 0)
