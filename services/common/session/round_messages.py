"""Rounds as the journal stores them: in columns, since a long session has many rounds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import starmap

import numpy as np

from spotted.sampling.rounds import Pair, PairQuery, Round
from spotted.sampling.stopping import Expected
from spotted.v1 import sampler_pb2 as pb

ITEM, REASON, SCORE, FLAG = np.dtype("<i4"), np.dtype("<u2"), np.dtype("<f4"), np.dtype("u1")


def write(planned: Round, message: pb.PlannedRound) -> None:
    """Write a round into its message."""
    queries = (*planned.pairs, *planned.beside)
    first_use = {query.reason: index for index, query in reversed([*enumerate(queries)])}
    number = {reason: index for index, reason in enumerate(sorted(first_use, key=first_use.__getitem__))}
    message.round, message.kind = planned.number, planned.kind
    if planned.eps is not None:
        message.eps = planned.eps
    if planned.renew_after is not None:
        message.renew_after = planned.renew_after
    if planned.expected is not None:
        message.expected_merges = planned.expected.merges
        message.expected_among = planned.expected.component_pairs
    message.first, message.second = pair_columns([(query.first, query.second) for query in queries])
    message.scores = np.array([query.score for query in queries], SCORE).tobytes()
    message.reasons.extend(number)
    message.reason_of = np.array([number[query.reason] for query in queries], REASON).tobytes()
    message.terms = np.array([query.terms for query in queries], SCORE).tobytes()
    message.beside = len(planned.beside)
    if any(query.calibrated for query in queries):
        message.calibrated = np.array([query.calibrated for query in queries], FLAG).tobytes()


def read(message: pb.PlannedRound) -> Round:
    """The round of a message. Raises ValueError if its columns differ in length."""
    lower, higher = _items(message.first), _items(message.second)
    reasons = [message.reasons[number] for number in np.frombuffer(message.reason_of, REASON).tolist()]
    scores = np.frombuffer(message.scores, SCORE).tolist()
    terms: Sequence[tuple[float, ...]] = [()] * len(lower)
    if message.terms:
        columns = np.frombuffer(message.terms, SCORE).reshape(len(lower), -1).T
        terms = list(zip(*columns.tolist(), strict=True))
    calibrated = [False] * len(lower)
    if message.calibrated:
        calibrated = (np.frombuffer(message.calibrated, FLAG) > 0).tolist()
    columns_of = zip(lower, higher, reasons, scores, terms, calibrated, strict=True)
    queries = tuple(starmap(PairQuery, columns_of))
    expected = None
    if message.HasField("expected_merges"):
        expected = Expected(message.expected_merges, message.expected_among)
    asked = len(queries) - message.beside
    return Round(
        message.round,
        message.kind,
        queries[:asked],
        message.eps if message.HasField("eps") else None,
        message.renew_after if message.HasField("renew_after") else None,
        expected,
        queries[asked:],
    )


def best_score(message: pb.PlannedRound) -> float:
    """The score of the first question; the round must have one."""
    return float(np.frombuffer(message.scores, SCORE, count=1)[0])


def pair_columns(pairs: Sequence[Pair]) -> tuple[bytes, bytes]:
    """The lower and the higher items of pairs."""
    columns = np.array(pairs, ITEM).reshape(-1, 2)
    return columns[:, 0].tobytes(), columns[:, 1].tobytes()


def read_pairs(first: bytes, second: bytes) -> list[Pair]:
    """The pairs of two columns of items."""
    return list(zip(_items(first), _items(second), strict=True))


def _items(column: bytes) -> list[int]:
    items: list[int] = np.frombuffer(column, ITEM).tolist()
    return items
