from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from services.common.process import now
from services.common.store import keys
from services.common.store.store import Store
from services.common.survey.heads import HeadStore
from services.common.survey.local_parts import LocalParts, feature_key, feature_name
from services.scorer.detections import AddResult, DetectionBlock, add_block, delete_detections
from services.scorer.local.additions import add_local_features
from services.scorer.local.requests import FeatureBlock
from services.scorer.surveys import Surveys
from services.upkeep.backup.file import open_writer, read
from services.upkeep.backup.local_parts import check_part, named_parts
from services.upkeep.backup.restore import restore_survey
from services.upkeep.backup.write import Backups
from spotted.errors import DamagedError, InvalidInputError
from spotted.v1 import local_features_pb2 as pb
from spotted.v1 import store_pb2, survey_pb2
from tests.services.scorer.local.features import drawn
from tests.services.scorer.planted import SPEC as EMBEDDING
from tests.services.scorer.planted import detections, new_survey, vectors

SPEC = survey_pb2.LocalFeatureSpec(method="hotspotter", digest="a")


@pytest.fixture
def backed_up(store: Store, survey_id: str, tmp_path: Path) -> tuple[Path, dict[str, bytes]]:
    """The backup of a survey with local features, and the features; one of them was deleted."""
    surveys = Surveys(store, HeadStore(store), now=now)
    surveys.create(new_survey(survey_id), "")
    added = [replace(d, camera_id="") for d in detections(4)]
    add_block(surveys, DetectionBlock(survey_id, EMBEDDING, added, vectors(4), {}), AddResult())
    features = {d.detection_id: drawn(n).to_bytes() for n, d in enumerate(added)}
    add_local_features(surveys, FeatureBlock(survey_id, SPEC, features, {}, replace_spec=False), "")
    gone = added[0].detection_id
    delete_detections(surveys, survey_id, [gone], "")
    del features[gone]
    path = tmp_path / "survey.spotted"
    Backups(store, now=now).back_up(survey_id, path)
    return path, features


def stored(store: Store, survey_id: str, features: dict[str, bytes]) -> list[bytes | None]:
    names = [feature_name(feature_key(i, content)) for i, content in features.items()]
    return LocalParts(store).get(survey_id, names)


def test_a_restored_copy_has_the_features_of_the_detections_that_remain(
    store: Store, backed_up: tuple[Path, dict[str, bytes]]
) -> None:
    path, features = backed_up
    copy = f"copy-{uuid.uuid4().hex[:12]}"
    restore_survey(store, path, survey=copy)
    assert stored(store, copy, features) == list(features.values())
    assert Surveys(store, HeadStore(store), now=now).described(copy).local_feature_count == len(features)
    assert restore_survey(store, path, survey=copy).unchanged
    assert not [name for name in store.names(keys.of_survey(copy)) if "restore" in name]
    # features that the store lost are noticed, and come back over the survey
    store.delete(keys.local_parts(copy))
    with pytest.raises(DamagedError, match="--over-damaged"):
        restore_survey(store, path, survey=copy)
    restore_survey(store, path, survey=copy, over_damaged=True)
    assert stored(store, copy, features) == list(features.values())


def test_features_that_no_event_stored_refuse_the_file(
    store: Store, backed_up: tuple[Path, dict[str, bytes]], tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.spotted"
    with open_writer(wrong) as writer:
        for record in read(backed_up[0]):
            if record.HasField("local_part"):
                record.local_part.content = drawn(77).to_bytes()
            writer.write(record)
    with pytest.raises(InvalidInputError, match="invalid local features"):
        restore_survey(store, wrong, survey=f"copy-{uuid.uuid4().hex[:12]}")


def test_names_belong_to_their_detection() -> None:
    content, key = b"content", feature_key("a", b"content")
    event = store_pb2.SurveyEvent(local_features=pb.LocalFeaturesAdded(detection_ids=["a"], keys=key))
    named = named_parts(event)
    check_part(pb.BackupLocalPart(name=feature_name(key), content=content), named)
    for part in (
        pb.BackupLocalPart(name=feature_name(key), content=b"other"),
        pb.BackupLocalPart(name="f:00", content=content),
    ):
        with pytest.raises(InvalidInputError, match="no event"):
            check_part(part, named)
    event.local_features.keys += b"x"
    with pytest.raises(ValueError, match="17 bytes"):
        named_parts(event)
    assert not named_parts(store_pb2.SurveyEvent())
