from __future__ import annotations

import json
import shutil
import socket
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path

import onnxruntime
import psutil
import pytest
from click.testing import CliRunner

from services.common.store import keys
from services.common.store.store import Store
from services.embedder.inference.backbones import MANIFEST_FILE
from spotted.cli import machine, main
from spotted.cli.machine import DEVICES
from spotted.client import Spotted
from spotted.local import lock, ports, processes
from spotted.local.platforms import check_platform
from spotted.testing import fake_services
from tests.services.journal_entries import break_entry
from tests.spotted.client.surveys import DETECTIONS, SPEC, serving, survey, vectors


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, list(arguments))
    return done.exit_code, done.stdout, done.stderr


def test_help_teaches_the_steps_and_the_exit_codes() -> None:
    code, out, _ = run("--help")
    assert code == 0
    for step in ("spotted up", "spotted import DIR", "spotted annotate SURVEY", "Exit codes"):
        assert step in out
    for command in ("up", "down", "status", "import", "embed", "match", "annotate", "evaluate", "export"):
        code, out, _ = run(command, "--help")
        assert code == 0
        assert "--data" in out


def test_a_segmenter_reaches_the_embedder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, str]] = []

    def started(directory: Path, *, environment: dict[str, str], **_: object) -> processes.LocalRun:
        given.append(environment)
        return processes.LocalRun(directory, ())

    monkeypatch.setattr(processes, "up", started)
    monkeypatch.setattr(machine, "prepare", lambda *_, **__: None)
    (tmp_path / "sam").mkdir()
    assert run("up", "--data", str(tmp_path / "data"), "--segmenter", str(tmp_path / "sam"))[0] == 0
    assert run("up", "--data", str(tmp_path / "data"))[0] == 0
    assert [one.get("SPOTTED_SEGMENTER") for one in given] == [str(tmp_path / "sam"), None]


def test_a_taken_port_is_reported_before_anything_runs(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind((processes.LOOPBACK, 0))
        holder.listen()
        port = holder.getsockname()[1]
        code, _, err = run("up", "--data", str(tmp_path), "--port", str(port))
    assert code == 6
    assert f"port {port}" in err


def test_missing_models_are_reported_with_the_remedy_before_anything_runs(tmp_path: Path) -> None:
    empty, data = tmp_path / "models", tmp_path / "data"
    wanted = ("--models", str(empty), "--backbone", "miewid-msv3")
    code, _, err = run("up", "--data", str(data), "--port", "0", *wanted)
    assert code == 6
    assert (
        f"backbone 'miewid-msv3' is not in {empty}; export it with `spotted export-backbone miewid-msv3`"
        in err
    )
    assert processes.read(data) is None
    assert not data.exists()


@pytest.mark.processes
def test_a_service_that_does_not_start_leaves_nothing_running(tmp_path: Path, models: Path) -> None:
    broken, data = tmp_path / "models", tmp_path / "data"
    shutil.copytree(models, broken)
    (model,) = broken.rglob("model.onnx")
    model.write_bytes(b"cut off")
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    code, _, err = run("up", "--data", str(data), "--port", "0", "--models", str(broken))
    assert code == 5
    assert "the embedder did not start" in err
    assert "spotted export-backbone" in err
    after = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
    assert [child for child in after if child.status() != psutil.STATUS_ZOMBIE] == []
    assert processes.read(data) is None


def test_windows_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "check_platform", lambda: check_platform("win32"))
    code, _, err = run("up", "--data", str(tmp_path / "data"))
    assert code == 6
    assert "wsl --install" in err
    assert not (tmp_path / "data").exists()


def test_a_machine_on_which_nothing_runs_says_so(tmp_path: Path) -> None:
    code, out, err = run("status", "--data", str(tmp_path), "--json")
    assert code == 5
    assert json.loads(out) == {"processes": {}, "surveys": [], "damaged": [], "findings": []}
    assert "spotted up" in err
    assert json.loads(run("down", "--data", str(tmp_path), "--json")[1]) == {"stopped": []}


def test_an_unknown_device_is_refused_before_anything_runs(tmp_path: Path) -> None:
    code, _, err = run("up", "--data", str(tmp_path / "data"), "--device", "quantum")
    assert code == 2
    for device in DEVICES:
        assert device in err
    assert processes.read(tmp_path / "data") is None


def up(directory: Path, models: Path, *options: str) -> tuple[int, str, str]:
    return run("up", "--data", str(directory), "--port", "0", "--models", str(models), *options)


