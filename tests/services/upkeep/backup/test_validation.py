from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.common.store import keys
from services.common.store.store import Store
from services.upkeep.backup.contents import read_contents
from services.upkeep.backup.file import open_writer
from services.upkeep.backup.restore import restore_survey
from services.upkeep.backup.validation import check_events
from spotted import messages
from spotted.errors import InvalidInputError
from spotted.v1 import corrections_pb2, sampler_pb2, survey_pb2
from spotted.v1 import store_pb2 as pb
from tests.services.sampler.journals import ANIMALS, DAMAGES, journal_of, toy_scorer
from tests.services.sampler.surveys import Sampler

NOW = Timestamp(seconds=1_780_000_000)
SPEC = survey_pb2.EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=4)


def survey(**fields: object) -> pb.SurveyEvent:
    start, end = messages.timestamp(0.0), messages.timestamp(86_400.0)
    made = survey_pb2.Survey(survey_id="s", start_time=start, end_time=end)
    made.MergeFrom(survey_pb2.Survey(**fields))  # type: ignore[arg-type] # any of its fields
    return pb.SurveyEvent(create_time=NOW, survey=made)


def cameras(*ids: str) -> pb.SurveyEvent:
    listed = [survey_pb2.Camera(camera_id=i, position=survey_pb2.Position(x_m=1.0, y_m=2.0)) for i in ids]
    return pb.SurveyEvent(create_time=NOW, cameras=pb.CamerasUpserted(cameras=listed))


def detections(*ids: str, camera: str = "c", dimension: int = 4, fill: float = 0.5) -> pb.SurveyEvent:
    vectors = messages.tensor(np.full((len(ids), dimension), fill, np.float16))
    added = [survey_pb2.Detection(detection_id=i, camera_id=camera) for i in ids]
    block = pb.DetectionsAdded(detections=added, embeddings=vectors, spec=SPEC)
    return pb.SurveyEvent(create_time=NOW, detections=block)


def geo_camera(camera_id: str, latitude_deg: float) -> pb.SurveyEvent:
    made = survey_pb2.Camera(
        camera_id=camera_id, geo_position=survey_pb2.GeoPosition(latitude_deg=latitude_deg)
    )
    return pb.SurveyEvent(create_time=NOW, cameras=pb.CamerasUpserted(cameras=[made]))


def captured(seconds: float) -> pb.SurveyEvent:
    event = detections("d1")
    event.detections.detections[0].captured_at.seconds = int(seconds)
    return event


def deleted(*ids: str) -> pb.SurveyEvent:
    return pb.SurveyEvent(create_time=NOW, deleted=pb.DetectionsDeleted(detection_ids=ids))


def corrected(*ids: str, camera: str = "c", vectors: int = 0, dimension: int = 4) -> pb.SurveyEvent:
    listed = [survey_pb2.Detection(detection_id=i, camera_id=camera) for i in ids]
    rows = messages.tensor(np.full((vectors, dimension), 0.5, np.float16)) if vectors else None
    block = corrections_pb2.DetectionsUpdated(detections=listed, embeddings=rows)
    return pb.SurveyEvent(create_time=NOW, updated=block)


def cameras_deleted(*ids: str) -> pb.SurveyEvent:
    return pb.SurveyEvent(create_time=NOW, cameras_deleted=corrections_pb2.CamerasDeleted(camera_ids=ids))


def created() -> sampler_pb2.SessionEvent:
    session = sampler_pb2.Session(
        session_id="main", strategy=sampler_pb2.StrategySettings(strategy_id="greedy")
    )
    return sampler_pb2.SessionEvent(create_time=NOW, created=session)


def planned(*added: str) -> sampler_pb2.SessionEvent:
    return sampler_pb2.SessionEvent(
        create_time=NOW, planned=sampler_pb2.PlannedRound(round=1, added_detection_ids=added)
    )


def labelled(first: str = "d1", annotator: str = "anna") -> sampler_pb2.SessionEvent:
    label = sampler_pb2.Label(
        label_id="3-1",
        first_detection_id=first,
        second_detection_id="d2",
        annotator_id=annotator,
        answer=sampler_pb2.ANSWER_SAME,
        create_time=NOW,
    )
    return sampler_pb2.SessionEvent(create_time=NOW, labelled=sampler_pb2.LabelsGiven(labels=[label]))


ROUND = planned("d1", "d2")
OWN = [survey(), cameras("c"), detections("d1", "d2")]
Journals = dict[str, list[pb.SurveyEvent] | list[sampler_pb2.SessionEvent] | list[bytes]]


def file_of(directory: Path, journals: Journals, survey_id: str = "s") -> Path:
    path = directory / "survey.spotted"
    listed = [pb.BackupJournal(session_id=i, events=len(events)) for i, events in journals.items()]
    header = pb.BackupHeader(survey_id=survey_id, store_version=keys.STORE_VERSION, journals=listed)
    with open_writer(path) as writer:
        writer.write(pb.BackupRecord(header=header))
        for session_id, events in journals.items():
            entries = [each if isinstance(each, bytes) else each.SerializeToString() for each in events]
            writer.write(pb.BackupRecord(page=pb.BackupPage(session_id=session_id, entries=entries)))
    return path


