from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from spotted.formats.doubts.names import name_notes, similar_names
from spotted.formats.picture import Picture
from spotted.survey import Detection


def picture(image_id: str, individual_id: str = "", path: str = "") -> Picture:
    detection = Detection(image_id, image_id=image_id, individual_id=individual_id)
    return Picture(detection, Path(path) if path else None)


@given(st.lists(st.text(alphabet="aAbB -_1", min_size=1, max_size=4)))
def test_similar_names_are_those_with_the_same_letters_and_digits(names: list[str]) -> None:
    groups = similar_names(names)
    assert all(len(set(group)) == len(group) > 1 for group in groups)
    together = {name: number for number, group in enumerate(groups) for name in group}
    for a in names:
        for b in names:
            core_a, core_b = ("".join(c for c in n if c.isalnum()).lower() for n in (a, b))
            if core_a and a != b:
                assert (a in together and together[a] == together.get(b)) == (core_a == core_b)


def test_similar_individuals_are_named_and_unlike_ones_are_not() -> None:
    (note,) = name_notes([picture("1", "Anna"), picture("2", "anna "), picture("3", "Ben"), picture("4")])
    assert "'Anna', 'anna '" in note
    assert "Ben" not in note
    assert not list(name_notes([picture("1", "Anna"), picture("2", "Ben"), picture("3"), picture("4")]))


def test_one_file_of_several_image_ids_is_named() -> None:
    (note,) = name_notes(
        [picture("m1", path="/x/a.jpg"), picture("m2", path="/x/a.jpg"), picture("m3", path="/x/b.jpg")]
    )
    assert note.startswith("1 file is the image of several ids, such as /x/a.jpg of 'm1', 'm2'")
    assert not list(name_notes([picture("m1", path="/x/a.jpg"), picture("m1", path="/x/a.jpg")]))
