from __future__ import annotations

from spotted.constraints.explanation import LabelGraph
from spotted.facts.kinds import Fact, Source


def test_a_shortcut_label_shortens_the_path() -> None:
    labels = LabelGraph()
    for first, second, label_id in [(0, 1, "a"), (1, 2, "b"), (2, 3, "c"), (0, 2, "d")]:
        labels.add_same(first, second, label_id)
    assert labels.against_different(0, 3).label_ids == ("d", "c")
    assert labels.against_different(3, 0).label_ids == ("c", "d")


def test_equal_paths_are_decided_by_the_earlier_label() -> None:
    labels = LabelGraph()
    for first, second, label_id in [(0, 2, "late side"), (0, 1, "a"), (2, 3, "late"), (1, 3, "b")]:
        labels.add_same(first, second, label_id)
    assert labels.against_different(0, 3).label_ids == ("late side", "late")


def test_the_crossing_with_the_fewest_labels_on_both_sides_is_taken() -> None:
    labels = LabelGraph()
    for first, second, label_id in [(0, 1, "a"), (1, 2, "b"), (5, 6, "x")]:
        labels.add_same(first, second, label_id)
    labels.add_different(2, 6, "far")
    labels.add_different(1, 5, "near")
    assert labels.against_same(0, 6).label_ids == ("a", "near", "x")


def test_one_image_costs_no_label_if_a_direct_label_costs_one() -> None:
    labels = LabelGraph()
    labels.add_different(0, 1, "label")
    labels.add_different(1, 0, Fact(Source.IMAGE, 1, 0))
    explanation = labels.against_same(0, 1)
    assert explanation.label_ids == ()
    assert explanation.facts == (Fact(Source.IMAGE, 0, 1),)


def test_a_longer_way_by_facts_beats_one_by_labels() -> None:
    labels = LabelGraph()
    labels.add_same(0, 3, "label")
    name = [Fact(Source.KNOWN, item, item + 1, ("Mvula",)) for item in range(3)]
    for fact in name:
        labels.add_same(fact.first, fact.second, fact)
    assert labels.against_different(0, 3).label_ids == ()
    assert labels.against_different(0, 3).facts == tuple(name)


def test_two_names_rule_one_animal_out() -> None:
    labels = LabelGraph({1: "Mvula", 5: "Chipembere"})
    labels.add_same(0, 1, "a")
    labels.add_same(5, 6, "b")
    known = Fact(Source.KNOWN, 1, 5, ("Mvula", "Chipembere"))
    assert labels.against_same(0, 6).label_ids == ("a", "b")
    assert labels.against_same(0, 6).facts == (known,)
    labels.add_different(0, 6, "shorter")
    assert labels.against_same(0, 6).label_ids == ("shorter",)
