from __future__ import annotations

from spotted.client.catalogue import sources
from spotted.client.catalogue.sources import batches, known_names, named_individuals, refused_individuals
from spotted.client.values import CatalogueAddition, Individual
from spotted.survey import Detection


def animal(name: str, count: int) -> CatalogueAddition:
    return CatalogueAddition(Individual("", tuple(f"{name}{n}" for n in range(count)), name))


def test_known_names_are_animals_with_their_detections() -> None:
    detections = [Detection("d1", individual_id="b"), Detection("d2"), Detection("d3", individual_id="a")]
    detections.append(Detection("d4", individual_id="b"))
    assert [
        (one.individual.display_name, one.individual.detection_ids) for one in known_names(detections)
    ] == [
        ("a", ("d3",)),
        ("b", ("d1", "d4")),
    ]


def test_individuals_without_a_name_are_not_added() -> None:
    named, unnamed = Individual("ind-a", ("a",), "Sita"), Individual("ind-b", ("b",))
    assert named_individuals([named, unnamed]) == [CatalogueAddition(named)]


def test_individuals_that_are_animals_of_the_catalogue_are_added_to_them_or_refused() -> None:
    one = Individual("ind-a", ("a",), "Own", catalogue_entry_ids=("cat-a",), catalogue_name="Sita")
    two = Individual("ind-b", ("b",), "Both", catalogue_entry_ids=("cat-a", "cat-b"))
    assert named_individuals([one, two]) == [CatalogueAddition(Individual("ind-a", ("a",)), "cat-a")]
    (refused,) = refused_individuals([one, two, Individual("ind-c", ("c",))])
    assert (refused.name, refused.entry_id, refused.reason) == ("Both", "", "PRECONDITION")
    assert "joined it with cat-a and cat-b; merge these animals" in refused.message


def test_batches_hold_all_in_order_and_fit_into_a_call() -> None:
    animals = [animal(f"a{n}", 1 + 700 * (n % 3)) for n in range(40)] + [animal("large", 9000)]
    animals += [animal(f"b{n}", 1) for n in range(1200)]
    made = list(batches(animals))
    assert [one for batch in made for one in batch] == animals
    for batch in made:
        count = sum(len(one.individual.detection_ids) for one in batch)
        assert len(batch) <= sources.MOST_ANIMALS
        assert count <= sources.MOST_DETECTIONS or len(batch) == 1
    assert list(batches([])) == []
