from __future__ import annotations

from benchmarks.training.plan import Training, cells_of, trainings_of

SPECIES = ("lion", "nyala", "zebra")
ANIMALS = {"lion": 30, "nyala": 100, "zebra": 20}
TABLES = ("table-2", "table-3", "table-4", "table-5", "figure-3", "known-unknown", "without-names")


def test_a_network_without_a_species_never_learns_from_it() -> None:
    left_out = [
        cell
        for table in TABLES
        for cell in cells_of(table, SPECIES, ANIMALS)
        if cell.title == "leave-one-out"
    ]
    assert {cell.species for cell in left_out} == set(SPECIES)
    for cell in left_out:
        assert cell.training is not None
        assert {cell.species, *cell.training.species} == set(SPECIES)
        assert cell.species not in cell.training.species


def test_tables_share_trainings_and_each_follows_the_one_that_it_goes_on_from() -> None:
    cells = [cell for table in TABLES for cell in cells_of(table, SPECIES, ANIMALS)]
    trainings = trainings_of(cells)
    assert len({training.name for training in trainings}) == len(set(trainings)) == len(trainings)
    for index, training in enumerate(trainings):
        assert training.finetunes is None or training.finetunes in trainings[:index]
    assert trainings_of(cells_of("table-3", SPECIES, ANIMALS)) == [
        Training(("nyala", "zebra")),
        Training(("lion", "zebra")),
        Training(("lion", "nyala")),
    ]


def test_few_animals_are_fewer_than_there_are() -> None:
    counts = {
        (cell.species, cell.training.animals)
        for cell in cells_of("table-4", SPECIES, ANIMALS)
        if cell.training is not None and cell.training.animals
    }
    assert counts == {("lion", 25), ("nyala", 25), ("nyala", 50)}


def test_one_species_has_no_others_to_learn_from() -> None:
    for table in TABLES:
        cells = cells_of(table, ("nyala",), ANIMALS)
        assert all(cell.title != "leave-one-out" for cell in cells)
        assert all(training.species for training in trainings_of(cells))
