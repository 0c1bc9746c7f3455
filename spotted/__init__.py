"""Spotted: which camera-trap photographs show the same animal."""

__version__ = "0.1.0"
