"""Limits of every pod: no root, no privilege, no files of its own, no more than its limit."""

from __future__ import annotations

import re

import pytest

from spotted import __version__
from tests.deploy.rendered import OVERLAYS, ROOT, containers, name, objects, pods

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


@every_overlay
def test_every_pod_is_restricted(overlay: str) -> None:
    for workload, pod in pods(objects(overlay)):
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True, name(workload)
        assert context["runAsUser"] > 0, name(workload)
        assert context["runAsGroup"] > 0, name(workload)
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name(workload)
        assert pod["automountServiceAccountToken"] is False, name(workload)
        assert pod["enableServiceLinks"] is False, name(workload)
        assert not {"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"} & set(pod), name(workload)
        assert not [volume for volume in pod["volumes"] if "hostPath" in volume], name(workload)


@every_overlay
def test_every_container_is_without_privilege_and_writes_only_to_volumes(overlay: str) -> None:
    for workload, container in containers(objects(overlay)):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        }, name(workload)
        assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}, name(workload)  # noqa: S108 - in a container


@every_overlay
def test_every_container_asks_for_what_it_needs_and_has_a_limit(overlay: str) -> None:
    for workload, container in containers(objects(overlay)):
        for bound in ("requests", "limits"):
            assert {"cpu", "memory"} <= set(container["resources"][bound]), name(workload)


@every_overlay
def test_images_are_pinned_to_this_release(overlay: str) -> None:
    for workload, container in containers(objects(overlay)):
        image, _, tag = container["image"].rpartition(":")
        assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag), name(workload)
        if image.startswith("spotted/"):
            assert tag == __version__, name(workload)
            dockerfile = ROOT / "deploy" / "docker" / f"{image.removeprefix('spotted/')}.Dockerfile"
            assert dockerfile.is_file(), name(workload)
