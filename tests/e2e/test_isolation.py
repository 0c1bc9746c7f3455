"""No rpc shows an organisation anything of another one, or changes anything of it."""

from __future__ import annotations

from dataclasses import replace

import grpc
import pytest
from google.protobuf import text_format
from google.protobuf.descriptor import FieldDescriptor

from services.common.access.caller import methods
from services.common.access.message_fields import find
from services.sampler.scorer_client import ScorerClient
from spotted import messages
from spotted.client.calls import our_errors
from spotted.client.survey_messages import embedding_spec
from spotted.client.values import EventKind
from spotted.errors import NotFoundError, UnauthenticatedError
from spotted.survey import Camera, Detection
from spotted.v1 import scorer_pb2
from tests.e2e.naming import NAMINGS, Naming
from tests.e2e.organisations import (
    COMMON,
    COUNT,
    SPEC,
    Ids,
    Member,
    World,
    cameras_of,
    detections_of,
    vectors,
)
from tests.services.failing import failure_of
from tests.waiting import PATIENCE_S

RPCS = methods()
CASES = [pytest.param(path, n, id=f"{path}-{i}") for path, ns in NAMINGS.items() for i, n in enumerate(ns)]
PARTS = [case for case in CASES if isinstance(case.values[1], Naming) and case.values[1].parts]
# take no id, or any: those of what is not there yet, or of whom the work is for
OPEN = {
    "Embed",
    "EmbedStream",
    "GetHeatMap",
    "AddReferenceImage",
    "ListModels",
    "GetServerInfo",
    "CreateSurvey",
    "ListSurveys",
    "ListCatalogueEntries",
    "ListCatalogueChanges",
    "WatchCatalogue",
}
# of the clock, of the machine's speed, or of what the caller itself changed since
PASSING = {"etag", "uid", "timings", "create_time", "revision", "camera_count", "detection_count", "position"}


def outcome(
    member: Member, path: str, naming: Naming, ids: Ids, other: Ids | None = None
) -> tuple[str, str, str]:
    """Status, reason and words of a call, or OK and its answer, without the ids that are asked for."""

    def hidden(text: str) -> str:
        return (other or ids).hidden(ids.hidden(text))

    try:
        answer = member.call(RPCS[path], naming.make(ids))
    except grpc.RpcError as error:
        code, reason, message = failure_of(error)
        return code.name, reason, hidden(message)
    if answer is None:
        return "OK", "", ""
    for held, field in find(RPCS[path].output_type, _passes).of(answer):
        held.ClearField(field.name)
    return "OK", "", hidden(text_format.MessageToString(answer))


def _passes(field: FieldDescriptor) -> bool:
    return field.name in PASSING


def alike(world: World, path: str, naming: Naming, theirs: Ids, missing: Ids) -> tuple[str, str, str]:
    """Errors about things of the second organisation equal those about missing things."""
    before = world.keys_of_south()
    found = outcome(world.north, path, naming, theirs, missing)
    assert world.keys_of_south() == before
    assert found == outcome(world.north, path, naming, missing, theirs)
    # but for what the first organisation gave that name itself
    assert world.names[1] not in "".join(found).replace(world.south_ids.taken, "")
    assert found[0] != "INTERNAL", found
    return found


def test_every_rpc_is_in_the_table() -> None:
    assert set(NAMINGS) == set(RPCS)


def test_both_organisations_hold_what_the_requests_name(world: World) -> None:
    for name in world.names:
        assert world.store.names(f"spotted:{{o:{name}}}:")
    held = "\n".join(world.keys_of_south())
    for part in (world.south_ids.survey, world.south_ids.session, COMMON, world.south_ids.head):
        assert part in held
    for part in (world.south_ids.reference, world.south_ids.calibration, world.south_ids.operation):
        assert part in held
    ids = {world.north_ids.head, world.north_ids.reference, world.north_ids.calibration}
    assert not ids & {world.south_ids.head, world.south_ids.reference, world.south_ids.calibration}


@pytest.mark.parametrize(("path", "naming"), CASES)
def test_what_another_organisation_has_does_not_exist(world: World, path: str, naming: Naming) -> None:
    code, reason, _ = alike(world, path, naming, world.south_ids, Ids.missing("nowhere"))
    if path.rpartition("/")[2] in OPEN and not naming.parts:
        assert code == "OK"
    else:
        assert (code, reason) == ("NOT_FOUND", "NOT_FOUND")


@pytest.mark.parametrize(("path", "naming"), CASES)
def test_naming_the_other_organisation_reveals_nothing(world: World, path: str, naming: Naming) -> None:
    theirs, missing = world.south_ids.of(world.names[1]), Ids.missing("nobody").of(world.names[1])
    found = alike(world, path, naming, theirs, missing)
    if naming.make(theirs) != naming.make(world.south_ids):
        assert found[:2] == ("INVALID_ARGUMENT", "INVALID_INPUT")


