"""The rules and the dashboard, checked by promtool and against the metrics that there are."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

# registers every metric
from services.common.telemetry import metrics
from tests.waiting import PATIENCE_S
from tools import promtool

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
RECORDING, ALERTS = (MONITORING / f"{kind}.rules.yaml" for kind in ("recording", "alerts"))
RUNBOOK = ROOT / "docs" / "observability.md"
# what Prometheus itself and the client library's process collector add
THEIRS = {"up", "process_resident_memory_bytes", "process_cpu_seconds_total"}
NAME = re.compile(r"\b(?:[a-z_]+:)?(?:spotted|process)_?[a-z0-9_]*(?::[a-z0-9_]+)*\b|\bup\b")


def rules(path: Path) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = yaml.safe_load(path.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((MONITORING / "dashboard.json").read_text())
    return read


def shown() -> Iterator[str]:
    """Every expression of the dashboard."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]


def known() -> set[str]:
    """Every name that a rule or a panel may use."""
    names = set(THEIRS)
    for metric in REGISTRY.collect():
        if metric.name.startswith("spotted"):
            endings = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",), "info": ("_info",)}
            names |= {metric.name + ending for ending in endings.get(metric.type, ("",))}
    return names | {rule["record"] for rule in rules(RECORDING)}


@pytest.fixture(scope="module")
def check() -> str:
    found = promtool.find()
    if found is None:
        pytest.skip("no promtool on the path; `python -m tools.promtool` fetches it, or install Prometheus")
    return found


def run(command: str, *arguments: str) -> str:
    done = subprocess.run(
        [command, *arguments], capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_promtool_accepts_the_rules_and_their_unit_tests_pass(check: str) -> None:
    run(check, "check", "rules", "--lint=all", "--lint-fatal", str(RECORDING), str(ALERTS))
    assert "SUCCESS" in run(check, "test", "rules", str(MONITORING / "rules.test.yaml"))


def test_promtool_accepts_every_expression_of_the_dashboard(check: str, tmp_path: Path) -> None:
    wrapped = [{"record": f"panel:{n}", "expr": expression} for n, expression in enumerate(shown())]
    assert len(wrapped) > 20
    path = tmp_path / "panels.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": wrapped}]}))
    run(check, "check", "rules", str(path))


@pytest.mark.parametrize(
    "expression", [rule["expr"] for path in (RECORDING, ALERTS) for rule in rules(path)] + list(shown())
)
def test_every_metric_that_is_asked_for_exists(expression: str) -> None:
    # what stands in quotes is no name
    asked = set(NAME.findall(re.sub(r'"[^"]*"', "", expression)))
    assert asked
    assert asked <= known()


def test_every_label_that_rules_and_panels_distinguish_exists() -> None:
    theirs = {"le", "job", "instance"}
    for expression in [r["expr"] for path in (RECORDING, ALERTS) for r in rules(path)] + list(shown()):
        for grouped in re.findall(r"by \(([^)]*)\)", expression):
            assert set(grouped.split(", ")) <= metrics.LABELS | theirs
        for matched in re.findall(r"(\w+)(?:=~|!=|!~|=)\"", expression):
            assert matched in metrics.LABELS | theirs


@pytest.mark.parametrize("rule", rules(ALERTS), ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_and_where_the_remedy_stands(rule: dict[str, Any]) -> None:
    annotations = rule["annotations"]
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert annotations["summary"]
    assert annotations["description"].endswith(".")
    page, _, anchor = annotations["runbook_url"].partition("#")
    assert ROOT / page == RUNBOOK
    headings = {line.lstrip("# ").lower() for line in RUNBOOK.read_text().splitlines() if line[:1] == "#"}
    assert anchor == rule["alert"].lower()
    assert anchor in headings


def test_every_alert_is_tried_firing_and_not_firing() -> None:
    fires: dict[str, set[bool]] = {rule["alert"]: set() for rule in rules(ALERTS)}
    for case in yaml.safe_load((MONITORING / "rules.test.yaml").read_text())["tests"]:
        for tried in case.get("alert_rule_test", ()):
            fires[tried["alertname"]].add(bool(tried["exp_alerts"]))
    assert fires == {alert: {True, False} for alert in fires}


def test_panels_of_the_dashboard_are_distinguished_and_do_not_overlap() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + i, place["y"] + j) for i in range(place["w"]) for j in range(place["h"])}
        assert not taken & cells
        assert place["x"] + place["w"] <= 24
        taken |= cells
        assert panel["type"] == "row" or (panel["description"] and panel["targets"])
