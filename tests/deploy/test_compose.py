from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.common.access.tls import check_exposure
from services.common.settings import DEFAULT_PORTS, Settings, from_environment
from services.common.store import address
from services.review.settings import DEFAULT_PORT
from spotted import __version__
from tests.deploy.rendered import (
    KUBERNETES,
    ROOT,
    SECRET,
    SERVICES,
    configuration,
    secret_arguments,
    tool,
)

PASSWORD_FILE = "/run/secrets/store-password"  # noqa: S105 - a path
COMPOSE = ROOT / "deploy" / "compose.yaml"
every_service = pytest.mark.parametrize("service", SERVICES)


def config(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The file as Compose itself reads it."""
    return subprocess.run(
        [tool("docker-compose"), "-f", str(COMPOSE), *arguments],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], **environment},
    )


def settings_of(composed: dict[str, Any], service: str) -> Settings:
    """A service's settings; the file of the store's password is only in the container."""
    environment = composed["services"][service]["environment"]
    return from_environment(service, {**environment, "SPOTTED_STORE_PASSWORD_FILE": ""})


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    profiles = ("--profile", "upkeep", "--profile", "review")
    done = config(*profiles, "config", "--format", "json", STORE_PASSWORD=SECRET)
    assert done.returncode == 0, done.stderr
    parsed: dict[str, Any] = json.loads(done.stdout)
    return parsed


def test_the_password_of_the_store_is_in_a_file_and_in_no_argument_or_variable(
    composed: dict[str, Any],
) -> None:
    (secret,) = composed["secrets"].values()
    assert secret["file"] == str(ROOT / "deploy" / "secrets" / "store-password")
    assert SECRET not in json.dumps(composed)
    for called, service in composed["services"].items():
        # the page has nothing to do with the store
        wanted = [] if called == "review" else [PASSWORD_FILE]
        assert [each["target"] for each in service.get("secrets", ())] == wanted, called
        started = [*(service.get("entrypoint") or ()), *(service.get("command") or ())]
        assert not secret_arguments([*started, *service.get("healthcheck", {}).get("test", ())], set()), (
            called
        )
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert "/deploy/secrets/" in ignored


def test_a_docker_engine_here_reads_the_file_as_well() -> None:
    if shutil.which("docker") is None:
        pytest.skip("no docker command here")
    if subprocess.run(["docker", "compose", "version"], check=False, capture_output=True).returncode:
        pytest.skip("the docker command here has no compose")
    done = subprocess.run(
        ["docker", "compose", "-f", str(COMPOSE), "config", "--quiet"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "STORE_PASSWORD": SECRET},
    )
    assert done.returncode == 0, done.stderr


@every_service
def test_settings_are_read_as_they_are_meant(composed: dict[str, Any], service: str) -> None:
    environment = composed["services"][service]["environment"]
    assert environment["SPOTTED_STORE_PASSWORD_FILE"] == PASSWORD_FILE
    settings = settings_of(composed, service)
    check_exposure(settings)
    assert settings.listen == f"0.0.0.0:{DEFAULT_PORTS[service]}"
    assert settings.security.tokens
    assert address.parse(settings.store_url).url.startswith("redis://store:6379/0")
    read = set(re.findall(r"\bSPOTTED_[A-Z_]+\b", (ROOT / "services/common/settings.py").read_text()))
    assert set(environment) <= read


def test_the_sampler_calls_the_scorer_by_a_name_of_the_certificate(composed: dict[str, Any]) -> None:
    settings = settings_of(composed, "sampler")
    (script,) = composed["services"]["setup"]["command"]
    hosts = re.findall(r"--host (\S+)", script)
    assert settings.scorer_address == "scorer:7102"
    assert {*SERVICES, "localhost", "127.0.0.1"} <= set(hosts)


@every_service
def test_services_wait_for_certificates_and_the_store(composed: dict[str, Any], service: str) -> None:
    wanted = composed["services"][service]["depends_on"]
    assert wanted["setup"]["condition"] == "service_completed_successfully"
    assert composed["services"]["setup"]["depends_on"]["store"]["condition"] == "service_healthy"


@every_service
def test_files_of_the_settings_are_what_setup_wrote(composed: dict[str, Any], service: str) -> None:
    (mount,) = composed["services"][service]["volumes"]
    assert (mount["source"], mount["target"], mount["read_only"]) == ("certificates", "/etc/spotted", True)
    (script,) = composed["services"]["setup"]["command"]
    security = settings_of(composed, service).security
    for path in (security.certificate, security.key, security.ca, security.token_file):
        if path is not None:
            assert str(path.parent) == mount["target"]
            assert path.name in script


def test_the_key_of_the_authority_reaches_no_service(composed: dict[str, Any]) -> None:
    holders = {
        called
        for called, service in composed["services"].items()
        for mount in service.get("volumes", ())
        if mount["source"] == "authority"
    }
    assert holders == {"setup"}
    (script,) = composed["services"]["setup"]["command"]
    assert "ca.key" not in script


def test_ports_are_published_on_loopback_unless_it_is_asked_for(composed: dict[str, Any]) -> None:
    published = {
        called: [(port["host_ip"], int(port["published"])) for port in service.get("ports", ())]
        for called, service in composed["services"].items()
    }
    ports = {**DEFAULT_PORTS, "review": DEFAULT_PORT}
    assert published == {
        called: [("127.0.0.1", ports[called])] if called in (*SERVICES, "review") else []
        for called in published
    }


def test_the_store_is_on_a_network_without_a_way_out(composed: dict[str, Any]) -> None:
    assert [*composed["services"]["store"]["networks"]] == ["store"]
    assert composed["networks"]["store"]["internal"] is True


def test_the_store_keeps_every_write(composed: dict[str, Any]) -> None:
    disk, *mounted = composed["services"]["store"]["volumes"]
    files = {Path(each["target"]).name: Path(each["source"]).read_text() for each in mounted}
    assert composed["services"]["store"]["command"][-1].endswith("valkey-server /etc/store/store.conf")
    options = configuration(files, "store.conf")
    assert (options["appendonly"], options["appendfsync"]) == ("yes", "always")
    assert (options["maxmemory"], options["maxmemory-policy"]) == ("2gb", "noeviction")
    assert disk["target"] == options["dir"]


def test_every_container_is_without_privilege_and_writes_only_to_volumes(composed: dict[str, Any]) -> None:
    for called, service in composed["services"].items():
        assert service["read_only"] is True, called
        assert service["cap_drop"] == ["ALL"], called
        assert service["security_opt"] == ["no-new-privileges:true"], called
        assert service["deploy"]["resources"]["limits"]["memory"], called
        assert "privileged" not in service, called


def test_images_are_pinned_to_this_release(composed: dict[str, Any]) -> None:
    for called, service in composed["services"].items():
        image, _, tag = service["image"].rpartition(":")
        assert re.fullmatch(r"\d+\.\d+\.\d+", tag), called
        if image.startswith("spotted/"):
            assert tag == __version__
            assert (ROOT / service["build"]["dockerfile"]).is_file()


@every_service
def test_a_container_is_not_killed_before_it_has_drained(composed: dict[str, Any], service: str) -> None:
    grace = composed["services"][service]["stop_grace_period"]
    settings = settings_of(composed, service)
    assert grace == "45s"
    assert settings.propagation_s + settings.drain_s + 10 <= 45


def test_compose_and_kubernetes_run_the_same_images() -> None:
    composed = {s["image"] for s in yaml.safe_load(COMPOSE.read_text())["services"].values()}
    deployed = {
        f"{image['name']}:{image['newTag']}"
        for directory in ("base", "components/review")
        for image in yaml.safe_load((KUBERNETES / directory / "kustomization.yaml").read_text())["images"]
    }
    assert deployed == {image for image in composed if image.startswith("spotted/")}
