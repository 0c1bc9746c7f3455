from __future__ import annotations

from spotted.client import Spotted
from spotted.client.catalogue.reading import CatalogueReader
from spotted.testing import fake_services
from tests.services.scorer.catalogue.organisation import animal, plant


def entry_ids(spotted: Spotted, cursor: str) -> list[str]:
    (change,) = CatalogueReader(spotted.connection).watch(cursor)
    return [entry.entry_id for entry in change.entries]


def test_a_reader_lists_watches_and_matches_without_changing_anything() -> None:
    with fake_services() as spotted:
        plant(spotted, "2024")
        plant(spotted, "2025")
        reader = CatalogueReader(spotted.connection)
        (begin,) = reader.watch()
        (sita,) = spotted.catalogue().add("2024", [animal("Sita", "d00")], "anna").animals
        assert entry_ids(spotted, begin.cursor) == [sita.entry_id]
        assert [one.name for one in reader.entries()] == [reader.entry(sita.entry_id).name] == ["Sita"]
        assert [change.annotator_id for change in reader.changes()] == ["anna"]
        (match,) = reader.match("2025", detection_ids=["d00"])
        assert match.animals[0].entry_id == sita.entry_id
