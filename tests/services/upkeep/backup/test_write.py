from __future__ import annotations

import hashlib
import stat
import threading
import uuid
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.common import process
from services.common.store import keys
from services.common.store.records import put_record
from services.common.store.store import Store
from services.upkeep.backup.contents import pages, read_contents
from services.upkeep.backup.file import PART, read
from services.upkeep.backup.restore import restore_survey
from services.upkeep.backup.write import Backups
from spotted import messages
from spotted.errors import NotFoundError, PreconditionError, SurveyDamagedError
from spotted.v1 import sampler_pb2, store_pb2, survey_pb2
from tests.services.journal_entries import push
from tests.services.upkeep.living import Life, backed_up, entries
from tests.spotted.client.surveys import serving

BACKUPS = 12
STEPS = ("add", "add", "delete", "move", "answer", "answer", "answer", "retract", "head")


def journals(path: Path) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for page in pages(path):
        found.setdefault(page.session_id, []).extend(page.entries)
    return found


def lengths(journals: dict[str, list[bytes]]) -> Counter[str]:
    return Counter({session_id: len(entries) for session_id, entries in journals.items()})


class Writer(threading.Thread):
    """Works on a survey until stopped, and notes how long its journals are after each step."""

    def __init__(self, life: Life) -> None:
        super().__init__()
        self.life = life
        self.states = [lengths(entries(life.store, life.survey_id))]
        self.ended = threading.Event()
        self.fault: BaseException | None = None

    def run(self) -> None:
        rng = np.random.default_rng(0)
        try:
            while not self.ended.is_set():
                self.life.steps[str(rng.choice(STEPS))]()
                self.states.append(lengths(entries(self.life.store, self.life.survey_id)))
        except BaseException as error:  # noqa: BLE001 - reported by the test
            self.fault = error


def test_each_backup_is_what_one_instant_had_while_a_writer_goes_on(
    store: Store, survey_id: str, tmp_path: Path
) -> None:
    with serving(store) as spotted:
        writer = Writer(Life(spotted, store, survey_id, 1))
        writer.start()
        backups = []
        for n in range(BACKUPS):
            # some steps later
            seen = len(writer.states)
            while len(writer.states) < seen + 3 and writer.is_alive():
                writer.join(0.001)
            (tmp_path / str(n)).mkdir()
            backups.append(journals(backed_up(store, survey_id, tmp_path / str(n)).path))
        writer.ended.set()
        writer.join()
        assert writer.fault is None
        final = entries(store, survey_id)
    assert len({sum(lengths(each).values()) for each in backups}) > BACKUPS // 2
    for each in backups:
        for session_id, found in each.items():
            assert found == final[session_id][: len(found)]
        held = lengths(each)
        # a step may append several events, to several journals
        assert any(a <= held <= b for a, b in zip(writer.states, writer.states[1:], strict=False))
        assert known_to_sessions(each) <= added_to_survey(each)


def known_to_sessions(journals: dict[str, list[bytes]]) -> set[str]:
    return {
        detection_id
        for session_id, found in journals.items()
        if session_id
        for entry in found
        for detection_id in sampler_pb2.SessionEvent.FromString(entry).planned.added_detection_ids
    }


def added_to_survey(journals: dict[str, list[bytes]]) -> set[str]:
    events = map(store_pb2.SurveyEvent.FromString, journals[""])
    return {detection.detection_id for event in events for detection in event.detections.detections}


