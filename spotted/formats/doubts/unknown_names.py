"""Names that people write for an animal that they could not identify."""

from __future__ import annotations

import re
import unicodedata

# without case, accents, spaces and marks; camera-trap programs and people of several languages write them
UNKNOWN_NAMES = frozenset(
    [
        "unk",
        "unkn",
        "unknown",
        "unknowns",
        "unknownanimal",
        "unknownindividual",
        "unknownid",
        "individualunknown",
        "idunknown",
        "notknown",
        "unid",
        "unided",
        "unidanimal",
        "unidindividual",
        "unidentified",
        "unidentifiedanimal",
        "unidentifiedindividual",
        "unidentifiable",
        "notidentified",
        "notidentifiable",
        "undetermined",
        "undefined",
        "indeterminate",
        "indet",
        "unassigned",
        "unclear",
        "uncertain",
        "unsure",
        "notsure",
        "unnamed",
        "noname",
        "noid",
        "noindividual",
        "none",
        "null",
        "na",
        "notapplicable",
        "notavailable",
        "tbd",
        "tobedetermined",
        "inconnu",
        "inconnue",
        "desconocido",
        "desconocida",
        "sinidentificar",
        "noidentificado",
        "desconhecido",
        "desconhecida",
        "naoidentificado",
        "unbekannt",
        "onbekend",
        "sconosciuto",
    ]
)
_MARKS = re.compile(r"[\W_]+")


def means_unknown(name: str) -> bool:
    """Whether a name says that the animal is not known, or not for certain (`Mvula?`).

    A number after the word (`Unknown 1`) names one animal, which is unknown only to others.

    >>> [means_unknown(name) for name in ("UNID", "un-identified", "?", "Mvula?", "Unknown 1", "Mvula")]
    [True, True, True, True, False, False]
    """
    if not name:
        return False
    letters = "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))
    core = _MARKS.sub("", letters).casefold()
    return not core or core in UNKNOWN_NAMES or name.rstrip().endswith("?")
