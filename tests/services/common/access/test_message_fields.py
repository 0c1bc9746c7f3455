from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from services.common.access.caller import methods
from services.common.access.message_fields import find
from services.common.access.quotas import is_image
from spotted.v1 import access_pb2, embedder_pb2, sampler_pb2, scorer_pb2, survey_pb2

COORDINATES = {"x_m", "y_m", "z_m", "x", "y", "latitude", "longitude", "lat", "lon", "altitude", "easting"}
COORDINATES |= {"latitude_deg", "longitude_deg", "coordinate_system"}
PLACES = (survey_pb2.Position.DESCRIPTOR, survey_pb2.GeoPosition.DESCRIPTOR)
# of an image's pixels, not of a place
IN_IMAGES = {"spotted.v1.PixelBox", "spotted.v1.FractionBox"}
# narrow what a call reads to some of the surveys that its caller may read anyway
NARROWING = {
    "spotted.v1.MatchCatalogueRequest.survey_ids",
    "spotted.v1.ReadCatalogueMembersRequest.survey_ids",
}
SERVED: dict[str, Descriptor] = {
    kind.full_name: kind for m in methods().values() for kind in (m.input_type, m.output_type)
}


def _full_name(kind: Descriptor | None) -> str:
    return kind.full_name if kind else ""


def is_survey_id(field: FieldDescriptor) -> bool:
    return field.name == "survey_id"


def is_redacted(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().Extensions[access_pb2.camera_position])


def paths(kind: Descriptor, above: tuple[FieldDescriptor, ...] = ()) -> Iterator[tuple[FieldDescriptor, ...]]:
    """Every field of a message and of those in it, maps included, each with the fields above it."""
    for field in kind.fields:
        yield (*above, field)
        within = field.message_type
        if within is not None and within not in {f.containing_type for f in above} | {kind}:
            yield from paths(within, (*above, field))


def test_set_fields_are_found_at_any_depth() -> None:
    fields = find(scorer_pb2.ListSurveysResponse.DESCRIPTOR, is_survey_id)
    answer = scorer_pb2.ListSurveysResponse(
        surveys=[survey_pb2.Survey(survey_id="a"), survey_pb2.Survey(), survey_pb2.Survey(survey_id="b")]
    )
    found = list(fields.of(answer))
    assert [getattr(held, field.name) for held, field in found] == ["a", "b"]
    for held, field in found:
        setattr(held, field.name, "changed")
    assert [survey.survey_id for survey in answer.surveys] == ["changed", "", "changed"]


def test_fields_of_the_message_itself_come_with_those_within() -> None:
    fields = find(sampler_pb2.ImportSessionRequest.DESCRIPTOR, is_survey_id)
    event = sampler_pb2.SessionEvent(created=sampler_pb2.Session(survey_id="inner"))
    request = sampler_pb2.ImportSessionRequest(survey_id="outer", events=[event, sampler_pb2.SessionEvent()])
    assert [getattr(h, f.name) for h, f in fields.of(request)] == ["outer", "inner"]


def test_a_message_without_them_has_none_and_looking_sets_nothing() -> None:
    assert not find(embedder_pb2.ListModelsRequest.DESCRIPTOR, is_survey_id)
    fields = find(sampler_pb2.CreateSessionRequest.DESCRIPTOR, is_survey_id)
    assert fields
    request = sampler_pb2.CreateSessionRequest()
    assert list(fields.of(request)) == []
    assert not request.HasField("session")


def test_a_type_within_itself_ends() -> None:
    # google.protobuf.DescriptorProto holds itself
    assert find(FileDescriptorProto.DESCRIPTOR, lambda field: field.name == "json_name")


def test_a_message_may_be_what_is_looked_for() -> None:
    fields = find(scorer_pb2.ListCamerasResponse.DESCRIPTOR, is_redacted)
    camera = survey_pb2.Camera(camera_id="c", position=survey_pb2.Position(x_m=0.0, y_m=0.0))
    answer = scorer_pb2.ListCamerasResponse(cameras=[camera, survey_pb2.Camera(camera_id="d")])
    for held, field in fields.of(answer):
        held.ClearField(field.name)
    assert [c.HasField("position") for c in answer.cameras] == [False, False]
    assert [c.camera_id for c in answer.cameras] == ["c", "d"]


@pytest.mark.parametrize("kind", SERVED.values(), ids=SERVED)
def test_every_coordinate_of_the_contract_is_redacted_and_nothing_else(kind: Descriptor) -> None:
    for path in paths(kind):
        place = path[-1].name in COORDINATES and _full_name(path[-1].containing_type) not in IN_IMAGES
        place |= path[-1].message_type in PLACES
        assert any(map(is_redacted, path)) == place, ".".join(field.name for field in path)


@pytest.mark.parametrize("kind", SERVED.values(), ids=SERVED)
def test_what_is_redacted_names_a_survey_or_is_an_image_is_found_wherever_it_is(kind: Descriptor) -> None:
    for chosen in (is_survey_id, is_redacted, is_image):
        if any(chosen(path[-1]) for path in paths(kind)):
            assert find(kind, chosen), (
                f"{kind.full_name} holds {chosen.__name__} in a field that is not searched"
            )
        else:
            assert not find(kind, chosen)


def test_no_rpc_takes_several_surveys_at_once() -> None:
    for kind in SERVED.values():
        for path in paths(kind):
            if is_survey_id(path[-1]):
                assert not path[-1].is_repeated
                assert path[-1].type == FieldDescriptor.TYPE_STRING
            elif path[-1].full_name not in NARROWING:
                assert path[-1].name not in {"survey_ids", "survey", "surveys"} or path[-1].message_type
