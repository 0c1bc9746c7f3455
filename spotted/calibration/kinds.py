"""How much of the evidence a calibration ranks by. Clients read it without scipy."""

from __future__ import annotations

import enum


class CalibrationKind(enum.IntEnum):
    """How much of the evidence a calibration ranks by; the values are those of `spotted.v1.CalibrationKind`.

    >>> CalibrationKind(2).name
    'PRODUCT'
    """

    STARTING = 1
    """Too few labels: in the order of the product, with probabilities learned on other surveys."""
    PRODUCT = 2
    """In the order of the product, with probabilities learned from the labels."""
    EVIDENCE = 3
    """By all evidence, as learned from the labels."""
