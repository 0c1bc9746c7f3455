from __future__ import annotations

import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.common.store import keys
from services.common.store.records import get_record
from services.common.store.store import Store
from services.upkeep.backup.file import MAGIC, open_writer, read
from services.upkeep.backup.restore import restore_survey, target_id
from spotted.client import Spotted
from spotted.client.values import SessionInfo
from spotted.constraints.answers import Answer
from spotted.errors import AlreadyExistsError, InvalidInputError, StoreVersionError
from spotted.facts import KnownIndividuals
from spotted.survey import Camera
from spotted.v1 import store_pb2
from tests.services.journal_entries import contents, push, rewind
from tests.services.upkeep.living import Life, backed_up, entries, labels, seen, store_head
from tests.spotted.client.surveys import serving

STEPS = ("add", "delete", "move", "answer", "answer", "answer", "retract", "head", "calibrate")


@pytest.fixture(scope="module")
def both(store_url: str, second_url: str) -> Iterator[tuple[Spotted, Spotted, Store, Store]]:
    """The services of two stores."""
    first, second = Store(store_url), Store(second_url)
    first.open()
    second.open()
    with serving(first) as here, serving(second) as there:
        yield here, there, first, second
    first.close()
    second.close()


def lived(spotted: Spotted, store: Store, steps: list[str], seed: int = 0) -> str:
    survey_id = f"survey-{uuid.uuid4().hex[:12]}"
    life = Life(spotted, store, survey_id, seed)
    for step in steps:
        life.steps[step]()
    return survey_id


def keys_of(store: Store) -> list[str]:
    return [*store.names("spotted:"), *store.fields(keys.surveys(""))]


@example(steps=["answer", "head", "calibrate", "delete", "answer", "retract", "move", "answer"], seed=0)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(STEPS), min_size=6, max_size=16), seed=st.integers(0, 9))
def test_a_restored_survey_has_the_same_scores_and_asks_the_same(
    both: tuple[Spotted, Spotted, Store, Store], tmp_path: Path, steps: list[str], seed: int
) -> None:
    here, there, first, second = both
    survey_id = lived(here, first, [*steps, "answer"], seed)
    path = backed_up(first, survey_id, tmp_path).path
    assert restore_survey(second, path).survey_id == survey_id
    copy = f"{survey_id}-copy"
    restore_survey(first, path, survey=copy)
    # a sampler that runs on remembers what deleted detections looked like
    with serving(first) as fresh:
        before = seen(fresh, survey_id)
    assert seen(there, survey_id) == before
    assert seen(here, copy) == before
    assert {session.survey_id for session in sessions(here, copy)} == {copy}


def test_services_that_run_plan_from_what_was_restored_over_a_deleted_survey(
    both: tuple[Spotted, Spotted, Store, Store], survey_id: str, tmp_path: Path
) -> None:
    here, there, first, second = both
    life = Life(here, first, survey_id, seed=0)
    here.survey(survey_id).create_session(
        "main", strategy="mean-linkage", seed=3, known_individuals=KnownIndividuals.IGNORED
    )
    next_round(here, survey_id)
    path = backed_up(first, survey_id, tmp_path).path
    life.move()
    next_round(here, survey_id)
    here.survey(survey_id).delete()
    # both change as often as the one that was deleted did, but otherwise
    far = [Camera(f"c{place}", x_m=900.0 * place, y_m=50_000.0 * place) for place in range(3)]
    for spotted, store in ((here, first), (there, second)):
        restore_survey(store, path)
        spotted.survey(survey_id).upsert_cameras(far)
    rounds = range(15)
    assert [next_round(here, survey_id) for _ in rounds] == [next_round(there, survey_id) for _ in rounds]


def next_round(spotted: Spotted, survey_id: str) -> list[tuple[str, str, float]]:
    """The pairs that are asked next with their scores, all of them answered."""
    asked = spotted.survey(survey_id).session("main").next_pairs("anna", count=20).pairs
    spotted.survey(survey_id).session("main").submit_labels(labels(asked, lambda: Answer.DIFFERENT))
    return [(pair.first.detection_id, pair.second.detection_id, pair.score) for pair in asked]


def sessions(spotted: Spotted, survey_id: str) -> list[SessionInfo]:
    return list(spotted.survey(survey_id).sessions())


@pytest.fixture(scope="module")
def one_backup(
    both: tuple[Spotted, Spotted, Store, Store], tmp_path_factory: pytest.TempPathFactory
) -> list[store_pb2.BackupRecord]:
    """The records of a survey with two sessions, a head and a calibration."""
    here, _, first, _ = both
    survey_id = lived(here, first, ["head", "calibrate", *["answer"] * 6, "add", "retract", "delete"])
    return list(read(backed_up(first, survey_id, tmp_path_factory.mktemp("backup")).path))


