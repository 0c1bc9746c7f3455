from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from spotted.batch.listing import LISTING
from spotted.cli.batch.candidates import candidates
from spotted.client import Candidates
from spotted.formats.csv_candidates import COLUMNS
from spotted.survey import Camera
from tests.services.scorer.planted import Scorer
from tests.spotted.batch.slow_ray import dropped_processes, skip_if_too_slow
from tests.spotted.cli.conftest import Machine

COUNT, ROWS, TOP = 45, 8, 5
BLOCKS = 6
ENGINES = [
    "local",
    pytest.param("ray", marks=[pytest.mark.slow, dropped_processes]),
]


@pytest.fixture
def planted(machine: Machine, survey_id: str) -> Machine:
    """A machine whose scorer has a survey with all edge cases."""
    scorer = Scorer(machine.spotted.connection.scorer.address)
    scorer.plant(survey_id, COUNT)
    scorer.channel.close()
    return machine


def run(
    machine: Machine, survey_id: str, output: Path, *more: str, workers: int = 1, code: int = 0
) -> dict[str, object]:
    """Run the command; its document, or its stderr if it should fail with a code."""
    arguments = ["batch", "candidates", survey_id, "-o", str(output), "--block", str(ROWS)]
    done = machine.run(*arguments, "--workers", str(workers), "--json", *more)
    assert done.exit_code == code, done.stderr
    return {"stderr": done.stderr} if code else dict(json.loads(done.stdout))


def times(output: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (output / "blocks").iterdir()}


def test_the_command_is_named_after_what_it_lists() -> None:
    assert candidates.name == "candidates"


def service_lists(machine: Machine, survey_id: str) -> list[Candidates]:
    return list(machine.spotted.survey(survey_id).candidates(top_k=TOP))


@pytest.mark.parametrize("engine", ENGINES)
def test_blocks_and_listing_are_the_services_bit_for_bit(
    planted: Machine, survey_id: str, tmp_path: Path, engine: str
) -> None:
    if engine == "ray":
        pytest.importorskip("ray", reason="ray is not installed; it comes with the extra `batch`")
    output = tmp_path / "out"
    try:
        document = run(planted, survey_id, output, "--engine", engine, workers=2)
    except AssertionError as failure:
        skip_if_too_slow(str(failure))
        raise
    assert (document["blocks"], document["computed"], document["candidates"]) == (BLOCKS, BLOCKS, COUNT * TOP)
    lists = service_lists(planted, survey_id)
    ids = [one.detection_id for one in lists]
    found: list[tuple[str, str, float, float | None, float]] = []
    for number in range(BLOCKS):
        with np.load((output / "blocks") / f"{number:06}.npz") as block:
            queries = np.repeat(block["queries"], block["counts"])
            columns = (block["rows"], block["visual"], block["feasibility"], block["fused"])
            for query, row, visual, possible, fused in zip(
                queries.tolist(), *(column.tolist() for column in columns), strict=True
            ):
                found.append((ids[query], ids[row], visual, None if np.isnan(possible) else possible, fused))
    assert found == [
        (one.detection_id, c.detection_id, c.visual, c.feasibility, c.fused)
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
    blocks = output / "blocks"
    (blocks / "000001.npz").unlink()
    (blocks / "000004.npz").write_bytes((blocks / "000004.npz").read_bytes()[:-30])
    (output / "candidates.csv").unlink()
    document = run(planted, survey_id, output)
    assert document["computed"] == 2
    second = times(output)
    assert {name for name in first if second[name] != first[name]} == {"000001.npz", "000004.npz"}
    assert (output / "candidates.csv").read_bytes() == listed
    assert run(planted, survey_id, output)["computed"] == 0


def test_a_changed_survey_is_refused_unless_fresh(planted: Machine, survey_id: str, tmp_path: Path) -> None:
    output = tmp_path / "out"
    before = run(planted, survey_id, output)
    planted.spotted.survey(survey_id).upsert_cameras([Camera("CAM04", 20_000.0, 0.0)])
    stderr = str(run(planted, survey_id, output, code=6)["stderr"])
    assert f"at revision {before['revision']};" in stderr
    assert "--fresh" in stderr
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
    blocks = output / "blocks"
    (blocks / "000000.npz").unlink()
    (blocks / "000002.npz").unlink()
    # a directory with the name of a block cannot be overwritten
    (blocks / "000002.npz").mkdir()
    stderr = str(run(planted, survey_id, output, code=1)["stderr"])
    assert "1 of 6 blocks failed: block 2: IsADirectoryError" in stderr
    assert (blocks / "000000.npz").is_file()
    shutil.rmtree(blocks / "000002.npz")
    assert run(planted, survey_id, output)["computed"] == 1


def test_an_address_without_ray_is_wrong_input(planted: Machine, survey_id: str, tmp_path: Path) -> None:
    stderr = str(run(planted, survey_id, tmp_path / "out", "--address", "auto", code=3)["stderr"])
    assert "use local without an address, or ray" in stderr
    assert not (tmp_path / "out").exists()


def test_an_unreachable_cluster_is_named(planted: Machine, survey_id: str, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed; it comes with the extra `batch`")
    arguments = ("--engine", "ray", "--address", "127.0.0.1:1")
    stderr = str(run(planted, survey_id, tmp_path / "out", *arguments, code=5)["stderr"])
    assert "no Ray cluster at 127.0.0.1:1" in stderr


def test_the_text_counts_candidates_and_blocks(planted: Machine, survey_id: str, tmp_path: Path) -> None:
    output = tmp_path / "out"
    arguments = ("batch", "candidates", survey_id, "-o", str(output), "--block", "30", "--workers", "1")
    done = planted.run(*arguments)
    assert "225 candidates of 45 detections" in done.stdout
    assert "2 of 2 blocks computed" in done.stdout
    assert "0 of 2 blocks computed, 2 reused" in planted.run(*arguments).stdout
    with (output / LISTING).open(newline="") as file:
        assert tuple(next(csv.reader(file))) == COLUMNS
