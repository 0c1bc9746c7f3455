from __future__ import annotations

import pytest
from google.protobuf.descriptor import MethodDescriptor

from services.common.access import caller as access
from services.common.access.caller import Caller, authorise, least_role, methods, role_name
from spotted.errors import InvalidInputError, PermissionDeniedError
from spotted.v1 import access_pb2 as pb
from spotted.v1 import (
    catalogue_pb2_grpc,
    embedder_pb2_grpc,
    operations_pb2_grpc,
    sampler_pb2_grpc,
    scorer_pb2_grpc,
)

ROLES = [pb.ROLE_READ, pb.ROLE_ANNOTATE, pb.ROLE_WRITE, pb.ROLE_ADMIN, pb.ROLE_SERVICE]
SERVICERS = (
    embedder_pb2_grpc.EmbedderServiceServicer,
    operations_pb2_grpc.OperationsServiceServicer,
    sampler_pb2_grpc.SamplerServiceServicer,
    scorer_pb2_grpc.ScorerServiceServicer,
    catalogue_pb2_grpc.CatalogueServiceServicer,
)
RPCS = methods()


def test_the_contract_is_every_rpc_that_is_served() -> None:
    served = {name for servicer in SERVICERS for name in vars(servicer) if name[0].isupper()}
    assert {path.rpartition("/")[2] for path in RPCS} == served
    assert len(RPCS) == sum(name[0].isupper() for servicer in SERVICERS for name in vars(servicer))


def test_the_roles_are_ordered() -> None:
    assert sorted(pb.Role.values()) == [pb.ROLE_UNSPECIFIED, *ROLES]
    assert [role_name(role) for role in ROLES] == ["read", "annotate", "write", "admin", "service"]


@pytest.mark.parametrize("method", RPCS.values(), ids=RPCS)
def test_every_rpc_names_its_least_role(method: MethodDescriptor) -> None:
    named = method.GetOptions().Extensions[pb.least_role]
    assert named in ROLES[:-1]
    assert least_role(method) == named


@pytest.mark.parametrize("method", RPCS.values(), ids=RPCS)
@pytest.mark.parametrize("role", ROLES, ids=role_name)
def test_a_role_may_what_the_contract_gives_it_and_no_more(
    method: MethodDescriptor, role: pb.Role.ValueType
) -> None:
    named = method.GetOptions().Extensions[pb.least_role]
    if role >= named:
        authorise(Caller("t", "wcs", role), method)
    else:
        with pytest.raises(
            PermissionDeniedError, match=f"needs a token of role {role_name(named)} or higher"
        ):
            authorise(Caller("t", "wcs", role), method)


def test_nobody_may_anything_without_a_role() -> None:
    for method in RPCS.values():
        with pytest.raises(PermissionDeniedError):
            authorise(Caller("t", "wcs", pb.ROLE_UNSPECIFIED), method)


@pytest.mark.parametrize("name", ["DeleteSurvey", "DeleteSession", "ImportSession"])
def test_what_destroys_or_replaces_takes_an_administrator(name: str) -> None:
    (method,) = (m for m in RPCS.values() if m.name == name)
    assert least_role(method) == pb.ROLE_ADMIN


@pytest.mark.parametrize("name", ["CreateSurvey", "AddDetections", "Embed", "TrainHead", "CreateSession"])
def test_what_changes_a_survey_takes_a_writer(name: str) -> None:
    (method,) = (m for m in RPCS.values() if m.name == name)
    assert least_role(method) == pb.ROLE_WRITE


def test_positions_are_for_writers_and_above() -> None:
    assert [Caller("t", "wcs", role).sees_positions for role in ROLES] == [False, False, True, True, True]


def test_a_survey_is_qualified_with_the_organisation_of_its_caller() -> None:
    caller = Caller("t", "wcs", pb.ROLE_READ)
    assert caller.qualified("kenya") == "wcs/kenya"
    assert caller.qualified("") == ""
    assert access.ANYONE.qualified("kenya") == "kenya"
    assert Caller("t", "", pb.ROLE_SERVICE).qualified("wcs/kenya") == "wcs/kenya"


@pytest.mark.parametrize("survey_id", ["other/kenya", "wcs/kenya", "/", "../other/kenya"])
@pytest.mark.parametrize("caller", [Caller("t", "wcs", pb.ROLE_ADMIN), access.ANYONE], ids=["wcs", "anyone"])
def test_an_id_that_reaches_into_an_organisation_is_no_id(caller: Caller, survey_id: str) -> None:
    with pytest.raises(InvalidInputError, match="use 1 to 64 letters") as caught:
        caller.qualified(survey_id)
    assert caught.value.field == "survey_id"


def test_a_token_for_some_surveys_sees_no_others() -> None:
    caller = Caller("t", "wcs", pb.ROLE_ADMIN, ("kenya-*", "serengeti"))
    seen = [i for i in ("kenya-2025", "kenya-", "kenya", "serengeti", "serengeti-2") if caller.sees(i)]
    assert seen == ["kenya-2025", "kenya-", "serengeti"]
    assert caller.qualified("kenya-2025") == "wcs/kenya-2025"
    with pytest.raises(
        PermissionDeniedError, match=r"this token is valid for kenya-\*, serengeti, but not for"
    ):
        caller.qualified("gola")
    assert Caller("t", "wcs", pb.ROLE_READ).sees("anything")


def test_a_text_speaks_the_callers_ids() -> None:
    caller = Caller("t", "wcs", pb.ROLE_READ)
    assert caller.own("survey 'wcs/kenya' and wcs/gola") == "survey 'kenya' and gola"
    assert caller.own("survey 'wcs/kenya': ~wcs/d07") == "survey 'kenya': ~wcs/d07"
    assert access.ANYONE.own("survey 'wcs/kenya'") == "survey 'wcs/kenya'"


def test_words_that_end_like_an_organisation_are_left_alone() -> None:
    caller = Caller("t", "s", pb.ROLE_READ)
    assert caller.own("2.5 calls/second of 's/kenya', frames/s") == "2.5 calls/second of 'kenya', frames/s"


def test_without_a_call_anyone_is_served() -> None:
    assert access.current_caller() is access.ANYONE
