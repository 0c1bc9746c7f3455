from __future__ import annotations

from pathlib import Path

import pytest

from services.common.local_methods import (
    directory_of,
    exported_methods,
    read_extractor,
    read_manifest,
    read_matcher,
)
from spotted.errors import PreconditionError
from spotted.local_features.manifests import MANIFEST_FILE, MATCHER_FILE
from tests.network_methods import write_method


def test_methods_are_found_by_their_manifests_and_read_in_parts(tmp_path: Path) -> None:
    assert list(exported_methods(tmp_path)) == []
    manifest = write_method(tmp_path, "second")
    write_method(tmp_path, "first")
    directory_of(tmp_path, "unfinished").mkdir()
    assert list(exported_methods(tmp_path)) == ["first", "second"]
    assert read_manifest(tmp_path, "second") == manifest
    extractor, matcher = read_extractor(tmp_path, "second"), read_matcher(tmp_path, "second")
    assert (bool(extractor.extractor), bool(extractor.matcher)) == (True, False)
    assert (bool(matcher.extractor), bool(matcher.matcher)) == (False, True)
    assert extractor.open_extractor().get_inputs()[0].name == "pixels"
    assert matcher.open_matcher().get_outputs()[0].name == "scores"


def test_missing_and_renamed_files_are_named(tmp_path: Path) -> None:
    write_method(tmp_path)
    (directory_of(tmp_path, "blocks") / MATCHER_FILE).unlink()
    with pytest.raises(PreconditionError, match=r"'blocks' is not installed here: .*matcher\.onnx"):
        read_matcher(tmp_path, "blocks")
    directory_of(tmp_path, "blocks").rename(directory_of(tmp_path, "others"))
    with pytest.raises(PreconditionError, match=f"{MANIFEST_FILE} describes the local method 'blocks'"):
        read_manifest(tmp_path, "others")
