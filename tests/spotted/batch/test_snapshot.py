from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from services.common.store.store import Store
from spotted.batch.snapshot import MANIFEST, TABLE, open_snapshot, take_snapshot
from spotted.client import Spotted, SurveyHandle
from spotted.client.gallery import load_gallery
from spotted.errors import ConcurrencyError, NotFoundError, PreconditionError
from spotted.survey import Camera, Survey
from tests.spotted.batch.conftest import COUNT
from tests.spotted.client.surveys import serving


def test_a_snapshot_is_the_survey_as_the_client_loads_it(
    spotted: Spotted, survey_id: str, tmp_path: Path
) -> None:
    steps: list[int] = []
    take_snapshot(spotted.survey(survey_id), tmp_path / "s", on_progress=steps.append)
    snapshot, (gallery, detections) = open_snapshot(tmp_path / "s"), load_gallery(spotted.survey(survey_id))
    assert sum(steps) == COUNT
    assert snapshot.gallery.embeddings.dtype == np.float16
    np.testing.assert_array_equal(snapshot.gallery.embeddings, gallery.embeddings)
    for column in TABLE:
        ours, theirs = (getattr(g.table, column) for g in (snapshot.gallery, gallery))
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(snapshot.gallery.order, gallery.order)
    assert (snapshot.gallery.extent, snapshot.gallery.params) == (gallery.extent, gallery.params)
    assert snapshot.detection_ids() == [d.detection_id for d in detections]
    ids = (*snapshot.camera_ids, "")
    assert [ids[place] for place in snapshot.camera.tolist()] == [d.camera_id for d in detections]
    assert snapshot.stored == spotted.survey(survey_id).info()


def test_the_arrays_are_maps_of_the_files(spotted: Spotted, survey_id: str, tmp_path: Path) -> None:
    take_snapshot(spotted.survey(survey_id), tmp_path / "s")
    embeddings = open_snapshot(tmp_path / "s").gallery.embeddings
    assert isinstance(embeddings.base, np.memmap)
    assert not embeddings.flags.writeable


def test_a_snapshot_of_another_layout_is_refused(spotted: Spotted, survey_id: str, tmp_path: Path) -> None:
    take_snapshot(spotted.survey(survey_id), tmp_path / "s")
    manifest = json.loads((tmp_path / "s" / MANIFEST).read_text())
    del manifest["stations"], manifest["layout"]
    (tmp_path / "s" / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(PreconditionError, match="another version of Spotted; delete the folder"):
        open_snapshot(tmp_path / "s")


def test_equal_surveys_have_equal_digests_and_a_changed_one_another(
    spotted: Spotted, survey_id: str, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        take_snapshot(spotted.survey(survey_id), tmp_path / name)
    first, second = (open_snapshot(tmp_path / name).digest for name in ("a", "b"))
    assert first == second
    spotted.survey(survey_id).upsert_cameras([Camera("CAM01", 1.0, 0.0)])
    take_snapshot(spotted.survey(survey_id), tmp_path / "c")
    assert open_snapshot(tmp_path / "c").digest != first


def test_what_a_broken_run_left_behind_is_no_snapshot_and_is_begun_again(
    spotted: Spotted, survey_id: str, tmp_path: Path
) -> None:
    left = tmp_path / "s.partial"
    left.mkdir()
    (left / "embeddings.npy").write_bytes(b"half")
    (left / "stray").write_bytes(b"")
    with pytest.raises(PreconditionError, match="cannot read a snapshot"):
        open_snapshot(tmp_path / "s")
    take_snapshot(spotted.survey(survey_id), tmp_path / "s")
    assert len(open_snapshot(tmp_path / "s").gallery) == COUNT
    assert not left.exists()
    assert not (tmp_path / "s" / "stray").exists()


class Changing(SurveyHandle):
    """A survey that somebody else changes between two calls."""

    def cameras(self) -> Iterator[Camera]:
        yield from super().cameras()
        self.upsert_cameras([Camera("NEW")])


def test_a_survey_that_changes_meanwhile_is_refused(spotted: Spotted, survey_id: str, tmp_path: Path) -> None:
    changing = Changing(spotted.connection, survey_id)
    with pytest.raises(ConcurrencyError, match="changed while it was read"):
        take_snapshot(changing, tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_no_survey_and_an_empty_survey_are_reported(store: Store, survey_id: str, tmp_path: Path) -> None:
    with serving(store) as spotted:
        with pytest.raises(NotFoundError):
            take_snapshot(spotted.survey(survey_id), tmp_path / "s")
        spotted.create_survey(Survey(survey_id, 0.0, 1.0))
        with pytest.raises(PreconditionError, match="spotted embed"):
            take_snapshot(spotted.survey(survey_id), tmp_path / "s")
