from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.embedder.inference.devices import open_session
from spotted.errors import PreconditionError
from tools import gpu_check


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few and small images."""
    sizes = {"IMAGES": 3, "RANKED": 300, "ASKED": 4, "TRAINED_PX": 32, "BATCH": 8, "STEPS": 8}
    for name, value in sizes.items():
        monkeypatch.setattr(gpu_check, name, value)


def check(tmp_path: Path, *options: str) -> tuple[int, list[dict[str, object]]]:
    output = tmp_path / "found.json"
    status = gpu_check.main([*options, "--window", "0", "--output", str(output)])
    found: list[dict[str, object]] = json.loads(output.read_text())["found"]
    return status, found


@pytest.mark.slow
def test_the_cpu_equals_itself_and_every_rate_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="the extra `train` is not installed")
    status, found = check(tmp_path, "--device", "cpu")
    assert status == gpu_check.HELD
    values = {str(one["what"]): one["value"] for one in found}
    assert values["embedder, least cosine with the CPU"] == pytest.approx(1.0, abs=1e-6)
    assert values["training, difference of the first loss"] == 0.0
    assert values["scorer, share of lists equal to the CPU's"] == 1.0
    rates = [value for what, value in values.items() if what.split()[1] in {"batches", "steps", "candidates"}]
    assert len(rates) == 6
    assert all(isinstance(value, float) and value > 0 for value in rates)
    assert "cpu: embedder, least cosine with the CPU" in capsys.readouterr().out


def test_a_device_that_is_missing_is_skipped_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        open_session(Path("none.onnx"), "tensorrt", threads=1, input_size=1)
    except PreconditionError as error:
        remedy = str(error)
    else:
        pytest.skip("this machine has TensorRT")
    monkeypatch.setattr(gpu_check, "training", lambda *_: ())
    monkeypatch.setattr(gpu_check, "scorer", lambda *_: ())
    status, found = check(tmp_path, "--device", "tensorrt")
    assert status == gpu_check.UNCHECKED
    assert [one["words"] for one in found] == [f"skipped: {remedy}"]
    assert "install the extra `gpu`" in capsys.readouterr().out


def test_a_difference_is_missed_and_what_does_not_fit_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    losses = {"cpu": ([2.0, 1.0], 0.5), "cuda": ([2.01, 1.0], 0.25)}
    monkeypatch.setattr(gpu_check, "losses", losses.__getitem__)
    monkeypatch.setattr(gpu_check, "embedder", lambda *_: ())
    monkeypatch.setattr(gpu_check, "scorer", lambda *_: ())
    status, found = check(tmp_path, "--device", "cuda")
    assert status == gpu_check.MISSED
    assert [one["value"] for one in found] == pytest.approx([0.005, 4.0])
    assert "MISSED cuda: training, difference of the first loss 0.005" in capsys.readouterr().out
    assert check(tmp_path, "--device", "cuda", "--minutes", "-1")[0] == gpu_check.UNCHECKED
