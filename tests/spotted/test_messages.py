from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted import messages
from spotted.errors import InvalidInputError
from spotted.scoring.feasibility import FeasibilityParams
from spotted.survey import Camera, Detection, ImageBox, Side
from spotted.v1 import survey_pb2 as pb

instants = st.none() | st.floats(-60_000_000_000, 250_000_000_000)
words = st.text(max_size=20)


@given(instant=instants)
def test_an_instant_comes_back_to_the_microsecond(instant: float | None) -> None:
    message = messages.timestamp(instant)
    if instant is None or message is None:
        assert message is None
        return
    # a double holds today's instants to a fraction of a microsecond, those of the year 5000 to 15
    assert messages.seconds(message) == pytest.approx(instant, abs=2e-5, rel=0)


@pytest.mark.parametrize("instant", [1e12, -1e12, float("nan")])
def test_an_instant_outside_the_calendar_is_refused(instant: float) -> None:
    with pytest.raises(InvalidInputError, match="years 1 to 9999"):
        messages.timestamp(instant)


@given(
    camera=st.builds(
        Camera,
        camera_id=words,
        x_m=st.floats(-1e7, 1e7),
        y_m=st.floats(-1e7, 1e7),
        location_uncertainty_m=st.floats(0, 1e4),
        clock_suspect=st.booleans(),
        station=words,
    )
    | st.builds(Camera, camera_id=words)
    | st.builds(
        Camera,
        camera_id=words,
        latitude_deg=st.floats(-90.0, 90.0),
        longitude_deg=st.floats(-180.0, 180.0),
    )
)
def test_a_camera_comes_back_equal(camera: Camera) -> None:
    assert messages.camera(messages.camera_message(camera)) == camera


def test_a_camera_at_the_origin_is_not_a_camera_without_position() -> None:
    camera = Camera("c", x_m=0.0, y_m=0.0, start_s=0.0, end_s=1.0)
    assert messages.camera(messages.camera_message(camera)) == camera


@given(
    detection=st.builds(
        Detection,
        detection_id=words,
        camera_id=words,
        captured_at_s=st.none() | st.integers(0, 4_000_000_000).map(float),
        image_id=words,
        side=st.sampled_from(Side),
        encounter_id=words,
        individual_id=words,
        image_uri=words,
        box=st.none() | st.builds(ImageBox, *[st.floats(0.0, 1.0)] * 4, in_pixels=st.booleans()),
        species=words,
    )
)
def test_a_detection_comes_back_equal(detection: Detection) -> None:
    assert messages.detection(messages.detection_message(detection)) == detection


def test_every_side_of_the_contract_is_a_side_of_the_library() -> None:
    assert {int(value) for value in pb.Side.values()} == {int(side) for side in Side}


def test_a_side_of_a_later_contract_is_unknown() -> None:
    later = pb.Detection.FromString(pb.Detection(detection_id="d").SerializeToString() + b"\x28\x63")
    assert later.side == 99
    assert messages.detection(later).side is Side.UNKNOWN


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("shape", [(3, 4), (0, 5), (7,)])
def test_an_array_comes_back_bit_for_bit(dtype: type[np.floating], shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).normal(size=shape).astype(dtype)
    back = messages.array(messages.tensor(array))
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


def test_a_double_array_travels_as_float32() -> None:
    assert messages.tensor(np.zeros(2)).element_type == pb.ELEMENT_TYPE_FLOAT32


def test_a_tensor_whose_bytes_do_not_fit_its_shape_is_refused() -> None:
    tensor = pb.Tensor(content=b"\0" * 7, element_type=pb.ELEMENT_TYPE_FLOAT16, shape=[2, 2])
    with pytest.raises(
        InvalidInputError, match=r"embeddings has 7 bytes, but shape \(2, 2\) of float16 needs 8"
    ):
        messages.array(tensor, field="embeddings")


def test_a_tensor_of_more_axes_than_rows_and_columns_is_refused() -> None:
    # a product of this many is too long to be written
    message = pb.Tensor(element_type=pb.ELEMENT_TYPE_FLOAT32, shape=[(1 << 32) - 1] * 10_000)
    with pytest.raises(InvalidInputError, match="vectors has 10000 axes; send 2 at most"):
        messages.array(message, field="vectors")


def test_a_tensor_without_type_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="set FLOAT16 or FLOAT32"):
        messages.array(pb.Tensor(content=b"", shape=[0]))


@pytest.mark.parametrize(
    "params",
    [FeasibilityParams(), FeasibilityParams(2.0, 60.0, use_location_uncertainty=True, max_speed_kmh=12.0)],
)
def test_feasibility_parameters_come_back_equal(params: FeasibilityParams) -> None:
    assert messages.feasibility(messages.feasibility_message(params)) == params


def test_decay_zero_stands_for_the_default() -> None:
    assert messages.feasibility(pb.FeasibilitySettings()) == FeasibilityParams()
