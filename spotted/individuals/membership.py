"""How sure it is that each detection belongs to its individual, by the answers that hold it there.

Every pair that was answered SAME is a link that is right with the probability that its answers give. A
detection is as sure as the surest chain of links between it and the best-linked detection of its individual:
a lower bound, since other chains may hold too. What no answer holds was decided by a person or known from
files, and is sure. A detection has no trust if an answer contradicts its individual, or if every answer
about it is that it cannot be compared.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from spotted.constraints.answers import Answer
from spotted.constraints.error_rates import ErrorRates

# of annotators whose errors nobody has measured, as `Annotators` assumes
USUAL = ErrorRates(0.02, 0.02)
# part of its log-odds that a repeated answer to one pair adds, as in `TrustSettings`: errors may persist
REPEATED = 0.2

Pair = tuple[str, str]


class GivenAnswer(NamedTuple):
    """An answer of an annotator to a pair of detections."""

    first: str
    second: str
    answer: Answer
    annotator_id: str


def trust_members(
    individuals: Iterable[Sequence[str]],
    answers: Sequence[GivenAnswer],
    rates: Mapping[str, ErrorRates],
) -> dict[str, float]:
    """The probability, at least, that each detection belongs to its individual; 0 for one that is left out.

    individuals: the detections of each. rates: of annotators whose errors are known.

    >>> said = [GivenAnswer("a", "b", Answer.SAME, "ana"), GivenAnswer("b", "c", Answer.SAME, "ana")]
    >>> {one: round(sure, 2) for one, sure in trust_members([("a", "b", "c")], said, {}).items()}
    {'a': 0.98, 'b': 1.0, 'c': 0.98}
    """
    of = {member: index for index, members in enumerate(individuals) for member in members}
    left_out = find_contradicted(of, answers) | _never_compared(answers)
    links = _links(of, answers, rates)
    members_of: defaultdict[int, list[str]] = defaultdict(list)
    for member, index in of.items():
        members_of[index].append(member)
    trust: dict[str, float] = {}
    for members in members_of.values():
        trust |= _surest(sorted(members), links)
    return {member: 0.0 if member in left_out else trust[member] for member in of}


def find_contradicted(of: Mapping[str, int], answers: Iterable[GivenAnswer]) -> set[str]:
    """Detections of an answer against the individuals: DIFFERENT within one, or SAME for two."""
    contradicted: set[str] = set()
    for first, second, answer, _ in answers:
        if first not in of or second not in of:
            continue
        together = of[first] == of[second]
        if answer is (Answer.DIFFERENT if together else Answer.SAME):
            contradicted |= {first, second}
    return contradicted


def _never_compared(answers: Iterable[GivenAnswer]) -> set[str]:
    """Detections about which every answer is that they cannot be compared."""
    compared: set[str] = set()
    shown: set[str] = set()
    for first, second, answer, _ in answers:
        if answer is Answer.NOT_COMPARABLE:
            shown |= {first, second}
        elif answer is not Answer.SKIP:
            compared |= {first, second}
    return shown - compared


def _links(
    of: Mapping[str, int], answers: Iterable[GivenAnswer], rates: Mapping[str, ErrorRates]
) -> dict[str, dict[str, float]]:
    """Minus the log-probability of each link within an individual, from both ends."""
    given: defaultdict[Pair, list[float]] = defaultdict(list)
    for first, second, answer, annotator_id in answers:
        if answer is Answer.SAME and of.get(first, -1) == of.get(second, -2):
            odds = rates.get(annotator_id, USUAL).log_odds(same=True)
            given[min(first, second), max(first, second)].append(odds)
    links: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for (first, second), each in given.items():
        largest = max(each)
        total = largest + REPEATED * (sum(each) - largest)
        links[first][second] = links[second][first] = math.log1p(math.exp(-total))
    return links


def _surest(members: Sequence[str], links: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """The probability of the surest chain from the best-linked member to each (Dijkstra 1959)."""
    found: dict[str, float] = {}
    # of equally many links the first id; groups that no link joins begin with one of their own, and are sure
    for start in sorted(members, key=lambda one: -len(links.get(one, {}))):
        queue = [] if start in found else [(0.0, start)]
        while queue:
            cost, member = heapq.heappop(queue)
            if member in found:
                continue
            found[member] = cost
            for other, more in links.get(member, {}).items():
                if other not in found:
                    heapq.heappush(queue, (cost + more, other))
    return {member: math.exp(-cost) for member, cost in found.items()}
