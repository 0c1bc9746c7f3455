"""Counts of a session's labels: by answer, over time, by annotator."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from spotted import messages
from spotted.v1 import sampler_pb2 as pb


class LabelCounts:
    """Labels that were not retracted, counted."""

    def __init__(self, labels: Iterable[pb.Label] = ()) -> None:
        self.answers: Counter[int] = Counter()
        self.times_s: list[float] = []
        """When each was stored, in their order."""
        self.times_of: defaultdict[str, list[float]] = defaultdict(list)
        """The same for each annotator."""
        for label in labels:
            self.add(label)

    def add(self, label: pb.Label) -> None:
        """Count one more label."""
        self.answers[label.answer] += 1
        at_s = messages.seconds(label.create_time)
        self.times_s.append(at_s)
        self.times_of[label.annotator_id].append(at_s)