@pytest.mark.parametrize(("path", "naming"), PARTS)
def test_parts_of_another_organisation_do_not_exist_in_ones_own_survey(
    world: World, path: str, naming: Naming
) -> None:
    theirs = world.south_ids.within(world.north_ids.survey)
    alike(world, path, naming, theirs, Ids.missing("no-part").within(world.north_ids.survey))


def test_lists_show_ones_own_only(world: World) -> None:
    north, south = (
        {survey.survey_id for survey in member.client.surveys()} for member in (world.north, world.south)
    )
    assert COMMON in north & south
    assert {world.south_ids.survey, world.south_ids.taken} <= south - north
    assert {world.north_ids.survey, world.north_ids.taken} <= north - south


def test_what_another_organisation_does_changes_no_count_and_no_page(world: World) -> None:
    def seen() -> list[object]:
        stub = world.north.client.connection.scorer.stub
        pages = [
            stub.ListSurveys(scorer_pb2.ListSurveysRequest(page_size=size), timeout=PATIENCE_S)
            for size in (1, 2, 100)
        ]
        survey = stub.GetSurvey(scorer_pb2.GetSurveyRequest(survey_id=COMMON), timeout=PATIENCE_S)
        cameras = stub.ListCameras(
            scorer_pb2.ListCamerasRequest(survey_id=COMMON, page_size=2), timeout=PATIENCE_S
        )
        progress = world.north.client.survey(COMMON).session("main").progress()
        progress = replace(progress, answers_per_minute=None)
        return [*pages, survey, cameras, progress]

    before = seen()
    client = world.south.client
    client.survey(COMMON).upsert_cameras([Camera("another", 90_000.0, 0.0)])
    client.survey(COMMON).add_detections(
        [Detection("another", "another", 5.0)], vectors(9)[:1], embedding_spec(SPEC)
    )
    client.survey(COMMON).create_session("another")
    assert client.survey(COMMON).info().camera_count == 4
    assert seen() == before


def test_two_surveys_of_one_id_do_not_mix(world: World) -> None:
    for member, name, seed in zip((world.north, world.south), world.names, (0, 1), strict=True):
        survey = member.client.survey(COMMON).info()
        assert survey.display_name == f"of {name}"
        cameras = {c.camera_id: c for c in member.client.survey(COMMON).cameras()}
        assert {i: cameras[i] for i in cameras_of(seed)} == cameras_of(seed)
        found = [d for d in member.client.survey(COMMON).detections() if d.detection_id != "another"]
        assert found == detections_of(seed)[: COUNT - 8 * seed]


def test_a_request_id_of_another_organisation_answers_nobody_else(world: World) -> None:
    request = scorer_pb2.UpsertCamerasRequest(survey_id=COMMON, request_id="the-same")
    for member, place in ((world.north, 1.0), (world.south, 2.0)):
        del request.cameras[:]
        request.cameras.append(messages.camera_message(Camera("repeated", place, 0.0)))
        with our_errors("scorer"):
            member.client.connection.scorer.stub.UpsertCameras(request, timeout=PATIENCE_S)
        assert {c.camera_id: c.x_m for c in member.client.survey(COMMON).cameras()}["repeated"] == place


def test_a_service_sees_both_by_their_full_ids(world: World) -> None:
    names = [world.service.client.survey(f"{name}/{COMMON}").info() for name in world.names]
    assert [survey.survey_id for survey in names] == [f"{name}/{COMMON}" for name in world.names]
    assert [survey.display_name for survey in names] == [f"of {name}" for name in world.names]
    with pytest.raises(NotFoundError):
        world.service.client.survey(COMMON).info()


def test_the_sampler_planned_through_the_scorer_with_its_own_token(world: World) -> None:
    for member, ids in ((world.north, world.north_ids), (world.south, world.south_ids)):
        kinds = [event.kind for event in member.client.survey(ids.survey).session(ids.session).events()]
        assert kinds[:3] == [EventKind.CREATED, EventKind.PLANNED, EventKind.LABELLED]
    stranger = ScorerClient(world.scorer)
    with pytest.raises(UnauthenticatedError):
        stranger.version(f"{world.names[0]}/{COMMON}")
    stranger.close()


@pytest.mark.parametrize(("path", "naming"), CASES)
def test_the_owner_is_served_with_the_same_requests(world: World, path: str, naming: Naming) -> None:
    code, _, words = outcome(world.south, path, naming, world.south_ids)
    # a training needs detections, and the head is of other vectors than the backbone makes
    refused = path.endswith(("/TrainHead", "/MatchLocalFeatures")) or (
        "Embed" in path and "head <head>" in words
    )
    if path.endswith("/UndoChange"):
        # the first event of a session is no change of individuals
        assert code == "NOT_FOUND"
        return
    assert code == ("FAILED_PRECONDITION" if refused else "OK"), words
    assert f"{world.names[1]}/" not in words
