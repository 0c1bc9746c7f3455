"""Cells in the forms that fields need: degrees, numbers, dates, names of no animal."""

from __future__ import annotations

import re

from spotted.formats.csv_cells import plain_text
from spotted.formats.doubts.unknown_names import means_unknown

# labels of photographs without a wild animal
_NO_ANIMAL = frozenset(
    [
        "blank",
        "empty",
        "nothing",
        "none",
        "noanimal",
        "noanimals",
        "noanimalpresent",
        "nothinghere",
        "falsetrigger",
        "misfire",
        "vacio",
        "vacia",
        "vazio",
        "vide",
        "leer",
        "person",
        "human",
        "humans",
        "people",
        "homosapiens",
        "vehicle",
        "vehicles",
        "car",
        "vehicleshumanslivestock",
        "setup",
        "setuppickup",
        "pickup",
        "knockeddown",
        "unused",
    ]
)
_DEGREES = re.compile(
    r"(?P<first>[NSEW])?\s*(?P<sign>[+-])?\s*(?P<deg>\d+([.,]\d+)?)\s*(°|º|deg|d|:|\s)?\s*"
    r"((?P<min>\d+([.,]\d+)?)\s*(['\u2032\u2019m:]|\s)?\s*)?"
    r"((?P<sec>\d+([.,]\d+)?)\s*([\"\u2033\u201ds]|'')?\s*)?(?P<last>[NSEW])?",
    re.IGNORECASE,
)
SIXTY = 60.0


def is_no_animal(label: str) -> bool:
    """Whether a label says that a photograph shows no wild animal.

    >>> [is_no_animal(label) for label in ("Blank", "false trigger", "Homo sapiens", "Leopard")]
    [True, True, True, False]
    """
    return re.sub(r"[\W_]+", "", label).casefold() in _NO_ANIMAL


def is_unnamed(label: str) -> bool:
    """Whether a label names no species: empty, no animal, or unknown."""
    return not label or is_no_animal(label) or means_unknown(label)


def number_text(text: str, *, decimal_comma: bool) -> str:
    """A number with a decimal point, and without spaces between thousands.

    >>> number_text("456 789,5", decimal_comma=True), number_text("456,789.5", decimal_comma=False)
    ('456789.5', '456789.5')
    """
    plain = re.sub(r"(?<=\d)[\s'](?=\d{3})", "", plain_text(text))
    if decimal_comma and plain.count(",") == 1 and re.fullmatch(r"[+-]?[\d.]+,\d+", plain):
        return plain.replace(".", "").replace(",", ".")
    # thousands, if a decimal point follows
    return plain.replace(",", "") if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+\.\d+", plain) else plain


def degrees_text(text: str) -> str:
    """A latitude or longitude as decimal degrees; other texts stay as they are.

    >>> [degrees_text(text) for text in ("-24,5", "24°30'15.0''S", "E 31.25", "24 30.5 S")]
    ['-24.5', '-24.504166666667', '31.25', '-24.508333333333']
    """
    plain = plain_text(text)
    found = _DEGREES.fullmatch(plain)
    if not found or not plain:
        return plain
    letter = (found["first"] or found["last"] or "").upper()
    minutes, seconds = found["min"], found["sec"]
    if not (letter or minutes or "," in plain or "°" in plain or "º" in plain):
        return plain
    parts = [float(part.replace(",", ".")) for part in (found["deg"], minutes or "0", seconds or "0")]
    if max(parts[1:]) >= SIXTY or (minutes and not (letter or re.search(r"[°º]", plain))):
        return plain
    if not minutes:
        value = found["deg"].replace(",", ".")
    else:
        value = f"{parts[0] + parts[1] / SIXTY + parts[2] / SIXTY**2:.12f}".rstrip("0").rstrip(".")
    negative = found["sign"] == "-" or letter in {"S", "W"}
    return f"-{value}" if negative else value
