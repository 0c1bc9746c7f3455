"""The camera station of a photograph from its path, by a pattern that is guessed or given."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from spotted.errors import InvalidInputError

STATION = "{station}"
# share of the photographs that must fit a guessed pattern
SHARE = 0.9
# folders that cameras and people make within a station: memory cards (DCF), dates of visits
_NO_STATION = re.compile(
    r"\d{3}[A-Z0-9_]{5}|dcim|\d{3}media|(19|20)\d\d([-_. ]?\d\d){0,2}|(images?|photos?|pictures?|raw)",
    re.IGNORECASE,
)
# how cameras name files
_CAMERA_FILE = re.compile(
    r"(img|dsc|dscf|dscn|pict|image|photo|rcnx|mfdc|ek|sun|stc|imag|wct)[-_ ]?\d*", re.IGNORECASE
)
_TOKENS = {"**/": r"(?:[^/]+/)*?", "*": r"[^/]*?", STATION: r"([^/]+?)"}
_TOKEN = re.compile(r"\*\*/|\*|\{station\}")
_FILE_STARTS = {
    f"**/{STATION}__*": re.compile(r"([^/]+?)__"),
    f"**/{STATION}_*": re.compile(r"([^/_]*[A-Za-z][^/_]*\d|[^/_]*\d[^/_]*[A-Za-z])_"),
}


@dataclass(frozen=True, slots=True)
class StationPattern:
    """A pattern of paths: `{station}` is the station, `*` any text within a name, `**/` any folders.

    The rest of a path after the pattern is ignored. Several `{station}` are joined by a slash.

    >>> StationPattern("*/{station}").station("North/A1/100RECNX/IMG_0001.JPG")
    'A1'
    >>> StationPattern("**/{station}__*").station("leopard/A1__2024-05-01.jpg")
    'A1'
    """

    text: str
    """e.g. "{station}": the first folder."""

    def __post_init__(self) -> None:
        """Raise InvalidInputError for a pattern without `{station}`."""
        if STATION not in self.text:
            raise InvalidInputError(
                f"the pattern {self.text!r} has no {STATION}; write e.g. {STATION} for the first folder, "
                f"*/{STATION} for the second, or **/{STATION}_* for the start of the file name",
                field="station",
            )

    def station(self, path: str) -> str:
        """The station of a photograph, "" if its path does not fit; path: relative, with slashes."""
        # a folder may be written with a slash behind it
        found = re.match(_regex(self.text.rstrip("/")), path)
        return "/".join(found.groups()) if found else ""


def folded(name: str) -> str:
    """A name without the case and the separators in which tables and folders differ."""
    return re.sub(r"[\s_.-]+", "", name).casefold()


def guess_pattern(paths: Sequence[str], known: Collection[str] = ()) -> StationPattern | None:
    """The pattern that most likely gives the stations of photographs, None without one.

    known: ids of a table of cameras. If most names of a folder level, or of the starts of file names, are
    among them, that is the pattern. Otherwise it is the deepest folder whose names do not repeat below
    several folders, as those of species do, and are not those of memory cards or dates.

    >>> guess_pattern(["North/A1/100RECNX/1.jpg", "North/A2/100RECNX/1.jpg"]).text
    '*/{station}'
    """
    if not paths:
        return None
    depths = sorted(path.count("/") for path in paths)
    # photographs that lie higher than most others are exceptions
    deepest = depths[int((1.0 - SHARE) * len(depths))]
    levels = [StationPattern("*/" * level + STATION) for level in range(deepest)]
    files = [StationPattern(text) for text in _FILE_STARTS]
    wanted = {folded(name) for name in known}
    if wanted:
        fits = {pattern: _known_share(pattern, paths, wanted) for pattern in [*levels, *files]}
        best = max(fits, key=lambda pattern: fits[pattern])
        if 2 * fits[best] > 1:
            return best
    by_folder = (levels[level] for level in reversed(range(deepest)) if _are_stations(paths, level))
    by_file = (pattern for pattern in files if _fits_files(pattern, paths))
    return next(by_folder, None) or next(by_file, None)


def _regex(pattern: str) -> str:
    pieces, end = [], 0
    for token in _TOKEN.finditer(pattern):
        pieces += [re.escape(pattern[end : token.start()]), _TOKENS[token[0]]]
        end = token.end()
    # a bare {station} is a folder, never the name of the photograph
    is_folder = pattern.rpartition("/")[2] in {STATION, "*"}
    return "".join([*pieces, re.escape(pattern[end:]), "/" if is_folder else "(?:/|$)"])


def _known_share(pattern: StationPattern, paths: Sequence[str], wanted: set[str]) -> float:
    return sum(folded(pattern.station(path)) in wanted for path in paths) / len(paths)


def _are_stations(paths: Sequence[str], level: int) -> bool:
    """Whether the folders of a level may be stations: each name below one folder, not of cards or dates."""
    folders = {tuple(parts[: level + 1]) for path in paths if len(parts := path.split("/")) > level + 1}
    names = Counter(folder[-1] for folder in folders)
    return max(names.values()) == 1 and not any(_NO_STATION.fullmatch(name) for name in names)


def _fits_files(pattern: StationPattern, paths: Sequence[str]) -> bool:
    """Whether file names start with a station: few different starts, and not those that cameras write."""
    starts = [_FILE_STARTS[pattern.text].match(path.rpartition("/")[2]) for path in paths]
    stations = Counter(start[1] for start in starts if start and not _CAMERA_FILE.fullmatch(start[1]))
    return stations.total() >= SHARE * len(paths) and 2 * len(stations) <= len(paths)
