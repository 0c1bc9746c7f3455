"""The review page for several people: the component `review` and the profile `review` of the compose file."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from cryptography.fernet import Fernet
from starlette.testclient import TestClient

from services.common.settings import DEFAULT_PORTS
from services.review.access.guard import UNGUARDED
from services.review.server import application
from services.review.settings import DEFAULT_PORT, ReviewSettings, from_environment
from tests.deploy.rendered import (
    KUBERNETES,
    ROOT,
    SERVICES,
    Object,
    environment,
    kustomized,
    mebibytes,
    named,
    objects,
    of_kind,
    pod_template,
    tool,
)

HOST = "review.example.org"
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
# options that let a request pass without a login, or pass on what it says about itself
OPEN = re.compile(r"SKIP_AUTH_(REGEX|ROUTES|PREFLIGHT)|TRUSTED|SKIP_JWT|HTPASSWD|SSL_\w*INSECURE|SIGNATURE")


def pod(called: str) -> Object:
    """The spec of the pods of a Deployment."""
    spec = pod_template(named(objects("review"), "Deployment", called))["spec"]
    assert isinstance(spec, dict)
    return spec


def container(called: str) -> Object:
    (one,) = pod(called)["containers"]
    assert isinstance(one, dict)
    return one


def proxy_options() -> dict[str, str]:
    return environment(objects("review"), container("spotted-review-proxy"))


def page_settings() -> ReviewSettings:
    return from_environment(environment(objects("review"), container("spotted-review")))


def mounted(called: str, path: Path) -> tuple[Mapping[str, Any], Object]:
    """The mount that holds a file of a Deployment's pods, and its volume."""
    mounts = container(called)["volumeMounts"]
    mount = max((m for m in mounts if path.is_relative_to(m["mountPath"])), key=lambda m: len(m["mountPath"]))
    (volume,) = [each for each in pod(called)["volumes"] if each["name"] == mount["name"]]
    return mount, volume


@lru_cache
def composed(**variables: str) -> Mapping[str, Any]:
    """The page of the compose file as Compose reads it."""
    done = subprocess.run(
        [
            tool("docker-compose"),
            *("-f", ROOT / "deploy" / "compose.yaml", "--profile", "review"),
            *("config", "--format", "json"),
        ],
        check=True,
        capture_output=True,
        env={"PATH": os.environ["PATH"], **variables},
    )
    page: dict[str, Any] = json.loads(done.stdout)["services"]["review"]
    return page


def test_the_settings_of_the_page_are_read_as_they_are_meant() -> None:
    settings = page_settings()
    assert settings.listen == f"0.0.0.0:{DEFAULT_PORT}"
    assert settings.tokens
    assert settings.log == "json"
    assert settings.hosts == (HOST,)
    addresses = (settings.embedder, settings.scorer, settings.sampler)
    for service, address in zip(SERVICES, addresses, strict=True):
        named(objects("review"), "Service", f"spotted-{service}")
        assert address == f"dns:///spotted-{service}:{DEFAULT_PORTS[service]}"


def test_files_of_the_page_come_from_secrets_and_only_the_public_part_of_the_certificate() -> None:
    settings = page_settings()
    assert settings.secret_file is not None
    assert settings.ca is not None
    mount, volume = mounted("spotted-review", settings.secret_file)
    assert mount["readOnly"] is True
    assert (volume["secret"]["secretName"], settings.secret_file.name) == ("spotted-review", "cookies.key")
    _, volume = mounted("spotted-review", settings.ca)
    assert volume["secret"]["secretName"] == "spotted-tls"
    assert volume["secret"]["items"] == [{"key": settings.ca.name, "path": settings.ca.name}]


def test_photographs_are_read_only_and_pictures_stay_below_the_size_of_their_volume() -> None:
    settings = page_settings()
    mount, volume = mounted("spotted-review", Path("/srv/photographs/cam/1.jpg"))
    assert mount["readOnly"] is True
    assert volume["persistentVolumeClaim"] == {"claimName": "spotted-photographs", "readOnly": True}
    mount, volume = mounted("spotted-review", settings.directory / "review" / "pictures")
    assert "readOnly" not in mount
    assert settings.cache_mib < mebibytes(volume["emptyDir"]["sizeLimit"])
    mount, volume = mounted("spotted-review", settings.directory / "imports" / "uid.json")
    assert mount["readOnly"] is True
    assert volume["configMap"] == {"name": "spotted-review-imports", "optional": True}


def test_probes_ask_paths_that_are_answered_without_a_login() -> None:
    for called, path in (("spotted-review", UNGUARDED), ("spotted-review-proxy", "/ping")):
        probed = container(called)
        assert {probed[probe]["httpGet"]["port"] for probe in PROBES} == {"http"}
        assert {probed[probe]["httpGet"]["path"] for probe in PROBES} <= {path, "/ready"}


def test_the_page_is_reached_through_the_proxy_only() -> None:
    found = objects("review")
    (ingress,) = of_kind(found, "Ingress")
    (tls,) = ingress["spec"]["tls"]
    (rule,) = ingress["spec"]["rules"]
    assert tls == {"hosts": [HOST], "secretName": "spotted-review-tls"}
    assert rule["host"] == HOST
    (path,) = rule["http"]["paths"]
    backend = path["backend"]["service"]
    assert backend == {"name": "spotted-review-proxy", "port": {"name": "http"}}
    for called, port in (("spotted-review", DEFAULT_PORT), ("spotted-review-proxy", 4180)):
        service = named(found, "Service", called)["spec"]
        # in the cluster only
        assert service.get("type", "ClusterIP") == "ClusterIP"
        assert [(each["name"], each["port"], each["targetPort"]) for each in service["ports"]] == [
            ("http", port, "http")
        ]
        assert container(called)["ports"] == [{"name": "http", "containerPort": port}]
    options = proxy_options()
    assert options["OAUTH2_PROXY_UPSTREAMS"] == f"http://spotted-review:{DEFAULT_PORT}/"
    assert options["OAUTH2_PROXY_HTTP_ADDRESS"] == "0.0.0.0:4180"


