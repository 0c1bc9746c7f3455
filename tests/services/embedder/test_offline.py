from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.embedder.offline import OfflineEmbedder, embed_block, load_offline
from spotted.batch.embedding import EmbedJob, read_block
from spotted.batch.survey_files import ReadJob, read_back, read_survey
from spotted.errors import InvalidInputError, NotFoundError, PreconditionError
from tests.spotted.coat_surveys import write_coat_survey

pytest.importorskip("cv2", reason="the extra `local` is not installed")
MODEL = "efficientnet-lite0"


@pytest.fixture(scope="module")
def embedder(models: Path) -> OfflineEmbedder:
    return load_offline(models, MODEL, "hotspotter")


@pytest.fixture
def read(tmp_path: Path) -> ReadJob:
    write_coat_survey(tmp_path / "ridge", 2, 0)
    job = ReadJob(str(tmp_path / "results"), str(tmp_path / "ridge"), "ridge", timezone="UTC")
    read_survey(job)
    return job


def test_photographs_that_cannot_be_used_fail_by_themselves(
    embedder: OfflineEmbedder, models: Path, read: ReadJob
) -> None:
    filed = read_back(read)
    root = Path(read.source)
    (root / "coat0-1.png").write_bytes(b"no image")
    (root / "coat1-2.png").unlink()
    job = EmbedJob(
        read.url,
        read.source,
        filed.digest,
        len(filed.pictures),
        embedder.spec,
        embedder.local,
        str(models),
        MODEL,
    )
    embed_block(job, read, 0)
    found = read_block(job, 0)
    assert found is not None
    by_id = {p.detection.detection_id: one for p, one in zip(filed.pictures, found, strict=True)}
    assert [i for i, one in by_id.items() if one.vector is None] == ["coat0-1", "coat1-2"]
    assert by_id["coat0-1"].error.startswith("coat0-1.png: ")
    assert "coat1-2.png cannot be read" in by_id["coat1-2"].error
    for name in ("coat0-0", "second"):
        vector = by_id[name].vector
        assert vector is not None
        assert abs(float(np.linalg.norm(vector)) - 1.0) < 1e-5
        assert by_id[name].features
    with pytest.raises(PreconditionError, match="install the same models on every machine"):
        embed_block(replace(job, spec=replace(job.spec, backbone_digest="0")), read, 0)


def test_a_photograph_that_is_missing_in_the_tables_is_named(
    embedder: OfflineEmbedder, read: ReadJob
) -> None:
    (picture, *_) = read_back(read).pictures
    (found,) = embedder.embed(read.source, [replace(picture, path=None)])
    assert found.error == "it has no photograph"


def test_models_and_methods_that_are_missing_are_named(models: Path) -> None:
    with pytest.raises(NotFoundError, match="no backbone 'nosuch'"):
        load_offline(models, "nosuch", "")
    with pytest.raises(
        InvalidInputError, match="cannot match marks by 'disk-lightglue'; use one of hotspotter"
    ):
        load_offline(models, MODEL, "disk-lightglue")


def test_only_the_method_asked_for_is_loaded(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "services.embedder.offline.missing_extra", {"hotspotter": "", "hotspotter-affine": "hesaff"}.get
    )
    with pytest.raises(
        PreconditionError, match=r"hotspotter-affine needs .* pip install 'spotted\[hesaff\]'"
    ):
        load_offline.__wrapped__(models, MODEL, "hotspotter-affine")
    loaded: list[str] = []
    monkeypatch.setattr(
        "spotted.local_features.extraction.by_name.open_extractor", lambda name, _: loaded.append(name)
    )
    load_offline.__wrapped__(models, MODEL, "hotspotter")
    assert loaded == ["hotspotter"]
