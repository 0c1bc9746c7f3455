from __future__ import annotations

import json

import pytest

from spotted.formats.exports.camtrap_dp_tables import DEPLOYMENTS, MEDIA, OBSERVATIONS, table
from tests.spotted.formats.exports.camtrap_dp_validation import SCHEMAS


@pytest.mark.parametrize(
    ("name", "columns"),
    [("deployments", DEPLOYMENTS), ("media", MEDIA), ("observations", OBSERVATIONS)],
)
def test_columns_are_those_of_the_table_schemas(name: str, columns: tuple[str, ...]) -> None:
    schema = json.loads((SCHEMAS / f"{name}-table-schema.json").read_text())
    assert [field["name"] for field in schema["fields"]] == list(columns)


def test_columns_that_a_row_lacks_are_empty() -> None:
    assert table(("a", "b"), [{"b": 1}, {}]) == b"a,b\r\n,1\r\n,\r\n"