@pytest.fixture
def file(one_backup: list[store_pb2.BackupRecord], survey_id: str, tmp_path: Path) -> Path:
    """A backup of a survey that no other test restores."""
    one_backup[0].header.survey_id = survey_id
    path = tmp_path / "survey.spotted"
    with open_writer(path) as writer:
        for record in one_backup:
            writer.write(record)
    return path


def boundaries(content: bytes) -> list[int]:
    at, found = len(MAGIC), []
    while at < len(content):
        found.append(at)
        at += 8 + int.from_bytes(content[at : at + 4], "little")
    return found


def test_a_damaged_file_is_refused_and_nothing_is_stored(file: Path, second: Store, tmp_path: Path) -> None:
    whole, before = file.read_bytes(), keys_of(second)
    starts = boundaries(whole)
    assert len(starts) > 5
    rng = np.random.default_rng(0)
    cuts = {0, 3, *starts, *(at + 1 for at in starts), *(at + 8 for at in starts), len(whole) - 1}
    damaged = [whole[:cut] for cut in sorted(cuts)]
    for at in [*starts, *rng.integers(len(whole), size=200)]:
        flipped = bytearray(whole)
        flipped[at] ^= 1 << int(rng.integers(8))
        damaged.append(bytes(flipped))
    damaged.append(whole + b"\0")
    one, other = (whole[a:b] for a, b in pairwise(starts[1:4]))
    damaged.append(whole[: starts[1]] + other + one + whole[starts[3] :])
    damaged.append(whole[: starts[1]] + whole[starts[2] :])
    hurt = tmp_path / "hurt.spotted"
    for content in damaged:
        hurt.write_bytes(content)
        with pytest.raises(InvalidInputError, match=r"hurt\.spotted"):
            restore_survey(second, hurt)
    assert keys_of(second) == before


def test_damage_is_named_by_its_place(file: Path, second: Store) -> None:
    whole = file.read_bytes()
    third = boundaries(whole)[3]
    file.write_bytes(whole[: third + 20] + bytes([whole[third + 20] ^ 1]) + whole[third + 21 :])
    with pytest.raises(InvalidInputError, match=f"damaged at byte {third}: .*use another backup"):
        restore_survey(second, file)


def test_a_repeat_changes_nothing(file: Path, second: Store) -> None:
    first = restore_survey(second, file)
    before = entries(second, first.survey_id)
    again = restore_survey(second, file)
    assert (first.unchanged, again.unchanged) == (False, True)
    assert entries(second, first.survey_id) == before


def test_a_survey_that_went_on_is_never_overwritten(file: Path, second: Store) -> None:
    survey_id = restore_survey(second, file).survey_id
    event = store_pb2.SurveyEvent(deleted=store_pb2.DetectionsDeleted(detection_ids=["k03"]))
    push(second, keys.survey_journal(survey_id), event.SerializeToString())
    before = entries(second, survey_id)
    with pytest.raises(AlreadyExistsError, match=f"{survey_id!r} already exists with other content.*--as"):
        restore_survey(second, file)
    assert entries(second, survey_id) == before
    assert not restore_survey(second, file, survey=f"{survey_id}-b").unchanged


def test_one_answer_at_another_time_is_other_content(file: Path, second: Store) -> None:
    survey_id = restore_survey(second, file).survey_id
    session = keys.session_journal(survey_id, "main")
    *before, last = contents(second, session)
    rewind(second, session, len(before))
    push(second, session, last + b"\x12\x02\x10\x05")
    with pytest.raises(AlreadyExistsError, match="other content"):
        restore_survey(second, file)


def test_two_restores_at_once_make_one_survey(file: Path, second: Store) -> None:
    together = threading.Barrier(2)

    def run() -> bool:
        together.wait()
        return restore_survey(second, file).unchanged

    with ThreadPoolExecutor(2) as threads:
        done = [threads.submit(run) for _ in range(2)]
    assert sorted(each.result() for each in done) == [False, True]
    assert not [name for name in second.names("spotted:{s:") if ":restore:" in name]


