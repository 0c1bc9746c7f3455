"""The row of titles of a table, and titles that are missing or repeated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from spotted.formats.csv_cells import plain_text

# rows in which the titles are looked for, below the name of the project or a logo
EXAMINED_ROWS = 15
# share of the widest row that has to be filled with titles
FILLED = 0.5


def find_header(rows: Mapping[int, Sequence[str]]) -> int:
    """The number of the row of titles: the first one filled like the rows below it; 0 without one.

    >>> find_header({1: ["Survey 2024", "", ""], 3: ["Station", "Date", "Photo"], 4: ["A1", "", "1.jpg"]})
    3
    """
    first = list(rows.items())[:EXAMINED_ROWS]
    filled = {number: len({text for text in map(plain_text, cells) if text}) for number, cells in first}
    widest = max(filled.values(), default=0)
    return next((number for number, count in filled.items() if count >= max(1, FILLED * widest)), 0)


def distinct_titles(cells: Sequence[str]) -> tuple[list[str], list[str]]:
    """The titles, repeated ones numbered as in `Time (2)`, and the titles that are repeated.

    >>> distinct_titles(["Time", "Photo", "Time", ""])
    (['Time', 'Photo', 'Time (2)', ''], ['Time'])
    """
    titles = [" ".join(plain_text(cell).split()) for cell in cells]
    counts = Counter(title for title in titles if title)
    seen = Counter[str]()
    distinct = []
    for title in titles:
        seen[title] += 1
        distinct.append(title if seen[title] == 1 or not title else f"{title} ({seen[title]})")
    return distinct, [title for title, count in counts.items() if count > 1]
