"""Wrong and doubtful values found while reading files, one line a cause."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from spotted.errors import InvalidInputError

SHOWN_PROBLEMS = 10


@dataclass(slots=True)
class _Kind:
    """Findings of one cause, in the words of the first."""

    text: str
    count: int = 1
    outcome: str = ""
    times_of: tuple[str, str] | None = None
    """File and column, if the cause is a time that is not believed."""

    def line(self, outcome: str = "") -> str:
        return f"{self.text}{outcome}" if self.count == 1 else f"{self.text}{outcome} ({self.count:,} rows)"


@dataclass(slots=True)
class Problems:
    """Findings while reading: wrong values, which stop an import, and doubtful ones, which are left out.

    Findings of one cause are one line, so that a user sees every cause in one run.
    """

    strict: bool = False
    """Whether doubtful values stop the import, too."""
    count: int = 0
    """Number of wrong values."""
    first_field: str = ""
    """Location of the first wrong value, as file:row:column."""
    times_read: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Number of times in each file and column, believed or not."""
    spellings: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The ways in which each id that is not ASCII is written."""
    _wrong: dict[object, _Kind] = field(default_factory=dict)
    _doubtful: dict[object, _Kind] = field(default_factory=dict)

    @property
    def shown(self) -> list[str]:
        """A line for each of the first SHOWN_PROBLEMS causes of wrong values."""
        return [kind.line() for kind in list(self._wrong.values())[:SHOWN_PROBLEMS]]

    @property
    def notes(self) -> list[str]:
        """A line for each cause of doubtful values, and one about ids that are equal only to the eye."""
        lines = [kind.line(kind.outcome) for kind in self._doubtful.values()]
        alike = [text for text, written in self.spellings.items() if len(written) > 1]
        if alike:
            lines.append(
                f"ids written in several ways that look the same (accents or spaces), such as {alike[0]!r}, "
                "are read as one"
            )
        return lines

    def add(self, text: str, location: str = "", *, cause: object = None) -> None:
        """Record a wrong value; `location` is file:row:column, values of equal `cause` share a line."""
        if not self.count:
            self.first_field = location
        self.count += 1
        _count(self._wrong, cause or text, _Kind(text))

    def doubt(
        self,
        text: str,
        location: str = "",
        *,
        cause: object = None,
        outcome: str = "",
        times_of: tuple[str, str] | None = None,
    ) -> None:
        """Record a doubtful value that is left out of the survey; if `strict`, it is a wrong one.

        outcome: how it is read, at the end of its note.
        """
        if self.strict:
            self.add(text, location, cause=cause)
        else:
            _count(self._doubtful, cause or text, _Kind(text, outcome=outcome, times_of=times_of))

    def remark(self, text: str, *, cause: object) -> None:
        """Record how a value was read, which stops no import."""
        _count(self._doubtful, cause, _Kind(text))

    def raise_any(self) -> None:
        """Raise InvalidInputError with the first ten causes, if there is a wrong value.

        If more than half of the times of a column are not believable, its format is wrong, not some cameras.
        """
        doubtful = Counter[tuple[str, str]]()
        for kind in self._doubtful.values():
            doubtful += Counter({kind.times_of: kind.count} if kind.times_of else {})
        for cause, kind in list(self._doubtful.items()):
            if kind.times_of and 2 * doubtful[kind.times_of] > self.times_read[kind.times_of]:
                self.count += kind.count
                self._wrong[cause] = self._doubtful.pop(cause)
        if not self.count:
            return
        if self.count == 1:
            raise InvalidInputError(self.shown[0], field=self.first_field)
        causes = len(self._wrong)
        of_causes = f" of {causes} causes" if causes not in {1, self.count} else ""
        more = f", the first {SHOWN_PROBLEMS}" if causes > SHOWN_PROBLEMS else ""
        listed = "".join(f"\n  {text}" for text in self.shown)
        raise InvalidInputError(f"{self.count:,} problems{of_causes}{more}:{listed}", field=self.first_field)


def _count(kinds: dict[object, _Kind], cause: object, kind: _Kind) -> None:
    if cause in kinds:
        kinds[cause].count += 1
    else:
        kinds[cause] = kind