@pytest.mark.parametrize("pages", [1, 3])
def test_a_restore_that_is_killed_shows_nothing_and_is_repeated(
    file: Path, second: Store, second_url: str, pages: int
) -> None:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from services.common.store.store import Store\n"
        "from services.upkeep.backup.restore import restore_survey\n"
        "store = Store(sys.argv[1])\nstore.open()\nseen = []\n"
        "def wait(*progress):\n    seen.append(progress)\n"
        "    if len(seen) == int(sys.argv[3]):\n        print('here', flush=True)\n        sys.stdin.read()\n"
        "restore_survey(store, Path(sys.argv[2]), on_progress=wait)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, second_url, str(file), str(pages)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as restoring:
        assert restoring.stdout is not None
        assert restoring.stdout.readline() == b"here\n"
        restoring.kill()
    survey_id = next(read(file)).header.survey_id
    left = second.names(keys.of_survey(survey_id))
    assert len(left) == pages
    expires = second.script("return redis.call('TTL', KEYS[1])", writes=False)
    assert all(":restore:" in name and 0 < int(str(expires([name], []))) <= 3600 for name in left)
    assert survey_id not in second.fields(keys.surveys(""))
    assert not restore_survey(second, file).unchanged
    assert survey_id in second.fields(keys.surveys(""))
    journals = [name for name in second.names(keys.of_survey(survey_id)) if ":restore:" not in name]
    # three journals with their lengths, the list of sessions and the mark in that of surveys
    assert len(journals) == 8
    assert all(int(str(expires([name], []))) == -1 for name in journals)


def test_what_stops_half_way_leaves_nothing(file: Path, second: Store) -> None:
    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    before = keys_of(second)
    with pytest.raises(KeyboardInterrupt):
        restore_survey(second, file, on_progress=stop)
    assert keys_of(second) == before


def test_services_that_knew_more_of_the_survey_see_what_was_restored(
    both: tuple[Spotted, Spotted, Store, Store], tmp_path: Path
) -> None:
    here, _, first, _ = both
    survey_id = f"survey-{uuid.uuid4().hex[:12]}"
    life = Life(here, first, survey_id, 0)
    path = backed_up(first, survey_id, tmp_path).path
    life.add()
    life.add()
    assert here.survey(survey_id).info().revision == 5
    # gone and back behind the service's back, and as long as it was
    rewind(first, keys.survey_journal(survey_id), 0)
    restore_survey(first, path)
    with serving(first) as other:
        again = Life.__new__(Life)
        again.__dict__.update(life.__dict__, spotted=other, added=100)
        again.add()
        again.add()
        expected = seen(other, survey_id)
    assert seen(here, survey_id) == expected


def test_heads_and_calibrations_come_along_and_belong_to_the_restored_survey(
    both: tuple[Spotted, Spotted, Store, Store], tmp_path: Path
) -> None:
    here, _, first, second = both
    survey_id = lived(here, first, [])
    idle = store_head(first, 41, survey_id)
    store_head(first, 42, "another-survey")
    path = backed_up(first, survey_id, tmp_path).path
    heads = [record.head for record in read(path) if record.HasField("head")]
    assert len(heads) == 1
    restore_survey(second, path, survey=f"{survey_id}-b", organisation="wcs")
    stored = get_record(second, keys.head("wcs", idle), store_pb2.StoredHead, named="it", remedy="")
    assert stored is not None
    assert (stored.survey_id, stored.onnx) == (f"wcs/{survey_id}-b", heads[0].onnx)


def test_a_survey_moves_to_another_organisation(file: Path, second: Store) -> None:
    own = next(read(file)).header.survey_id
    moved = restore_survey(second, file, organisation="wcs")
    assert moved.survey_id == f"wcs/{own}"
    assert moved.survey_id in second.fields(keys.surveys("wcs"))
    created = store_pb2.SurveyEvent.FromString(contents(second, keys.survey_journal(moved.survey_id))[0])
    assert created.survey.survey_id == moved.survey_id
    assert created.import_id


@pytest.mark.parametrize(
    ("backed", "survey", "organisation", "expected"),
    [
        ("kenya", "", "", "kenya"),
        ("kenya", "gabon", "", "gabon"),
        ("kenya", "", "wcs", "wcs/kenya"),
        ("zsl/kenya", "", "", "zsl/kenya"),
        ("zsl/kenya", "gabon", "", "zsl/gabon"),
        ("zsl/kenya", "gabon", "wcs", "wcs/gabon"),
    ],
)
def test_the_id_is_the_files_or_what_is_asked_for(
    backed: str, survey: str, organisation: str, expected: str
) -> None:
    assert target_id(backed, survey=survey, organisation=organisation) == expected


def test_a_file_of_a_store_of_another_version_is_refused(file: Path, second: Store, tmp_path: Path) -> None:
    other = tmp_path / "other.spotted"
    with open_writer(other) as writer:
        for record in read(file):
            if record.HasField("header"):
                record.header.store_version = "0"
            writer.write(record)
    with pytest.raises(StoreVersionError, match="version 0, this release uses version 4; restore it with"):
        restore_survey(second, other)
