"""Defaults that rankings share with those who ask for them, without what ranking needs to import."""

from __future__ import annotations

# candidates per detection unless the caller asks for another number
TOP_K = 20
