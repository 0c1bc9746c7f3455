"""Ids of detections of other surveys, in a session that draws on them through the catalogue.

No detection of a survey has an id of this form, so that it always says which survey is meant.
"""

from __future__ import annotations

import re

from spotted.catalogue.facts import Member

# the mark, a survey's id and the id of one of its detections
_ID = re.compile(r"~([A-Za-z0-9][A-Za-z0-9._-]{0,63})/(.+)", re.ASCII | re.DOTALL)


def foreign_id(member: Member) -> str:
    """The id of a detection of another survey.

    >>> foreign_id(Member("kenya-2024", "d07"))
    '~kenya-2024/d07'
    """
    return f"~{member.survey_id}/{member.detection_id}"


def read_foreign_id(text: str) -> Member | None:
    """The survey and the detection of an id; None for a detection of the survey itself.

    >>> read_foreign_id("~kenya-2024/card 3/d07"), read_foreign_id("card 3/d07")
    (Member(survey_id='kenya-2024', detection_id='card 3/d07'), None)
    """
    found = _ID.fullmatch(text)
    return None if found is None else Member(found[1], found[2])


def is_foreign(text: str) -> bool:
    """Whether an id is that of a detection of another survey.

    >>> is_foreign("~kenya-2024/d07"), is_foreign("~d07")
    (True, False)
    """
    return _ID.fullmatch(text) is not None
