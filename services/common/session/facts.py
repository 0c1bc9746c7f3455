"""Facts about detections in a session's journal: their columns, and checks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from services.common.rpc import checks
from spotted.errors import InvalidInputError
from spotted.facts.scope import BOTH
from spotted.v1.session_facts_pb2 import DetectionFacts

ITEM = np.dtype("<i4")
# bits of DetectionFacts.flags besides the flanks
OUTSIDE, NAMED = 4, 8
# index of a detection without a name or an encounter
NONE = -1


def check_facts(facts: DetectionFacts, items: int) -> None:
    """Raise InvalidInputError unless the columns match each other and a session of `items` detections."""
    if len(facts.detections) % ITEM.itemsize:
        raise InvalidInputError(f"facts.detections has {len(facts.detections)} bytes")
    detections = np.frombuffer(facts.detections, ITEM)
    if np.any(np.diff(detections) <= 0) or np.any(detections < 0) or np.any(detections >= items):
        raise InvalidInputError(f"facts.detections are not ascending numbers of the {items} detections")
    if len(facts.flags) != len(detections) or max(facts.flags, default=0) >= BOTH + OUTSIDE + NAMED + 1:
        raise InvalidInputError(f"facts.flags is not one known byte for each of {len(detections)} detections")
    if any(flag & BOTH == BOTH for flag in facts.flags):
        raise InvalidInputError("facts.flags has a detection with both flanks")
    _check_texts(len(detections), facts.names, facts.name_of, "names")
    _check_texts(len(detections), facts.encounters, facts.encounter_of, "encounters")


def _check_texts(count: int, texts: Sequence[str], index: bytes, name: str) -> None:
    checks.unique(texts, f"facts.{name}")
    for text in texts:
        checks.identifier(text, f"facts.{name}")
    expected = count * ITEM.itemsize if texts else 0
    if len(index) != expected:
        raise InvalidInputError(f"the index of facts.{name} has {len(index)} bytes; expected {expected}")
    numbers = np.frombuffer(index, ITEM)
    if np.any(numbers < NONE) or np.any(numbers >= len(texts)):
        raise InvalidInputError(f"the index of facts.{name} is outside its {len(texts)} texts")
