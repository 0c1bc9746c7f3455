from __future__ import annotations

from spotted.client.values.individuals import Individual


def test_an_individual_is_called_by_its_name_or_else_its_id() -> None:
    assert Individual("ind-a", ("a",)).name == "ind-a"
    assert Individual("ind-a", ("a",), display_name="Sita").name == "Sita"