@pytest.mark.slow
def test_the_services_load_the_backbones_named_the_first_as_the_default(tmp_path: Path, models: Path) -> None:
    # the same backbone under another id
    other = tmp_path / "models"
    shutil.copytree(models, other)
    shutil.copytree(other / "efficientnet-lite0", other / "lite-again")
    (manifest,) = (other / "lite-again").rglob(MANIFEST_FILE)
    manifest.write_text(manifest.read_text().replace('"efficientnet-lite0"', '"lite-again"'))
    names = ("lite-again", "efficientnet-lite0")
    try:
        code, out, err = up(tmp_path / "data", other, "--backbone", names[0], "--backbone", names[1])
        assert code == 0, err
        assert "embedder" in out
        with Spotted.local(tmp_path / "data") as spotted:
            loaded = list(spotted.models())
            info = spotted.server_info()
        assert [(model.model_id, model.device) for model in loaded] == [(n, "cpu") for n in sorted(names)]
        assert info.default_model_id == "lite-again"
        ran = processes.read(tmp_path / "data")
        code, out, _ = run("up", "--data", str(tmp_path / "data"), "--port", "7", "--json")
        assert code == 0
        assert "--port 7 has no effect" in json.loads(out)["warnings"][0]
        assert ran == processes.read(tmp_path / "data")
        processes.down(tmp_path / "data")
        assert ports.remembered(tmp_path / "data") == {m.role: m.port for m in ran.members} if ran else False
    finally:
        processes.down(tmp_path / "data")


def test_a_device_that_is_missing_is_named_with_the_log(tmp_path: Path, models: Path) -> None:
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA, so the device is not refused")
    code, _, err = up(tmp_path / "data", models, "--device", "cuda")
    processes.down(tmp_path / "data")
    assert code == 5
    assert "device 'cuda'" in err
    assert "embedder.log" in err


def test_up_says_what_a_store_dropped_when_it_was_started_and_not_again(tmp_path: Path) -> None:
    (tmp_path / "store.log").write_text("Valkey is starting\n!!! Truncating the AOF a.aof at offset 9 !!!\n")
    now = processes.LocalRun(tmp_path, (processes.Member("store", 7100, 1, 1.0),))
    (warning,) = machine._warnings(now, None, None)
    assert "dropped an incomplete write" in warning
    assert "restore a backup" in warning
    assert machine._warnings(now, now, 7100) == []


def test_a_store_that_runs_elsewhere_is_refused_with_the_remedy(tmp_path: Path) -> None:
    elsewhere = replace(lock.Owner.here(), host="tent-2", machine="other", boot="other")
    (tmp_path / lock.OWNER_FILE).write_text(json.dumps(asdict(elsewhere)))
    code, _, err = run("up", "--data", str(tmp_path), "--port", "0")
    assert code == 6
    assert "tent-2" in err
    assert "--take-over" in err
    code, _, err = run("down", "--data", str(tmp_path))
    assert code == 6
    assert "stop it there" in err


def test_damaged_surveys_and_sessions_are_shown_with_their_remedies(
    tmp_path: Path, store: Store, survey_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(store) as spotted:
        for name in (survey_id, f"{survey_id}-b"):
            made = spotted.create_survey(survey(name))
            made.add_detections(DETECTIONS, vectors(), SPEC)
            made.create_session("main")
    break_entry(store, keys.survey_journal(survey_id), 1, "a bit is flipped")
    break_entry(store, keys.session_journal(f"{survey_id}-b", "main"), 0, "it is removed")
    with serving(store) as spotted:
        monkeypatch.setattr(machine, "connect_here", lambda _: nullcontext(spotted))
        sound, damaged = machine._surveys(tmp_path, with_sessions=False)
        with_sessions = machine._surveys(tmp_path, with_sessions=True)[1]
    assert f"{survey_id}-b" in [each["survey_id"] for each in sound]
    assert survey_id not in [each["survey_id"] for each in sound]
    (shown,) = [each for each in damaged if survey_id in each]
    assert shown.startswith(f"survey {survey_id!r} is damaged at event 2 ")
    assert "spotted restore --over-damaged" in shown
    (other,) = [each for each in with_sessions if f"{survey_id}-b" in each]
    assert other.startswith("session 'main' of survey")


def test_the_next_step_after_up_is_what_the_surveys_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fake_services() as spotted:
        monkeypatch.setattr(machine, "connect_here", lambda _: nullcontext(spotted))
        assert machine._following(tmp_path).startswith("spotted import DIR")
        made = spotted.create_survey(survey("kruger"))
        assert machine._following(tmp_path) == "spotted embed kruger"
        made.add_detections(DETECTIONS, vectors(), SPEC)
        assert machine._following(tmp_path) == "spotted review kruger"
        spotted.create_survey(survey("pilot"))
        assert machine._following(tmp_path) == "spotted review SURVEY   (SURVEY: kruger, pilot)"


def test_a_machine_without_the_page_says_how_to_install_it() -> None:
    warning = machine.without_page(["starlette", "uvicorn"])
    assert "starlette, uvicorn" in warning
    assert "spotted[review]" in warning
