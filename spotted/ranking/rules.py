"""Rules that leave detections out of the candidates of a query."""

from __future__ import annotations

import enum


class CandidateRule(enum.IntEnum):
    """A rule that leaves detections out; the values are those of `spotted.v1.CandidateRule`."""

    SAME_IMAGE = 1
    """In the query's own image, hence another animal; always applied."""
    SIDE = 2
    """`CandidateFilter.comparable_sides_only`."""
    ENCOUNTER = 3
    """`CandidateFilter.exclude_same_encounter`."""
    CAMERA = 4
    """`CandidateFilter.camera_ids`."""
    TIME = 5
    """`CandidateFilter.captured_from_s` and `captured_before_s`."""
    UNKNOWN_INDIVIDUAL = 6
    """`CandidateFilter.known_individuals_only`."""
    EXCLUDED_INDIVIDUAL = 7
    """`CandidateFilter.exclude_individual_ids`."""
    SPECIES = 8
    """`CandidateFilter.species`."""