def test_the_proxy_names_the_person_and_believes_no_header_of_others() -> None:
    options = proxy_options()
    assert page_settings().user_header == "x-forwarded-email"
    on = (
        "PASS_USER_HEADERS",
        "SKIP_AUTH_STRIP_HEADERS",
        "PASS_HOST_HEADER",
        "COOKIE_SECURE",
        "COOKIE_HTTPONLY",
    )
    off = ("REVERSE_PROXY", "INSECURE_OIDC_SKIP_NONCE", "INSECURE_OIDC_ALLOW_UNVERIFIED_EMAIL")
    assert {options[f"OAUTH2_PROXY_{option}"] for option in on} == {"true"}
    assert {options[f"OAUTH2_PROXY_{option}"] for option in off} == {"false"}
    assert not [option for option in options if OPEN.search(option)]


def test_calls_of_the_page_are_refused_and_not_redirected_when_the_login_ended() -> None:
    pattern = re.compile(proxy_options()["OAUTH2_PROXY_API_ROUTES"])
    for path in ("/api/login", "/img/survey/photo", "/assets/index.js"):
        assert pattern.search(path), path
    assert not pattern.search("/")


def test_secrets_of_the_proxy_are_in_the_file_of_its_secret() -> None:
    started = container("spotted-review-proxy")
    (argument,) = started["args"]
    file = Path(argument.removeprefix("--config="))
    mount, volume = mounted("spotted-review-proxy", file)
    assert mount["readOnly"] is True
    assert (volume["secret"]["secretName"], file.name) == ("spotted-review-proxy", "oauth2-proxy.cfg")
    assert not [o for o in proxy_options() if not o.startswith("OAUTH2_PROXY_") or "SECRET" in o]


def test_the_page_answers_its_own_host_and_nobody_whom_the_proxy_did_not_name(tmp_path: Path) -> None:
    secret = tmp_path / "cookies.key"
    secret.write_bytes(Fernet.generate_key())
    settings = replace(page_settings(), directory=tmp_path, secret_file=secret, ca=None)
    page = TestClient(application(settings), base_url=f"https://{HOST}")
    assert page.get(UNGUARDED, headers={"host": "10.1.2.3:7104"}).status_code == 200
    assert page.get("/api/login").status_code == 200
    assert page.get("/api/login", headers={"host": f"spotted-review:{DEFAULT_PORT}"}).status_code == 403
    refused = page.post("/api/login", json={"token": "", "annotator": "anna"})
    assert (refused.status_code, "through the proxy" in refused.text) == (401, True)
    # past the proxy, the missing token is what is refused
    named_person = {settings.user_header: "anna@example.org"}
    refused = page.post("/api/login", json={"token": ""}, headers=named_person)
    assert (refused.status_code, refused.json()["error"].get("field")) == (400, "token")


def test_compose_gives_the_page_the_settings_that_it_reads() -> None:
    variables = composed(REVIEW_HOST=HOST, REVIEW_USER_HEADER="X-Forwarded-Email")["environment"]
    settings = from_environment(variables)
    assert (settings.listen, settings.hosts) == (f"0.0.0.0:{DEFAULT_PORT}", (HOST,))
    assert settings.tokens
    assert settings.user_header == page_settings().user_header
    addresses = (settings.embedder, settings.scorer, settings.sampler)
    assert addresses == tuple(f"{service}:{DEFAULT_PORTS[service]}" for service in SERVICES)
    read = set(re.findall(r"\bSPOTTED_[A-Z_]+\b", (ROOT / "services/review/settings.py").read_text()))
    assert set(variables) <= read
    assert not from_environment(composed()["environment"]).user_header


def test_the_page_of_compose_has_no_way_to_the_store_and_cannot_write_photographs() -> None:
    page = composed(PHOTOGRAPHS="/mnt/photographs")
    assert [*page["networks"]] == ["front"]
    mounts = {mount["target"]: mount.get("read_only", False) for mount in page["volumes"]}
    assert mounts == {"/etc/spotted": True, "/data": False, "/mnt/photographs": True}
    assert page["depends_on"]["setup"]["condition"] == "service_completed_successfully"
    assert UNGUARDED in page["healthcheck"]["test"][-1]


def test_the_overlay_of_the_guide_sets_the_host_and_the_path_of_the_photographs(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "review.md").read_text()
    (printed,) = re.findall(r"```yaml\n(.*?)```", guide, flags=re.DOTALL)
    at = os.path.relpath(KUBERNETES, tmp_path)
    overlay = yaml.safe_load(printed.replace("../spotted/deploy/kubernetes", at))
    overlay |= {"namespace": "spotted", "resources": [f"{at}/overlays/cpu"]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    found = kustomized(tmp_path)
    page = named(found, "Deployment", "spotted-review")
    (one,) = pod_template(page)["spec"]["containers"]
    (host,) = from_environment(environment(found, one)).hosts
    assert f"https://{host}/oauth2/callback" in guide
    (ingress,) = of_kind(found, "Ingress")
    assert ingress["spec"]["tls"][0]["hosts"] == [host] == [ingress["spec"]["rules"][0]["host"]]
    paths = [mount["mountPath"] for mount in one["volumeMounts"] if mount["name"] == "photographs"]
    assert paths == ["/mnt/photographs-2026"]
    assert one["image"].startswith("registry.example.org/spotted/review:")
