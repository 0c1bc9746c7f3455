from __future__ import annotations

import pytest

from spotted.lazy import lazy_face


def test_a_name_is_imported_from_its_room_on_first_use() -> None:
    find = lazy_face("spotted", {"survey": ("Camera", "Survey")})
    camera = find("Camera")
    assert getattr(camera, "__module__", "") == "spotted.survey"


def test_other_names_are_not_attributes() -> None:
    find = lazy_face("spotted", {"survey": ("Camera",)})
    with pytest.raises(AttributeError, match="module 'spotted' has no attribute 'Survey'"):
        find("Survey")
