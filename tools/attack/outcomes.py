"""Outcomes of attacks, and the table of all of them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

from spotted.local.processes import SERVICES

# of the p99 of a bystander's calls during an attack, as a multiple of the quiet one in the same run
MOST_SLOWER = 2.0
MIB = 1 << 20
LONGEST = 200


class BreachError(AssertionError):
    """An attack got what it may not."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one attack."""

    name: str
    """The attack."""
    happened: str
    """Answers of the services."""
    peaks_bytes: dict[str, int]
    """Most memory held by each role."""
    during_s: dict[str, float]
    """p99 of the bystander's calls during the attack, by service; empty if too few fell into it."""
    seconds: float
    """How long the attack took."""
    breaches: list[str] = field(default_factory=list)
    """Results that it may not have."""

    def slower(self, quiet_s: dict[str, float]) -> list[str]:
        """Breaches of the bystander's bar."""
        return [
            f"others' {role} calls had a p99 of {1000 * p99:.0f} ms, quiet {1000 * quiet_s[role]:.0f} ms"
            for role, p99 in self.during_s.items()
            if role in quiet_s and p99 > MOST_SLOWER * quiet_s[role]
        ]


def breaches(outcomes: Sequence[Outcome], quiet_s: dict[str, float]) -> dict[str, list[str]]:
    """All breaches by attack. quiet_s: p99 without attacks by service; empty if times are not judged."""
    found = {outcome.name: [*outcome.breaches, *outcome.slower(quiet_s)] for outcome in outcomes}
    return {name: those for name, those in found.items() if those}


def table(outcomes: Sequence[Outcome], quiet_s: dict[str, float], failed: Container[str]) -> str:
    """A table in Markdown. failed: the attacks that got what they may not."""
    roles = list(outcomes[0].peaks_bytes)
    memory, times = f"peak MiB: {', '.join(roles)}", f"p99 of others, ms: {', '.join(SERVICES)}"
    lines = [
        f"| attack | what happened | s | verdict | {memory} | {times} |",
        "|---|---|---|---|---|---|",
        f"| none | | | | | {_times(quiet_s)} |",
    ]
    for outcome in outcomes:
        verdict = "BREACH" if outcome.name in failed else "held"
        peaks = _cells(outcome.peaks_bytes[role] / MIB for role in roles)
        during = _times(outcome.during_s)
        cells = (outcome.name, outcome.happened[:LONGEST], f"{outcome.seconds:.0f}", verdict, peaks, during)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _times(seconds: dict[str, float]) -> str:
    return ", ".join(f"{1000 * seconds[role]:.0f}" if role in seconds else "-" for role in SERVICES)


def _cells(values: Iterable[float]) -> str:
    return ", ".join(f"{value:.0f}" for value in values)
