"""Cheap calls per second that a target answers, for ratios such as TLS with a token over plain."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.load.access import DEADLINE_S, Access, metadata, open_channel
from benchmarks.load.surveys import LoadSurvey
from spotted.v1 import scorer_pb2, survey_pb2
from spotted.v1.scorer_pb2_grpc import ScorerServiceStub

IN_FLIGHT = 16


@dataclass(frozen=True, slots=True)
class Way:
    """A target and how it is reached."""

    target: str
    access: Access


async def unary_per_s(way: Way, survey: LoadSurvey, seconds: float, *, most: int = IN_FLIGHT) -> float:
    """ScorePairs calls of one pair per second, `most` in flight; raises the error of the first failed one.

    The channel is open and warm before it counts.
    """
    first, second = survey.detection_ids[:2]
    pair = survey_pb2.Pair(first_detection_id=first, second_detection_id=second)
    request = scorer_pb2.ScorePairsRequest(survey_id=survey.survey_id, pairs=[pair])
    shown = metadata(way.access)
    async with open_channel(way.target, way.access) as channel:
        call = ScorerServiceStub(channel).ScorePairs

        async def one_after_another(until_s: float) -> int:
            answered = 0
            while time.perf_counter() < until_s:
                await call(request, timeout=DEADLINE_S, metadata=shown)
                answered += 1
            return answered

        # each replica's connection is open after two
        for _ in range(2 * most):
            await call(request, timeout=DEADLINE_S, metadata=shown, wait_for_ready=True)
        started_s = time.perf_counter()
        until_s = started_s + seconds
        counts = await asyncio.gather(*(one_after_another(until_s) for _ in range(most)))
        return sum(counts) / (time.perf_counter() - started_s)


def ratios(way: Way, base: Way, survey: LoadSurvey, *, turns: int, seconds: float) -> list[float]:
    """Calls a second one way over those of the base, one for each turn; who begins alternates."""
    return [_ratio(way, base, survey, seconds, first=turn % 2 == 0) for turn in range(turns)]


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """The median and the quartiles beside it: (median, lower, upper), by halves of the sorted values."""
    ordered, half = sorted(values), (len(values) + 1) // 2
    return median(ordered), median(ordered[:half]), median(ordered[-half:])


def _ratio(way: Way, base: Way, survey: LoadSurvey, seconds: float, *, first: bool) -> float:
    found: dict[Way, float] = {}
    for one in (way, base) if first else (base, way):
        found[one] = asyncio.run(unary_per_s(one, survey, seconds))
    return found[way] / found[base]
