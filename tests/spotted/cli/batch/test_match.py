from __future__ import annotations

import csv
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from services.common.store.store import Store
from services.embedder.inference.backbones import Backbone
from spotted.batch.engines import RayEngine
from spotted.batch.features import open_features
from spotted.batch.places import below, open_place
from spotted.batch.snapshot import SNAPSHOT, Snapshot, open_snapshot
from spotted.batch.surveys import Piece, SurveyBatch
from spotted.cli.batch.match import match
from spotted.client import Spotted
from spotted.client.values import LocalFeatureSpec
from spotted.scoring.fusion import Fusion
from tests.services.embedder.serving import serving
from tests.spotted.batch import tasks
from tests.spotted.batch.reachable_bucket import reachable_bucket
from tests.spotted.batch.slow_ray import dropped_processes, ray_cluster
from tests.spotted.cli.batch.surveys import SURVEYS, run_batch, run_embed, write_surveys
from tests.spotted.cli.conftest import Machine, machine_of

pytest.importorskip("cv2", reason="the extra `local` is not installed")
pytestmark = [pytest.mark.slow, dropped_processes]
RAY = ("--engine", "ray")
TOP = "4"


@pytest.fixture(scope="module")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bucket of a real S3 server, which processes that start from now on reach by the usual variables."""
    with reachable_bucket(tmp_path_factory.mktemp("s3")) as url:
        yield url


@pytest.fixture(scope="module")
def ray(s3_url: str) -> Iterator[None]:  # noqa: ARG001 - its variables are those of the processes
    with ray_cluster():
        yield


@pytest.fixture(scope="module")
def surveys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two surveys, and a folder that is none."""
    directory = write_surveys(tmp_path_factory.mktemp("batch") / "surveys")
    (directory / "broken").mkdir()
    (directory / "broken" / "readme.txt").write_text("nothing here")
    return directory


@pytest.fixture(scope="module")
def results(ray: None, surveys: Path, models: Path) -> Path:  # noqa: ARG001 - it runs on it
    """What embedding gives: the survey that cannot be read is named, the others are finished."""
    directory = surveys.parent / "results"
    failed = run_embed(str(surveys), str(directory), models, *RAY, code=1)
    assert "1 of 3 surveys failed; what is finished is kept" in failed["stderr"]
    assert "broken: reading: InvalidInputError" in failed["stderr"]
    counts = {one["survey_id"]: (one["embedded"], one["failed"]) for one in failed["surveys"]}
    assert counts == {"ridge": (13, 0), "valley": (7, 0)}
    shutil.rmtree(surveys / "broken")
    left = directory / "ridge" / "embedded" / "000001.npz.0.partial"
    left.write_bytes(b"half")
    again = run_embed(str(surveys), str(directory), models, *RAY)
    assert again["blocks"] == 0
    assert not left.exists()
    return directory


@pytest.fixture
def machine(
    results: Path, tmp_path: Path, store: Store, backbone: Backbone, survey_id: str
) -> Iterator[Machine]:
    """A scorer with the survey `ridge`, the same vectors and the same local features."""
    with serving(store, backbone) as spotted:
        made = machine_of(tmp_path / "data", spotted)
        root = results.parent / "surveys" / "ridge"
        tables = ("--cameras", str(root / "cameras.csv"), "--detections", str(root / "detections.csv"))
        assert made.run("import", *tables, "--survey", survey_id, "--timezone", "UTC").exit_code == 0
        assert made.run("embed", survey_id, "--local", "hotspotter").exit_code == 0
        check_alike(spotted, survey_id, open_snapshot(results / "ridge" / SNAPSHOT))
        replace_vectors(spotted, survey_id, results / "ridge")
        yield made


def check_alike(spotted: Spotted, survey_id: str, snapshot: Snapshot) -> None:
    """The services store the same rows; their vectors may differ in the last bits, as batches do."""
    stored, vectors = spotted.survey(survey_id).detections_with_embeddings()
    assert [d.detection_id for d in stored] == snapshot.detection_ids()
    assert spotted.survey(survey_id).info().embedding == snapshot.stored.embedding
    assert spotted.survey(survey_id).info().local_features == snapshot.stored.local_features
    np.testing.assert_allclose(vectors, snapshot.gallery.embeddings, atol=2e-3)


def replace_vectors(spotted: Spotted, survey_id: str, directory: Path) -> None:
    """Vectors and features of the batch instead of those of the services, so that scores are equal."""
    survey, snapshot = spotted.survey(survey_id), open_snapshot(directory / SNAPSHOT)
    stored, _ = survey.detections_with_embeddings()
    assert snapshot.stored.embedding is not None
    vectors = np.asarray(snapshot.gallery.embeddings, np.float32)
    survey.delete_detections([d.detection_id for d in stored])
    survey.add_detections(stored, vectors, snapshot.stored.embedding)
    rows = open_features(open_place(str(directory))).rows(snapshot.owners())
    features = {d.detection_id: f.to_bytes() for i, d in enumerate(stored) if (f := rows.features(i))}
    assert isinstance(snapshot.stored.local_features, LocalFeatureSpec)
    survey.add_local_features(features, snapshot.stored.local_features)


