from __future__ import annotations

import pytest

from spotted.cli.individuals.group import find, open_handle
from spotted.client.session_handle import SessionHandle
from spotted.errors import InvalidInputError, NotFoundError


def test_a_name_of_several_individuals_is_not_guessed(session: SessionHandle) -> None:
    session.individual("ind-d01").rename("Sita", "anna")
    session.individual("ind-d02").rename("Sita's cub", "anna")
    session.individual("ind-d02").merge(["ind-d01"], "anna")
    # two ways to one individual are no doubt
    assert find(session, "sita").individual_id == find(session, "sita's cub").individual_id == "ind-d02"
    session.individual("ind-d03").rename("Sita", "anna")
    with pytest.raises(InvalidInputError, match="give one of their ids: ind-d02, ind-d03"):
        find(session, "Sita")
    with pytest.raises(NotFoundError):
        find(session, "Gita")
    assert open_handle(session, "Sita's cub").individual_id == "ind-d02"