def test_long_journals_are_read_by_pages(store: Store, second: Store, survey_id: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    spec = survey_pb2.EmbeddingSpec(dimension=100_000)
    survey = survey_pb2.Survey(survey_id=survey_id, end_time=Timestamp(seconds=9), embedding=spec)
    events = [store_pb2.SurveyEvent(survey=survey)]
    for n in range(30):
        # without the highest bit of the exponent all numbers are finite
        numbers = (rng.integers(1 << 16, size=(1, 100_000), dtype=np.uint16) & 0xBFFF).view(np.float16)
        block = store_pb2.DetectionsAdded(
            detections=[survey_pb2.Detection(detection_id=str(n))], embeddings=messages.tensor(numbers)
        )
        events.append(store_pb2.SurveyEvent(create_time=Timestamp(seconds=n), detections=block))
    gone = store_pb2.DetectionsDeleted(detection_ids=["0"])
    events += [store_pb2.SurveyEvent(create_time=Timestamp(seconds=n), deleted=gone) for n in range(2_500)]
    written = [event.SerializeToString() for event in events]
    push(store, keys.survey_journal(survey_id), *written)
    done = backed_up(store, survey_id, tmp_path)
    assert done.events == len(events)
    assert journals(done.path) == {"": written}
    assert max(len(page.entries) for page in pages(done.path)) <= 1_000
    assert max(page.ByteSize() for page in pages(done.path)) < 2 << 20
    # random bytes cannot shrink, the rest does
    assert 30 * 200_000 < done.size_bytes < 30 * 200_000 + 20_000
    restore_survey(second, done.path)
    restored = entries(second, survey_id)[""]
    assert restored[1:] == written[1:]


def test_a_survey_that_is_recreated_meanwhile_is_backed_up_as_it_is_then(
    store: Store, survey_id: str, tmp_path: Path
) -> None:
    with serving(store) as spotted:
        life = Life(spotted, store, survey_id, 1)
        life.answer()
        reported: list[tuple[int, int]] = []

        def recreate(*done: int) -> None:
            if not reported:
                spotted.survey(survey_id).delete()
                Life(spotted, store, survey_id, 2).add()
            reported.append((done[0], done[1]))

        path = tmp_path / "survey.spotted"
        done = Backups(store, now=process.now).back_up(survey_id, path, on_progress=recreate)
        assert (done.sessions, done.events) == (0, 4)
        assert journals(path) == entries(store, survey_id)
        assert reported[-1] == (4, 4)


def test_a_session_that_is_deleted_meanwhile_is_left_out(
    store: Store, survey_id: str, tmp_path: Path
) -> None:
    with serving(store) as spotted:
        life = Life(spotted, store, survey_id, 1)
        life.answer()
        (session_id,) = store.members(keys.sessions(survey_id))

        def delete(*_: int) -> None:
            if store.members(keys.sessions(survey_id)):
                spotted.connection.sampler.stub.DeleteSession(
                    sampler_pb2.DeleteSessionRequest(survey_id=survey_id, session_id=session_id)
                )

        path = tmp_path / "survey.spotted"
        done = Backups(store, now=process.now).back_up(survey_id, path, on_progress=delete)
        assert done.sessions == 0
        assert list(read_contents(path).events) == [""]


def test_a_survey_that_does_not_exist_leaves_no_file(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="'nosuch' does not exist; it cannot be backed up"):
        backed_up(store, "nosuch", tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_header_says_what_the_file_holds(store: Store, survey_id: str, tmp_path: Path) -> None:
    with serving(store) as spotted:
        life = Life(spotted, store, survey_id, 1)
        life.answer()
        life.head()
        life.head()
        life.calibrate()
    done = backed_up(store, survey_id, tmp_path)
    reported = read_contents(done.path)
    assert (reported.header.survey_id, reported.header.store_version) == (survey_id, keys.STORE_VERSION)
    assert reported.sessions == done.sessions == 1
    assert reported.calibrations == 1
    assert 1 <= reported.heads <= 2
    assert sum(reported.events.values()) == done.events
    assert reported.size_bytes == done.size_bytes == done.path.stat().st_size
    assert done.missing == ()
    assert next(read(done.path)).header == reported.header


def test_a_head_that_the_store_lost_is_named(store: Store, survey_id: str, tmp_path: Path) -> None:
    with serving(store) as spotted:
        life = Life(spotted, store, survey_id, 1)
        life.head()
        digest = spotted.survey(survey_id).info().head_digest
    kept = store.get(keys.head("", digest))
    assert kept is not None
    store.delete(keys.head("", digest))
    assert backed_up(store, survey_id, tmp_path).missing == (digest,)
    store.put(keys.head("", digest), kept)


def test_only_its_owner_may_read_a_file(store: Store, survey_id: str, tmp_path: Path) -> None:
    with serving(store) as spotted:
        Life(spotted, store, survey_id, 1)
    path = backed_up(store, survey_id, tmp_path).path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_is_named(store: Store, survey_id: str, tmp_path: Path) -> None:
    with serving(store) as spotted:
        Life(spotted, store, survey_id, 1)
    with pytest.raises(PreconditionError, match=r"survey\.spotted cannot be written \(No such file"):
        backed_up(store, survey_id, tmp_path / "nosuch")


def test_a_file_that_was_there_stays_until_the_new_one_is_whole(
    store: Store, survey_id: str, tmp_path: Path
) -> None:
    with serving(store) as spotted:
        Life(spotted, store, survey_id, 1)
    path = backed_up(store, survey_id, tmp_path).path
    before = path.read_bytes()

    def stop(*_: int) -> None:
        assert path.with_name(path.name + PART).exists()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Backups(store, now=process.now).back_up(survey_id, path, on_progress=stop)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_surveys_of_organisations_are_backed_up_under_their_whole_id(store: Store, tmp_path: Path) -> None:
    survey_id = f"wcs/{uuid.uuid4().hex}"
    event = store_pb2.SurveyEvent(survey=survey_pb2.Survey(survey_id=survey_id, head_digest="a" * 64))
    push(store, keys.survey_journal(survey_id), event.SerializeToString())
    head = store_pb2.StoredHead(onnx=b"onnx", survey_id=survey_id)
    digest = hashlib.sha256(b"onnx").hexdigest()
    put_record(store, keys.head("wcs", digest), head)
    # a training that died between its two steps lists a head that is not there
    for each in (digest, "b" * 64):
        store.add_member(keys.trained(survey_id), each)
    done = backed_up(store, survey_id, tmp_path)
    assert read_contents(done.path).header.survey_id == survey_id
    assert (read_contents(done.path).heads, done.missing) == (1, ("a" * 64,))


def test_a_damaged_head_is_reported_and_stops_no_backup(store: Store, tmp_path: Path) -> None:
    survey_id, digest = f"wcs/{uuid.uuid4().hex}", uuid.uuid4().hex * 2
    survey = survey_pb2.Survey(survey_id=survey_id, head_digest=digest)
    push(store, keys.survey_journal(survey_id), store_pb2.SurveyEvent(survey=survey).SerializeToString())
    try:
        for damaged in (b"\xff\xff", store_pb2.StoredHead(onnx=b"other").SerializeToString()):
            store.put(keys.head("wcs", digest), damaged)
            done = backed_up(store, survey_id, tmp_path)
            assert (read_contents(done.path).heads, done.missing) == (0, (digest,))
    finally:
        store.delete(keys.head("wcs", digest))


def test_a_journal_that_no_service_can_read_is_reported(store: Store, survey_id: str, tmp_path: Path) -> None:
    push(store, keys.survey_journal(survey_id), b"\xff\xff")
    with pytest.raises(SurveyDamagedError, match=r"damaged at event 1 \(it cannot be decoded\)"):
        backed_up(store, survey_id, tmp_path)
    assert not list(tmp_path.iterdir())
