from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import pytest
from PIL import Image

from services.common.store.store import Store
from services.embedder.inference.backbones import Backbone
from spotted.cli.detection import detect as command
from spotted.formats.detectors import FoundAnimals, FoundBox
from spotted.formats.sources import detected_boxes, detection_lock, recall
from spotted.local.run_lock import exclusive
from spotted.survey import ImageBox
from tests.services.embedder.detection.drawn_networks import squares, write_detector
from tests.services.embedder.serving import serving as embedder_serving
from tests.spotted.cli.conftest import Machine, machine_of

LION, CUB, RANGER = (0.25, 0.25, 0.25, 0.5), (0.75, 0.5, 0.125, 0.25), (0.625, 0.125, 0.125, 0.75)
CAMERAS = "camera_id,x_m,y_m,start,end\nA,0,0,2024-01-01,2024-01-31\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photographs of station A: a lion, a ranger, nothing, and a damaged file."""
    photographs = tmp_path / "photographs" / "A"
    photographs.mkdir(parents=True)
    for name, boxes in (("lion", [(0, LION)]), ("ranger", [(1, RANGER)]), ("empty", [])):
        Image.fromarray(squares(128, 96, *boxes)).save(photographs / f"{name}.png")
    (photographs / "damaged.png").write_bytes((photographs / "lion.png").read_bytes()[:80])
    (tmp_path / "photographs" / "cameras.csv").write_text(CAMERAS)
    return tmp_path / "photographs"


@pytest.fixture
def machine(
    tmp_path: Path, store: Store, backbone: Backbone, folder: Path, survey_id: str
) -> Iterator[Machine]:
    """A machine with an embedder that has imported the folder."""
    with embedder_serving(store, backbone) as spotted:
        machine = machine_of(tmp_path / "data", spotted)
        assert machine.run("import", str(folder), "--survey", survey_id).exit_code == 0
        yield machine


@pytest.mark.processes
def test_animals_are_found_and_embedded_by_their_boxes(
    machine: Machine, folder: Path, survey_id: str, tmp_path: Path
) -> None:
    detector = write_detector(tmp_path / "detector", "yolov5")
    done = machine.run("detect", survey_id, "--detector", str(detector))
    assert done.exit_code == 0, done.stderr
    assert "not examined: A/damaged.png: the image is damaged" in done.stderr
    assert "3 photographs examined, 0 already examined, 1 failed\n2 detections" in done.stdout
    # the ranger is left out, the damaged photograph kept whole until it is embedded
    embedded = machine.run("embed", survey_id)
    assert "1 detection stored, 0 already stored, 1 failed" in embedded.stdout, embedded.output
    (stored,) = machine.spotted.survey(survey_id).detections()
    assert (stored.detection_id, stored.box) == ("A/lion.png", ImageBox(*LION))
    # an import with the same options keeps the boxes
    again = machine.run("import", str(folder), "--survey", survey_id)
    assert again.exit_code == 0, again.stderr
    assert "2 detections to embed" in again.stdout
    assert recall(machine.directory, survey_id).boxes == str(detected_boxes(machine.directory, survey_id))


class Examination:
    """Answers for photographs by name, ends early if it is stopped, and lists what it was asked."""

    def __init__(self, found: dict[str, FoundAnimals]) -> None:
        self.found = found
        self.asked: list[str] = []
        self.stop_after = 99

    def __call__(
        self, _: Path, photographs: Sequence[Path], *, device: str
    ) -> Generator[tuple[Path, FoundAnimals], None, None]:
        assert device == "cpu"
        for number, path in enumerate(photographs):
            if number == self.stop_after:
                raise KeyboardInterrupt
            self.asked.append(path.name)
            yield path, self.found.get(path.name, FoundAnimals())


@pytest.fixture
def examination(monkeypatch: pytest.MonkeyPatch) -> Examination:
    animals = tuple(FoundBox(0, score, box) for score, box in ((0.9, LION), (0.3, CUB)))
    found = Examination({"lion.png": FoundAnimals(animals), "damaged.png": FoundAnimals(failure="damaged")})
    monkeypatch.setattr(command, "examine", found)
    return found


@pytest.fixture
def arguments(survey_id: str, tmp_path: Path) -> list[str]:
    return ["detect", survey_id, "--detector", str(write_detector(tmp_path / "detector", "yolov5"))]


