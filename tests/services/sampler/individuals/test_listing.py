from __future__ import annotations

from functools import partial

import pytest

from services.sampler.individuals.listing import find_item, get_individual, list_individuals
from spotted.errors import InvalidInputError, NotFoundError
from spotted.v1 import individuals_pb2 as pb
from tests.services.sampler.individuals.session import SESSION, OpenSession


def ids(individuals: list[pb.Individual]) -> list[str]:
    return [one.individual_id for one in individuals]


def test_the_largest_individuals_come_first_and_singles_by_id(session: OpenSession) -> None:
    session.join("d09", "d10", "d11")
    session.join("d05", "d06")
    listed = session.listed()
    assert ids(listed)[:3] == ["ind-d09", "ind-d05", "ind-d00"]
    assert [one.detection_count for one in listed[:3]] == [3, 2, 1]
    assert ids(listed)[2:] == sorted(ids(listed)[2:])


def test_individuals_are_found_by_detection_name_and_change(session: OpenSession) -> None:
    session.join("d05", "d06")
    session.update("ind-d05", display_name="Sita")
    session.update("ind-d08", display_name="Gita")
    before = session.position
    session.merge("ind-d05", "ind-d08")
    assert ids(session.listed(detection_id="d06")) == ["ind-d05"]
    assert ids(session.listed(display_name="sita")) == ["ind-d05"]
    # by the name of an alias too
    assert ids(session.listed(display_name="GITA")) == ["ind-d05"]
    assert ids(session.listed(display_name="Rita")) == []
    assert ids(session.listed(changed_since_position=before)) == ["ind-d05"]
    assert ids(session.listed(changed_since_position=before, detection_id="d02")) == []
    assert ids(session.listed(changed_since_position=session.position)) == []
    with pytest.raises(NotFoundError, match="no detection 'x'"):
        session.listed(detection_id="x")


def test_pages_belong_to_one_list(session: OpenSession) -> None:
    request = pb.ListIndividualsRequest(survey_id=session.survey_id, session_id=SESSION, page_size=5)
    seen: list[str] = []
    while True:
        page, request.page_token = session.view(lambda state: list_individuals(state, request))
        seen += ids(page)
        if not request.page_token:
            break
    assert seen == ids(session.listed())
    _, token = session.view(
        lambda state: list_individuals(
            state,
            pb.ListIndividualsRequest(survey_id=session.survey_id, session_id=SESSION, page_size=5),
        )
    )
    with pytest.raises(InvalidInputError, match="page_token"):
        session.listed(page_token=token, display_name="Sita")


def test_an_id_names_a_detection_of_the_session(session: OpenSession) -> None:
    assert session.view(lambda state: state.detection_ids[find_item(state, "ind-d04")]) == "d04"
    for wrong in ("d04", "ind-", "ind-d99", ""):
        with pytest.raises(NotFoundError, match="list the individuals"):
            session.view(partial(get_individual, individual_id=wrong))
