from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from spotted.arrays import Float64Array
from spotted.formats.exports.jags import dump, jags_files
from tests.spotted.formats.exports.surveys import made


def read_dump(text: str) -> dict[str, Float64Array]:
    """The numbers of an R dump by the rules of the JAGS user manual."""
    values = {}
    for line in text.splitlines():
        found = re.fullmatch(
            r'"(\w+)" <- (?:structure\()?(?:c\()?([^()]+)\)?(?:, \.Dim = c\(([\d, ]+)\)\))?', line
        )
        assert found, line
        numbers = np.array([np.nan if one == "NA" else float(one) for one in found[2].split(", ")])
        shape = [int(one) for one in found[3].split(", ")] if found[3] else numbers.shape
        values[found[1]] = numbers.reshape(shape, order="F")
    return values


@given(
    arrays(np.float64, array_shapes(max_dims=3, max_side=4), elements=st.integers(-9, 9) | st.just(np.nan))
)
def test_an_array_reads_back_as_it_was(array: Float64Array) -> None:
    read = read_dump(dump({"x": array, "n": 7}))
    np.testing.assert_array_equal(read["x"], array)
    assert read["n"] == [7]


def test_data_of_each_side_are_those_of_its_history(tmp_path: Path) -> None:
    material = made(tmp_path)
    files = jags_files(material)
    histories = {"all": material.history()} | material.by_side()
    stations = list(csv.reader(files.contents["stations.csv"].decode().splitlines()))
    assert [name for _, name in stations[1:]] == [c.camera_id for c in histories["all"].cameras]
    for name, history in histories.items():
        read = read_dump(files.contents[f"{name}.data.R"].decode())
        counts = [int(read[one].item()) for one in ("n", "J", "K")]
        assert counts == [len(history.individual_ids), 3, history.occasions]
        np.testing.assert_array_equal(read["seen"], history.seen())
        np.testing.assert_array_equal(read["used"], history.usage.sum(axis=1))
        np.testing.assert_allclose(read["effort"], history.effort_days.sum(axis=1))
        places = np.array([(c.x_m, c.y_m) for c in history.cameras], dtype=np.float64)
        np.testing.assert_allclose(read["X"], places, rtol=1e-9)
        for row, individual in enumerate(history.individual_ids):
            for column, camera in enumerate(history.cameras):
                occasions = [
                    c
                    for c in history.captures
                    if (c.individual_id, c.camera_id) == (individual, camera.camera_id)
                ]
                assert read["y"][row, column] == len(occasions)
    assert files.contents["left.csv"].decode().splitlines()[1].startswith("Asha,0,1")


def test_a_side_without_photographs_has_no_files_and_unknown_places_are_missing(tmp_path: Path) -> None:
    material = made(tmp_path)
    flat = {
        i: replace(c, x_m=None, y_m=None) if i == "idle" else c
        for i, c in material.imported.survey.cameras.items()
    }
    survey = replace(material.imported.survey, cameras=flat)
    only_left = replace(
        material, imported=replace(material.imported, survey=survey), individuals={"d3": "Asha"}
    )
    files = jags_files(only_left)
    assert sorted(files.contents) == ["all.csv", "all.data.R", "left.csv", "left.data.R", "stations.csv"]
    assert np.isnan(read_dump(files.contents["all.data.R"].decode())["X"][2]).all()
