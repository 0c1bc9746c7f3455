from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from spotted.batch.blocks import blocks_path
from spotted.cli import batch
from spotted.formats.csv_candidates import COLUMNS
from spotted.survey import Camera
from spotted.v1 import scorer_pb2
from tests.services.scorer.planted import Scorer
from tests.spotted.cli.conftest import Machine

COUNT, ROWS, TOP = 45, 8, 5
BLOCKS = 6
ENGINES = [
    "local",
    pytest.param("ray", marks=pytest.mark.slow),
]


@pytest.fixture
def planted(machine: Machine, survey_id: str) -> Machine:
    """A machine whose scorer holds a survey with everything awkward in it."""
    scorer = Scorer(machine.spotted._addresses["scorer"])
    scorer.plant(survey_id, COUNT)
    scorer.channel.close()
    return machine


def run(machine: Machine, survey_id: str, output: Path, *more: str, code: int = 0) -> dict[str, object]:
    """Run the command; its document, or {} where it is to fail."""
    arguments = ["batch", "candidates", survey_id, "-o", str(output), "--block", str(ROWS), "--workers", "2"]
    done = machine.run(*arguments, "--json", *more)
    assert done.exit_code == code, done.stderr
    return {"stderr": done.stderr} if code else dict(json.loads(done.stdout))


def times(output: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in blocks_path(output).iterdir()}


def service_lists(machine: Machine, survey_id: str) -> list[scorer_pb2.CandidateList]:
    return list(machine.spotted.candidates(survey_id, top_k=TOP))


@pytest.mark.parametrize("engine", ENGINES)
def test_blocks_and_listing_are_the_services_bit_for_bit(
    planted: Machine, survey_id: str, tmp_path: Path, engine: str
) -> None:
    if engine == "ray":
        pytest.importorskip("ray", reason="ray is not installed; it comes with the extra `batch`")
    output = tmp_path / "out"
    document = run(planted, survey_id, output, "--engine", engine)
    assert (document["blocks"], document["computed"], document["candidates"]) == (BLOCKS, BLOCKS, COUNT * TOP)
    lists = service_lists(planted, survey_id)
    ids = [one.detection_id for one in lists]
    found: list[tuple[str, str, float, float | None, float]] = []
    for number in range(BLOCKS):
        with np.load(blocks_path(output) / f"{number:06}.npz") as block:
            queries = np.repeat(block["queries"], block["counts"])
            columns = (block["rows"], block["visual"], block["feasibility"], block["fused"])
            for query, row, visual, possible, fused in zip(
                queries.tolist(), *(column.tolist() for column in columns), strict=True
            ):
                found.append((ids[query], ids[row], visual, None if np.isnan(possible) else possible, fused))
    assert found == [
        (
            one.detection_id,
            c.detection_id,
            c.visual,
            c.feasibility if c.HasField("feasibility") else None,
            c.fused,
        )
        for one in lists
        for c in one.candidates
    ]
    listed = tmp_path / "match.csv"
    assert planted.run("match", survey_id, "--top", str(TOP), "-o", str(listed)).exit_code == 0
    assert (output / "candidates.csv").read_bytes() == listed.read_bytes()


def test_a_broken_run_goes_on_with_what_is_missing(planted: Machine, survey_id: str, tmp_path: Path) -> None:
    output = tmp_path / "out"
    run(planted, survey_id, output)
    first, listed = times(output), (output / "candidates.csv").read_bytes()
    blocks = blocks_path(output)
    (blocks / "000001.npz").unlink()
    (blocks / "000004.npz").write_bytes((blocks / "000004.npz").read_bytes()[:-30])
    (output / "candidates.csv").unlink()
    document = run(planted, survey_id, output)
    assert document["computed"] == 2
    second = times(output)
    assert {name for name in first if second[name] != first[name]} == {"000001.npz", "000004.npz"}
    assert (output / "candidates.csv").read_bytes() == listed
    assert run(planted, survey_id, output)["computed"] == 0


def test_a_changed_survey_is_told_and_refused_unless_fresh(
    planted: Machine, survey_id: str, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    before = run(planted, survey_id, output)
    planted.spotted.upsert_cameras(survey_id, [Camera("CAM04", 20_000.0, 0.0)])
    told = str(run(planted, survey_id, output, code=6)["stderr"])
    assert f"at revision {before['revision']};" in told
    assert "--fresh" in told
    after = run(planted, survey_id, output, "--fresh")
    assert after["computed"] == BLOCKS
    listed = tmp_path / "match.csv"
    planted.run("match", survey_id, "--top", str(TOP), "-o", str(listed))
    assert (output / "candidates.csv").read_bytes() == listed.read_bytes()


def test_other_options_are_refused_unless_fresh(planted: Machine, survey_id: str, tmp_path: Path) -> None:
    output = tmp_path / "out"
    run(planted, survey_id, output)
    assert "--fresh" in str(run(planted, survey_id, output, "--top", "3", code=6)["stderr"])
    assert run(planted, survey_id, output, "--top", "3", "--fresh")["candidates"] == COUNT * 3


def test_failed_blocks_are_numbered_with_their_error_and_the_others_are_kept(
    planted: Machine, survey_id: str, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    run(planted, survey_id, output)
    blocks = blocks_path(output)
    (blocks / "000000.npz").unlink()
    (blocks / "000002.npz").unlink()
    # a directory in a block's place cannot be written over
    (blocks / "000002.npz").mkdir()
    told = str(run(planted, survey_id, output, code=1)["stderr"])
    assert "1 of 6 blocks failed: block 2: IsADirectoryError" in told
    assert (blocks / "000000.npz").is_file()
    shutil.rmtree(blocks / "000002.npz")
    assert run(planted, survey_id, output)["computed"] == 1


def test_an_address_without_ray_is_wrong_input(planted: Machine, survey_id: str, tmp_path: Path) -> None:
    told = str(run(planted, survey_id, tmp_path / "out", "--address", "auto", code=3)["stderr"])
    assert "needs engine ray" in told
    assert not (tmp_path / "out").exists()


def test_a_cluster_that_is_not_there_is_told(planted: Machine, survey_id: str, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed; it comes with the extra `batch`")
    arguments = ("--engine", "ray", "--address", "127.0.0.1:1")
    told = str(run(planted, survey_id, tmp_path / "out", *arguments, code=5)["stderr"])
    assert "no Ray cluster at 127.0.0.1:1" in told


def test_people_are_told_what_was_done(planted: Machine, survey_id: str, tmp_path: Path) -> None:
    output = tmp_path / "out"
    arguments = ("batch", "candidates", survey_id, "-o", str(output), "--block", "30", "--workers", "1")
    done = planted.run(*arguments)
    assert "225 candidates of 45 detections" in done.stdout
    assert "2 of 2 blocks computed" in done.stdout
    assert "0 of 2 blocks computed, 2 were there" in planted.run(*arguments).stdout
    with (output / batch.LISTING).open(newline="") as file:
        assert tuple(next(csv.reader(file))) == COLUMNS