@pytest.mark.usefixtures("ray")
def test_lists_of_a_directory_are_the_services_bit_for_bit(
    machine: Machine, results: Path, survey_id: str, tmp_path: Path
) -> None:
    assert match.name == "match"
    assert machine.run("match-marks", survey_id).exit_code == 0
    assert machine.run("calibrate", survey_id, "--known").exit_code == 0
    for fusion in (Fusion.LOCAL, Fusion.CALIBRATED):
        word = fusion.name.lower()
        document = run_batch("match", str(results), "--top", TOP, "--fusion", word, "--fresh", *RAY)
        found = {one["survey_id"]: one for one in document["surveys"]}
        assert [found[name]["fusion"] for name in SURVEYS] == [word] * 2
        assert found["ridge"]["matched_pairs"] > 20
        listed = tmp_path / f"{word}.csv"
        arguments = ("--top", TOP, "--fusion", word, "-o", str(listed))
        assert machine.run("match", survey_id, *arguments).exit_code == 0
        assert (results / "ridge" / "candidates.csv").read_bytes() == listed.read_bytes()
        live = tmp_path / f"live-{word}"
        done = machine.run(
            "batch", "candidates", survey_id, "--top", TOP, "--fusion", word, "-o", str(live), *RAY
        )
        assert done.exit_code == 0, done.stderr
        assert (live / "candidates.csv").read_bytes() == listed.read_bytes()
    with listed.open(newline="") as file:
        assert any(int(row["matched_marks"] or 0) > 10 for row in csv.DictReader(file))


@pytest.mark.usefixtures("ray")
def test_what_is_missing_is_made_again_and_nothing_else(results: Path) -> None:
    arguments = ("match", str(results), "--top", TOP, "--fusion", "calibrated", "--block", "5", *RAY)
    first = run_batch(*arguments, "--fresh")
    assert (first["blocks_of_marks"], first["blocks_of_candidates"]) == (2, 5)
    files = {path: path.stat().st_mtime_ns for path in results.rglob("*") if path.is_file()}
    ridge, valley = results / "ridge", results / "valley"
    lists = {name: (results / name / "candidates.csv").read_bytes() for name in SURVEYS}
    gone = [ridge / "blocks" / "000001.npz", valley / "marks" / "000000.npz", ridge / "candidates.csv"]
    for path in gone:
        path.unlink()
    again = run_batch(*arguments)
    assert (again["blocks_of_marks"], again["blocks_of_candidates"]) == (1, 1)
    changed = {p for p in results.rglob("*") if p.is_file() and p.stat().st_mtime_ns != files.get(p)}
    assert changed == {*gone, ridge / "blocks" / "listed.npz"}
    assert {name: (results / name / "candidates.csv").read_bytes() for name in SURVEYS} == lists
    other = run_batch("match", str(results), "--top", "3", code=1)
    assert "--fresh to start again" in other["stderr"]


@pytest.mark.usefixtures("ray")
def test_surveys_and_results_in_a_bucket_give_the_same_lists(
    results: Path, surveys: Path, models: Path, s3_url: str
) -> None:
    prefix = below(s3_url, uuid.uuid4().hex)
    source = open_place(below(prefix, "surveys"))
    for path in surveys.rglob("*"):
        if path.is_file():
            source.write(path.relative_to(surveys).as_posix(), path.read_bytes())
    out = below(prefix, "results")
    embedded = run_embed(source.url, out, models, *RAY)
    assert {one["survey_id"]: one["failed"] for one in embedded["surveys"]} == dict.fromkeys(SURVEYS, 0)
    options = ("--top", TOP, "--fusion", "calibrated", "--fresh", *RAY)
    document = run_batch("match", out, *options)
    run_batch("match", str(results), *options)
    for one in document["surveys"]:
        name = one["survey_id"]
        assert one["output"] == f"{out}/{name}/candidates.csv"
        listed = open_place(out).read(f"{name}/candidates.csv")
        assert listed == (results / name / "candidates.csv").read_bytes()
    assert run_batch("match", out, *options[:-3], *RAY)["blocks_of_candidates"] == 0
    missing = run_batch("match", below("s3://no-such-bucket", "x"), *RAY, code=5)
    assert "s3://no-such-bucket/x" in missing["stderr"]


@pytest.mark.usefixtures("ray")
def test_a_worker_that_is_killed_and_a_survey_that_always_kills_stop_no_other(tmp_path: Path) -> None:
    work: dict[str, Callable[[], None]] = {
        "killed": partial(tasks.killed_once, tmp_path),
        "killer": partial(tasks.deadly, tmp_path, 2),
        "sound": partial(tasks.noted, tmp_path, 7),
    }
    batch = SurveyBatch(list(work), RayEngine(2), lambda _, __: nullcontext(lambda _: None))

    def pieces(name: str) -> list[Piece]:
        return [Piece(name, "block 0", work[name])]

    assert batch.stage("blocks", pieces) == 2
    assert batch.going_on == ["killed", "sound"]
    assert batch.failures["killer"][0].startswith("block 0: WorkerCrashedError")
    assert len(list(tmp_path.glob("killed-*"))) == 2


def test_folders_without_a_snapshot_are_named(tmp_path: Path) -> None:
    assert "has no folders" in run_batch("match", str(tmp_path), code=3)["stderr"]
    (tmp_path / "ridge").mkdir()
    failed = run_batch("match", str(tmp_path), code=1)
    assert "ridge: it has no snapshot; run `spotted batch embed` again" in failed["stderr"]
