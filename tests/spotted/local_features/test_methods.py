from __future__ import annotations

import importlib.util
from dataclasses import asdict, fields

import pytest

from spotted.errors import InvalidInputError
from spotted.local_features.methods import (
    HOTSPOTTER,
    METHODS,
    MethodSpec,
    installed_methods,
    method_by_name,
    missing_extra,
)


@pytest.mark.parametrize("field", [field.name for field in fields(MethodSpec)])
def test_the_digest_depends_on_every_field(field: str) -> None:
    value = getattr(HOTSPOTTER, field)
    other = f"{value}x" if isinstance(value, str) else value + 1
    assert MethodSpec(**{**asdict(HOTSPOTTER), field: other}).digest != HOTSPOTTER.digest


def test_a_method_is_found_by_its_name() -> None:
    assert method_by_name("hotspotter") == HOTSPOTTER


def test_an_unknown_method_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInputError, match=r"'surf' is not a local method .* hotspotter"):
        method_by_name("surf")


@pytest.mark.parametrize(
    ("missing", "names", "extra"),
    [("pyhesaff", ["hotspotter"], "hesaff"), ("cv2", [], "local"), ("another", [*METHODS], "")],
)
def test_methods_whose_package_is_missing_are_left_out(
    missing: str, names: list[str], extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else object())
    assert installed_methods() == names
    assert missing_extra("hotspotter-affine") == extra
