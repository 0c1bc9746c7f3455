from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from spotted.batch.engines import Engine, ItemResult, LocalEngine, RayEngine, engine
from spotted.errors import InvalidInputError, PreconditionError, UnavailableError
from tests.spotted.batch import tasks
from tests.spotted.batch.slow_ray import dropped_processes, ray_cluster
from tests.waiting import until

NUMBERS = [0, 1, 2, 3, 4]


def outcomes(works: Engine, task: partial[None], numbers: list[int]) -> dict[int, str]:
    found = list(works.run(task, numbers))
    assert len({one.item for one in found}) == len(found)
    return {one.item: one.error for one in found}


@pytest.fixture(scope="module")
def ray_engine() -> Iterator[RayEngine]:
    """A cluster of two processes for all tests here."""
    with ray_cluster():
        yield RayEngine(2)


@pytest.fixture(
    params=[
        pytest.param("local", marks=pytest.mark.processes),
        pytest.param("ray", marks=[pytest.mark.slow, dropped_processes]),
    ]
)
def works(request: pytest.FixtureRequest) -> Engine:
    if request.param == "ray":
        made: RayEngine = request.getfixturevalue("ray_engine")
        return made
    return LocalEngine(2)


def test_every_number_is_worked_on_once(works: Engine, tmp_path: Path) -> None:
    assert outcomes(works, partial(tasks.noted, tmp_path), NUMBERS) == dict.fromkeys(NUMBERS, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{number}-0" for number in NUMBERS]


def test_a_poison_block_is_reported_by_its_number_and_the_others_are_done(
    works: Engine, tmp_path: Path
) -> None:
    found = outcomes(works, partial(tasks.poisoned, tmp_path), NUMBERS)
    assert found == dict.fromkeys(NUMBERS, "") | {3: "ValueError: a poison block"}
    assert (tmp_path / "3-1").exists()


def test_an_item_whose_input_is_at_fault_is_not_tried_again(works: Engine, tmp_path: Path) -> None:
    found = outcomes(works, partial(tasks.refused, tmp_path), [0, 1, 2])
    assert found == {0: "", 1: "InvalidInputError: no survey", 2: ""}
    assert [path.name for path in tmp_path.glob("1-*")] == ["1-0"]


def test_a_block_that_ends_its_process_is_reported_by_its_number(works: Engine, tmp_path: Path) -> None:
    found = outcomes(works, partial(tasks.deadly, tmp_path), NUMBERS)
    assert [number for number, error in found.items() if error] == [2]
    assert sorted(found) == NUMBERS


def test_a_block_that_fails_once_is_done_the_second_time(works: Engine, tmp_path: Path) -> None:
    assert outcomes(works, partial(tasks.hesitant, tmp_path), [0, 1]) == {0: "", 1: ""}


def test_no_numbers_are_no_work(works: Engine, tmp_path: Path) -> None:
    assert outcomes(works, partial(tasks.noted, tmp_path), []) == {}


@pytest.mark.processes
def test_leaving_early_starts_no_more_blocks(tmp_path: Path) -> None:
    run = LocalEngine(1).run(partial(tasks.noted, tmp_path), list(range(200)))
    assert next(run) == ItemResult(0)
    run.close()  # type: ignore[attr-defined] # a generator
    assert len(list(tmp_path.iterdir())) < 200


@pytest.mark.processes
def test_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from functools import partial\n"
        "from pathlib import Path\n"
        "from spotted.batch.engines import LocalEngine\n"
        "from tests.spotted.batch import tasks\n"
        f"list(LocalEngine(1).run(partial(tasks.patient, Path({str(tmp_path)!r})), [0]))\n"
    )
    started = subprocess.Popen([sys.executable, "-c", code])
    try:
        (worker,) = until(
            lambda: [int(path.name[2:]) for path in tmp_path.glob("0-*")], "a block is in progress"
        )
    finally:
        started.kill()
        started.wait()
    until(lambda: not running(worker), "the worker has ended")


def running(process_id: int) -> bool:
    try:
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_without_ray_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(PreconditionError, match=r"spotted\[batch\]"):
        list(RayEngine(2).run(partial(tasks.noted, tmp_path), NUMBERS))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_cluster_that_does_not_start_is_reported_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray", reason="ray is not installed; it comes with the extra `batch`")

    def late(**_: object) -> None:
        raise Exception("The current node timed out during startup.")  # noqa: TRY002 - as Ray does

    stopped: list[bool] = []
    for name, instead in (
        ("is_initialized", lambda: False),
        ("init", late),
        ("shutdown", lambda: stopped.append(True)),
    ):
        monkeypatch.setattr(ray, name, instead)
    with pytest.raises(UnavailableError, match=r"this machine: The current node timed out.*--engine local"):
        list(RayEngine(2).run(partial(tasks.noted, tmp_path), NUMBERS))
    assert stopped


def test_engines_are_made_by_their_kind() -> None:
    assert engine("local", workers=3) == LocalEngine(3)
    assert engine("ray", workers=3, address="auto") == RayEngine(3, "auto")
    with pytest.raises(InvalidInputError, match="use local without an address, or ray"):
        engine("local", workers=3, address="auto")


def test_the_command_line_does_without_ray() -> None:
    loaded = "import sys, spotted.cli; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loaded], check=False).returncode == 0
