from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from services.scorer.local_scores.methods import MatchingMethods
from spotted.errors import PreconditionError
from spotted.local_features.matching.normalisers import Normalisers
from spotted.local_features.methods import HOTSPOTTER
from tests.network_methods import write_method


def test_a_network_is_opened_once_and_known_by_its_digest(tmp_path: Path) -> None:
    spec = write_method(tmp_path).spec
    methods = MatchingMethods(tmp_path)
    assert methods.spec("blocks") == spec
    frozen = Normalisers.of_network(spec.matcher_sha256)
    assert methods.matcher("blocks", Normalisers.from_bytes(frozen.to_bytes())) is methods.matcher(
        "blocks", frozen
    )
    other = write_method(tmp_path, sharpness=2.0).spec
    assert other.matcher_sha256 != spec.matcher_sha256
    with pytest.raises(PreconditionError, match=r"another network .* --renew"):
        MatchingMethods(tmp_path).matcher("blocks", frozen)


def test_a_network_that_is_replaced_before_it_is_opened_is_refused(tmp_path: Path) -> None:
    methods = MatchingMethods(tmp_path)
    frozen = Normalisers.of_network(write_method(tmp_path).matcher_sha256)
    assert methods.spec("blocks").matcher_sha256 == frozen.network
    write_method(tmp_path, sharpness=2.0)
    with pytest.raises(PreconditionError, match=r"matcher\.onnx of 'blocks' is not the file"):
        methods.matcher("blocks", frozen)


def test_normalisers_of_keypoints_are_no_network(tmp_path: Path) -> None:
    write_method(tmp_path)
    drawn = Normalisers.sample([], [], rng=np.random.default_rng(0))
    assert MatchingMethods().matcher("hotspotter", drawn).spec == HOTSPOTTER
    with pytest.raises(PreconditionError, match="another network"):
        MatchingMethods(tmp_path).matcher("blocks", drawn)


@pytest.mark.parametrize("name", ["unheard-of", "../local/blocks", ""])
def test_a_name_without_files_is_refused_with_those_that_have_some(name: str, tmp_path: Path) -> None:
    write_method(tmp_path)
    with pytest.raises(PreconditionError, match=r"cannot be matched by this scorer.* blocks or hotspotter"):
        MatchingMethods(tmp_path).spec(name)
    with pytest.raises(PreconditionError, match="extract them by hotspotter or hotspotter-affine, or export"):
        MatchingMethods().spec("blocks")
