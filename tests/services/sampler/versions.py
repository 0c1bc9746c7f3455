"""The version of a survey that facts are read from."""

from __future__ import annotations

from services.sampler.scorer_client import Version

VERSION = Version("u", 1)
