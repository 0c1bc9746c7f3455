from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spotted.individuals.naming import (
    CellChange,
    NameConflict,
    NamedIndividual,
    individual_id,
    name_detections,
)

NAMES = ["", "", "Mvula", "Chipembere", "ind-d1", "ind-elsewhere"]
detections = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(NAMES)), min_size=1, max_size=10)


def individuals_of(drawn: list[tuple[int, str]], said: dict[int, str]) -> list[NamedIndividual]:
    groups: dict[int, list[str]] = {}
    for number, (group, _) in enumerate(drawn):
        groups.setdefault(group, []).append(f"d{number}")
    return [NamedIndividual(individual_id(ids[0]), said.get(g, ""), tuple(ids)) for g, ids in groups.items()]


@given(detections, st.dictionaries(st.integers(0, 3), st.sampled_from(["Sita", "Mvula"])))
def test_a_name_that_a_person_typed_is_never_overwritten(
    drawn: list[tuple[int, str]], said: dict[int, str]
) -> None:
    typed = {f"d{number}": name for number, (_, name) in enumerate(drawn)}
    naming = name_detections(individuals_of(drawn, said), typed)
    ids = {individual_id(i) for i in typed}
    for detection_id, name in typed.items():
        if name and name not in ids:
            assert naming.names[detection_id] == name
    written = {i: naming.names[i] or old for i, old in typed.items()}
    listed = {change.detection_id: change for change in naming.changes}
    for detection_id, old in typed.items():
        change = listed.get(detection_id)
        assert (change is None) is (written[detection_id] == old)
        assert change is None or change == CellChange(detection_id, old, written[detection_id])
    # once more, on the files that were written, nothing changes
    again = name_detections(individuals_of(drawn, said), written)
    assert again.changes == ()
    assert again.conflicts == naming.conflicts


def test_new_photographs_of_a_known_animal_get_its_name_and_only_unnamed_animals_an_id() -> None:
    known = NamedIndividual("ind-a", "", ("a", "b", "c"))
    found = NamedIndividual("ind-d", "Sita", ("d",))
    unnamed = NamedIndividual("ind-e", "", ("e", "f"))
    typed = {"a": "", "b": "Mvula", "c": "ind-a", "d": "", "e": "", "f": "ind-x"}
    naming = name_detections([known, found, unnamed], typed)
    assert naming.names == {"a": "Mvula", "b": "Mvula", "c": "Mvula", "d": "Sita", "e": "ind-x", "f": "ind-x"}
    assert CellChange("c", "ind-a", "Mvula") in naming.changes


def test_two_typed_names_of_one_individual_are_a_conflict_and_stay() -> None:
    one = NamedIndividual("ind-a", "", ("a", "b", "c"))
    naming = name_detections([one], {"a": "Mvula", "b": "Chipembere", "c": ""})
    assert naming.conflicts == (NameConflict("ind-a", ("Chipembere", "Mvula"), ("a", "b", "c")),)
    assert naming.names == {"a": "Mvula", "b": "Chipembere", "c": ""}
    assert naming.changes == ()
    renamed = NamedIndividual("ind-a", "Sita", ("a",))
    assert name_detections([renamed], {"a": "Mvula"}).conflicts[0].names == ("Mvula", "Sita")


def test_a_name_of_several_individuals_is_reported() -> None:
    ones = [NamedIndividual("ind-a", "", ("a",)), NamedIndividual("ind-b", "", ("b", "c"))]
    naming = name_detections(ones, {"a": "Mvula", "b": "Mvula", "c": ""})
    assert naming.shared == {"Mvula": ("ind-a", "ind-b")}
    assert naming.names["c"] == "Mvula"
