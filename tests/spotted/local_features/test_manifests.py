from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from spotted.errors import PreconditionError
from spotted.local_features.manifests import MethodFiles, MethodManifest

MANIFEST = MethodManifest("dots", 320, 256, 64, "a" * 64, "b" * 64, "MIT", "ours")


def test_the_spec_names_both_networks() -> None:
    assert MANIFEST.spec.matcher == "lightglue"
    assert replace(MANIFEST, matcher_sha256="").spec.matcher == "lnbnn"
    digests = {
        MANIFEST.spec.digest,
        replace(MANIFEST, matcher_sha256="c" * 64).spec.digest,
        replace(MANIFEST, extractor_sha256="c" * 64).spec.digest,
    }
    assert len(digests) == 3
    # where the weights come from changes no feature
    assert replace(MANIFEST, source="elsewhere").spec == MANIFEST.spec


@pytest.mark.parametrize(
    "text", ["", "[]", '{"name": "dots"}', json.dumps({**json.loads(MANIFEST.to_json()), "extra": 1})]
)
def test_another_text_is_no_manifest(text: str) -> None:
    with pytest.raises(PreconditionError, match="does not describe a local method"):
        MethodManifest.from_json(text)


def test_a_size_of_nothing_is_refused() -> None:
    with pytest.raises(PreconditionError, match="'dots' has a size"):
        MethodManifest.from_json(replace(MANIFEST, most_points=0).to_json())


def test_files_of_other_content_are_not_opened() -> None:
    files = MethodFiles(
        replace(MANIFEST, extractor_sha256=hashlib.sha256(b"right").hexdigest()), b"wrong", b""
    )
    with pytest.raises(PreconditionError, match=r"extractor\.onnx of 'dots'"):
        files.open_extractor()
    with pytest.raises(PreconditionError, match=r"matcher\.onnx of 'dots'"):
        files.open_matcher()