def test_events_that_services_write_are_accepted(tmp_path: Path) -> None:
    own = [
        *OWN,
        survey(display_name="Kruger"),
        deleted("d1"),
        detections("d1"),
        corrected("d1", "d2", vectors=1),
        cameras("x"),
        cameras_deleted("x"),
    ]
    check_events(read_contents(file_of(tmp_path, {"": own, "main": [created(), ROUND, labelled()]})))


@pytest.mark.parametrize(
    ("journals", "words"),
    [
        ({"": [cameras("c")]}, "event 1 of the survey .*begins with its creation"),
        ({"": []}, "no event of the survey"),
        ({"": OWN, "main": []}, "no event of session 'main'"),
        ({"": [survey(), pb.SurveyEvent(create_time=NOW)]}, "event 2 of the survey .*unknown"),
        ({"": [survey(), b"\xff\xff"]}, "event 2 of the survey"),
        ({"": [survey(end_time=messages.timestamp(-5.0))]}, "does not end after it starts"),
        ({"": [survey(), cameras("c\n")]}, "camera_id"),
        ({"": [survey(), cameras("c"), detections("d\n")]}, "detection_id"),
        ({"": [survey(), cameras("c"), detections("d1", camera="x")]}, "no earlier event added camera 'x'"),
        ({"": [*OWN, detections("d1")]}, "'d1' is added twice"),
        ({"": [survey(), cameras("c"), captured(86_401)]}, "'d1' was captured .*, after survey 's' ended"),
        ({"": [survey(), cameras("c"), geo_camera("g", 1.0)]}, "'c' has a position in metres"),
        ({"": [survey(), geo_camera("g", 1.0), geo_camera("h", 60.0)]}, "km from the centre"),
        ({"": [survey(time_zone="Mars/Olympus")]}, "IANA"),
        ({"": [survey(), cameras("c"), detections("d1", dimension=3)]}, "need 4 numbers"),
        ({"": [survey(), cameras("c"), detections("d1", fill=float("nan"))]}, "not finite"),
        ({"": [*OWN, cameras_deleted("c"), corrected("d1")]}, "no earlier event added camera 'c'"),
        ({"": [*OWN, corrected("ghost")]}, "event 4 of the survey .*'ghost' was not added before"),
        ({"": [*OWN, deleted("d1"), corrected("d1")]}, "'d1' was not added before"),
        ({"": [*OWN, corrected("d1", camera="x")]}, "no earlier event added camera 'x'"),
        ({"": [*OWN, corrected("d1", "d1")]}, "'d1' twice"),
        ({"": [*OWN, corrected("d1", vectors=2)]}, "have shape"),
        ({"": [*OWN, corrected("d1", vectors=1, dimension=3)]}, "need 4 numbers"),
        ({"": OWN, "../../etc": [created()]}, r"session '\.\./\.\./etc'"),
        ({"": OWN, "a\nb": [created()]}, "session 'a.*use 1 to 64"),
        ({"": OWN, "main": [labelled()]}, "event 1 of session 'main' .*its first event"),
        ({"": OWN, "main": [created(), created()]}, "event 2 of session 'main'"),
        ({"": OWN, "main": [created(), sampler_pb2.SessionEvent(create_time=NOW)]}, "empty"),
        ({"": OWN, "main": [created(), planned("d1", "d9")]}, "has no detection 'd9'"),
        ({"": OWN, "main": [created(), ROUND, labelled("d9")]}, "no earlier round added detection 'd9'"),
        ({"": OWN, "main": [created(), ROUND, labelled(annotator="*")]}, "annotator_id"),
    ],
)
def test_events_that_no_service_writes_are_refused_and_nothing_is_stored(
    store: Store, tmp_path: Path, survey_id: str, journals: Journals, words: str
) -> None:
    path = file_of(tmp_path, journals, survey_id)
    with pytest.raises(InvalidInputError, match=words):
        restore_survey(store, path)
    assert store.names(keys.of_survey(survey_id)) == []
    assert survey_id not in store.fields(keys.surveys(""))


@pytest.mark.parametrize("odd", ["../../etc", "a\nb", "*", "", "a/b/c", "a/"])
def test_a_survey_id_that_no_service_accepts_is_refused(store: Store, tmp_path: Path, odd: str) -> None:
    before = store.fields(keys.surveys("")), store.names(keys.of_survey(odd))
    path = file_of(tmp_path, {"": OWN}, odd)
    with pytest.raises(InvalidInputError, match="the survey id in the file"):
        restore_survey(store, path)
    assert (store.fields(keys.surveys("")), store.names(keys.of_survey(odd))) == before


def test_a_session_is_checked_as_completely_as_one_that_is_imported(
    store: Store, survey_id: str, tmp_path: Path
) -> None:
    journal = journal_of(Sampler(store, toy_scorer()), survey_id)
    own = [survey(), cameras("c"), detections(*ANIMALS)]
    check_events(read_contents(file_of(tmp_path, {"": own, "main": journal})))
    for break_it, words in DAMAGES.values():
        # the order of a file says what positions say in an import
        if "its position" not in words:
            changed = [sampler_pb2.SessionEvent.FromString(event.SerializeToString()) for event in journal]
            break_it(changed)
            whole = read_contents(file_of(tmp_path, {"": own, "main": changed}))
            with pytest.raises(InvalidInputError, match=r"invalid event \d+ of session 'main'"):
                check_events(whole)