def test_two_runs_on_one_survey_are_kept_apart(
    machine: Machine, survey_id: str, examination: Examination, arguments: list[str]
) -> None:
    with exclusive(detection_lock(machine.directory, survey_id), "the other"):
        refused = machine.run(*arguments)
    assert (refused.exit_code > 0, examination.asked) == (True, [])
    assert f"`spotted detect {survey_id}` runs already on " in refused.stderr
    assert machine.run(*arguments).exit_code == 0


def test_several_animals_are_several_detections_with_their_confidence(
    machine: Machine, survey_id: str, examination: Examination, arguments: list[str]
) -> None:
    done = machine.run(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["failed"] == [{"file": "A/damaged.png", "message": "damaged"}]
    pictures = recall(machine.directory, survey_id).read(survey_id).pictures
    assert [(p.detection.detection_id, p.box) for p in pictures] == [
        ("A/damaged.png", None),
        ("A/lion.png", LION),
        ("A/lion.png#2", CUB),
    ]
    entries = json.loads(Path(document["boxes"]).read_text())["images"]
    kept = {entry["file"]: entry["detections"] for entry in entries}
    assert [one["conf"] for one in kept["A/lion.png"]] == [0.9, 0.3]
    # another threshold examines only what failed
    examination.asked.clear()
    surer = machine.run(*arguments, "--confidence", "0.5")
    assert "0 photographs examined, 3 already examined, 1 failed\n2 detections" in surer.stdout
    assert examination.asked == ["damaged.png"]


def test_an_interrupted_run_continues(
    machine: Machine, survey_id: str, examination: Examination, arguments: list[str], folder: Path
) -> None:
    examination.stop_after = 2
    assert machine.run(*arguments).exit_code == 1
    assert recall(machine.directory, survey_id).boxes == ""
    examination.stop_after = 99
    first, examination.asked = examination.asked, []
    assert machine.run(*arguments).exit_code == 0
    # the damaged one came first and is tried again
    assert first == ["damaged.png", "empty.png"]
    assert examination.asked == ["damaged.png", "lion.png", "ranger.png"]
    # a photograph that changed is examined again
    (folder / "A" / "empty.png").write_bytes((folder / "A" / "lion.png").read_bytes())
    examination.asked = []
    assert machine.run(*arguments).exit_code == 0
    assert examination.asked == ["damaged.png", "empty.png"]


def test_boxes_may_go_to_another_file(
    machine: Machine, survey_id: str, examination: Examination, arguments: list[str], tmp_path: Path
) -> None:
    assert machine.run(*arguments).exit_code == 0
    output = tmp_path / "out" / "boxes.json"
    assert machine.run(*arguments, "-o", str(output)).exit_code == 0
    assert recall(machine.directory, survey_id).boxes == str(output)
    assert len(examination.asked) == 8


def test_nothing_found_says_so_and_keeps_the_survey(
    machine: Machine, survey_id: str, examination: Examination, arguments: list[str]
) -> None:
    examination.found = {}
    done = machine.run(*arguments)
    assert done.exit_code == 3
    assert "no animal of at least 0.2 confidence; lower it with --confidence" in done.stderr
    assert recall(machine.directory, survey_id).boxes == ""


def test_a_survey_of_unreadable_photographs_fails(
    machine: Machine, examination: Examination, arguments: list[str]
) -> None:
    names = ("damaged", "empty", "lion", "ranger")
    examination.found = {f"{name}.png": FoundAnimals(failure="damaged") for name in names}
    done = machine.run(*arguments)
    assert done.exit_code == 3
    assert "none of the 4 photographs" in done.stderr


@pytest.mark.parametrize(("argument", "code"), [("nosuch", 4), ("", 4)])
def test_detection_needs_an_import_first(tmp_path: Path, machine: Machine, argument: str, code: int) -> None:
    detector = write_detector(tmp_path / "detector", "yolov5")
    done = machine.run("detect", argument, "--detector", str(detector))
    assert done.exit_code == code
    assert "spotted import" in done.stderr


def test_a_folder_without_a_detector_is_named(machine: Machine, survey_id: str, tmp_path: Path) -> None:
    done = machine.run("detect", survey_id, "--detector", str(tmp_path))
    assert done.exit_code == 4
    assert "model.onnx is missing" in done.stderr
