"""Processor time of extraction and matching beside the bare libraries, in one run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.local.flanks import Flanks, extracted, read_picture
from benchmarks.local.methods import Method
from spotted.local_features.chips import make_chip

PHOTOGRAPHS = 12
QUERIES = 8
# a network that matches takes seconds for each
NETWORK_QUERIES = 2
SHORTLIST = 50
# the size of the bar
DETECTIONS = 1000


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of processor time."""

    extraction_s: float
    """Extraction from one decoded photograph."""
    bare_extraction_s: float | None
    """The same by OpenCV: resize and SIFT with as many keypoints; None for a network, which is all of it."""
    preparation_s: float
    """The normalisers of one detection."""
    shortlist_s: float
    """Matching of one detection with 50."""
    bare_shortlist_s: float | None
    """The products of their descriptors; None for a network, which is all of it."""

    @property
    def survey_s(self) -> float:
        """Preparation of 1,000 detections, and matching of each with 50."""
        return DETECTIONS * (self.preparation_s + self.shortlist_s)


def measure_cost(flanks: Flanks, method: Method, cache: Path) -> Cost:
    """The cost on photographs whose features are in `cache`, with one thread."""
    spec = method.spec
    pictures = [read_picture(path) for path in flanks.paths[:PHOTOGRAPHS]]
    features = extracted(flanks, method, cache)
    matcher = method.matcher(features, flanks.encounters)
    first = features[: QUERIES + SHORTLIST]
    ready = [matcher.prepare(one, owner) for one, owner in zip(first, flanks.encounters, strict=False)]
    queries, candidates = ready[:QUERIES], ready[QUERIES:]

    def bare(query: int) -> None:
        own = queries[query].features.descriptors.astype(np.float32)
        for candidate in candidates:
            own @ candidate.features.descriptors.astype(np.float32).T

    def plain(picture: int) -> None:
        chip = make_chip(pictures[picture], spec.chip_size_px, enlarged=False)
        cv2.SIFT.create(spec.most_points).detectAndCompute(cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY), None)

    return Cost(
        extraction_s=mean_s(lambda i: method.extractor.extract(pictures[i]), PHOTOGRAPHS),
        bare_extraction_s=None if spec.weights_sha256 else mean_s(plain, PHOTOGRAPHS),
        preparation_s=mean_s(lambda i: matcher.prepare(features[i], flanks.encounters[i]), QUERIES),
        shortlist_s=mean_s(
            lambda i: matcher.match_shortlist(queries[i], candidates),
            NETWORK_QUERIES if method.files else QUERIES,
        ),
        bare_shortlist_s=None if method.files else mean_s(bare, QUERIES),
    )


def mean_s(work: Callable[[int], object], count: int) -> float:
    """Mean processor time of work on 0, 1, ... `count` - 1, after one that does not count."""
    work(0)
    started = time.process_time()
    for i in range(count):
        work(i)
    return (time.process_time() - started) / count
