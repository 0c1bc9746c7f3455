"""Facts that people's decisions superseded: names and encounters that do not count as they were read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from spotted.facts.kinds import Fact, Source


@dataclass
class Overrides:
    """Changes of the names and encounters of a session by decisions.

    >>> overrides = Overrides()
    >>> overrides.add([Fact(Source.KNOWN, 0, 3, ("Mvula", "Nandi"))], merged=True)
    >>> overrides.add([Fact(Source.KNOWN, 0, 5, ("Mvula",))], merged=False)
    >>> overrides.names({0: "Mvula", 3: "Nandi", 5: "Mvula"})
    {0: 'Mvula', 3: 'Mvula'}
    """

    _set_aside: set[tuple[Source, int, str]] = field(default_factory=set)
    _first_of: dict[str, str] = field(default_factory=dict)

    def add(self, facts: Iterable[Fact], *, merged: bool) -> None:
        """Add the facts that a decision superseded. merged: it made animals of two names one."""
        for fact in facts:
            if merged and len(fact.names) > 1:
                first, second = (self._first(name) for name in fact.names)
                if first != second:
                    self._first_of[second] = first
            else:
                self._set_aside.add((fact.source, fact.second, fact.names[-1]))

    def names(self, names: Mapping[int, str]) -> dict[int, str]:
        """The names that count; of one animal's names the first."""
        if not self._set_aside and not self._first_of:
            return dict(names)
        # what was set aside is what counted then, under a name of other animals that were merged since
        return {
            item: self._first(name)
            for item, name in names.items()
            if not any((Source.KNOWN, item, text) in self._set_aside for text in {name, self._first(name)})
        }

    def encounters(self, encounters: Mapping[str, Sequence[int]]) -> dict[str, Sequence[int]]:
        """The items of each encounter that count."""
        if not self._set_aside:
            return dict(encounters)
        return {
            encounter: [i for i in items if (Source.ENCOUNTER, i, encounter) not in self._set_aside]
            for encounter, items in encounters.items()
        }

    def _first(self, name: str) -> str:
        while name in self._first_of:
            name = self._first_of[name]
        return name
