from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from services.common.access.tls import check_exposure
from services.common.settings import DEFAULT_PORTS, Settings, from_environment
from services.common.store import address as store_address
from spotted import __version__
from spotted.object_stores import is_url
from tests.deploy.rendered import (
    KUBERNETES,
    OVERLAYS,
    ROOT,
    SERVICES,
    Object,
    configuration,
    containers,
    environment,
    kustomized,
    mebibytes,
    name,
    named,
    objects,
    of_kind,
    pod_template,
    pods,
    schema_fault,
    selects,
    start_file,
)

# the oldest release that docs/operating.md names, and a late one
VERSIONS = ("1.27", "1.37")
SECRET_TEXT = re.compile(r"bearer|PRIVATE KEY|spotted_[0-9a-f]{16}_|(pass|auth)\s+[\"']?\w", re.IGNORECASE)
# Secrets that the operator or cert-manager makes
SECRETS = {
    "spotted-tls": {"tls.crt", "tls.key", "ca.crt"},
    "spotted-store": {"password"},
    "spotted-service-token": {"token"},
    "spotted-object-store": set(),
    "spotted-review": {"cookies.key"},
    "spotted-review-proxy": {"oauth2-proxy.cfg"},
}
# claims that the operator makes
CLAIMS = {"spotted-photographs"}
PASSWORD_FILE = "/etc/spotted/store/password"  # noqa: S105 - a path
VARIABLE = re.compile(r"\bSPOTTED_[A-Z_]+\b")

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)
every_service = pytest.mark.parametrize("service", SERVICES)


def deployment(overlay: str, service: str) -> Object:
    return named(objects(overlay), "Deployment", f"spotted-{service}")


def container_of(overlay: str, service: str) -> Object:
    (container,) = pod_template(deployment(overlay, service))["spec"]["containers"]
    assert isinstance(container, dict)
    return container


def settings_of(overlay: str, service: str) -> Settings:
    """A service's settings; the file of the store's password is only in the pod."""
    variables = environment(objects(overlay), container_of(overlay, service))
    return from_environment(service, {**variables, "SPOTTED_STORE_PASSWORD_FILE": ""})


def config_of(workload: Object) -> str:
    """The name of the ConfigMap that a workload mounts."""
    volumes = pod_template(workload)["spec"]["volumes"]
    (called,) = [volume["configMap"]["name"] for volume in volumes if "configMap" in volume]
    assert isinstance(called, str)
    return called


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_has_the_fields_of_its_schema_and_no_others(version: str) -> None:
    distinct = {json.dumps(each, sort_keys=True): each for overlay in OVERLAYS for each in objects(overlay)}
    for each in distinct.values():
        assert schema_fault(each, version) == ""


def test_the_schema_check_sees_an_unknown_field() -> None:
    wrong = {**deployment("cpu", "scorer"), "sepc": {}}
    assert "sepc" in schema_fault(wrong, VERSIONS[-1])


@every_overlay
def test_every_object_is_in_the_namespace_of_its_overlay(overlay: str) -> None:
    found = objects(overlay)
    (namespace,) = of_kind(found, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {each["metadata"].get("namespace") for each in found if each["kind"] != "Namespace"} == {"spotted"}


def test_the_base_names_no_namespace() -> None:
    assert not [name(each) for each in kustomized(KUBERNETES / "base") if "namespace" in each["metadata"]]


@every_service
@every_overlay
def test_services_are_probed_over_grpc_on_their_health_port(overlay: str, service: str) -> None:
    container = container_of(overlay, service)
    health = environment(objects(overlay), container)["SPOTTED_HEALTH_LISTEN"]
    # a gRPC probe speaks neither TLS nor tokens, and takes no name of a port
    port = int(health.rsplit(":", 1)[1])
    assert {"name": "health", "containerPort": port} in container["ports"]
    for probe, asked in (
        ("startupProbe", "liveness"),
        ("livenessProbe", "liveness"),
        ("readinessProbe", "readiness"),
    ):
        assert container[probe]["grpc"] == {"port": port, "service": asked}


@every_service
@every_overlay
def test_settings_are_read_as_they_are_meant(overlay: str, service: str) -> None:
    variables = environment(objects(overlay), container_of(overlay, service))
    settings = settings_of(overlay, service)
    check_exposure(settings)
    assert settings.listen == f"0.0.0.0:{DEFAULT_PORTS[service]}"
    assert settings.security.tokens
    assert settings.log == "json"
    address = store_address.parse(settings.store_url)
    if overlay == "sentinel":
        pods = {f"spotted-sentinel-{n}.spotted-sentinel" for n in range(3)}
        assert {host for host, _ in address.sentinels} == pods
        assert (address.replicas, address.service) == (1, "spotted")
    elif overlay == "cluster":
        store = named(objects(overlay), "StatefulSet", "spotted-store")
        pods = {f"spotted-store-{n}.spotted-store" for n in range(store["spec"]["replicas"])}
        assert {host for host, _ in address.cluster} == pods
        assert address.replicas == 1
    else:
        assert address.url.startswith("rediss://spotted-store:6379/0")
    assert variables["SPOTTED_STORE_PASSWORD_FILE"] == PASSWORD_FILE
    if service == "sampler":
        assert settings.scorer_address == f"dns:///spotted-scorer:{DEFAULT_PORTS['scorer']}"
        assert settings.security.ca is not None
        assert settings.security.token_file is not None


@every_overlay
def test_every_variable_is_one_that_the_settings_read(overlay: str) -> None:
    sources = ("common/settings.py", "review/settings.py", "upkeep/commands/store_option.py")
    texts = [(ROOT / "services" / source).read_text() for source in sources]
    read = {variable for text in texts for variable in VARIABLE.findall(text)}
    for workload, container in containers(objects(overlay)):
        if not container["image"].startswith("spotted/"):
            continue
        passed = set(environment(objects(overlay), container))
        for variable in passed - read:
            used = f"$({variable})"
            texts = [v.get("value", "") for v in container["env"]] + container.get("args", [])
            assert any(used in text for text in texts), f"{variable} of {name(workload)} is read by nobody"


@every_service
@every_overlay
def test_files_of_the_settings_are_mounted(overlay: str, service: str) -> None:
    found, container = objects(overlay), container_of(overlay, service)
    pod = pod_template(deployment(overlay, service))["spec"]
    secret_of = {volume["name"]: volume.get("secret", {}).get("secretName") for volume in pod["volumes"]}
    mounted = {mount["mountPath"]: secret_of[mount["name"]] for mount in container["volumeMounts"]}
    security = settings_of(overlay, service).security
    password = Path(environment(found, container)["SPOTTED_STORE_PASSWORD_FILE"])
    paths = (security.certificate, security.key, security.ca, security.token_file, password)
    for path in [each for each in paths if each is not None]:
        secret = mounted[str(path.parent)]
        assert secret in SECRETS
        assert path.name in SECRETS[secret]


@every_service
@every_overlay
def test_a_pod_is_not_killed_before_it_has_drained(overlay: str, service: str) -> None:
    settings = settings_of(overlay, service)
    grace_s = pod_template(deployment(overlay, service))["spec"]["terminationGracePeriodSeconds"]
    # sockets, journals and planners close after the last call
    assert grace_s >= settings.propagation_s + settings.drain_s + 10


@every_overlay
def test_the_store_keeps_every_write_and_refuses_when_full(overlay: str) -> None:
    store = named(objects(overlay), "StatefulSet", "spotted-store")
    (container,) = pod_template(store)["spec"]["containers"]
    files = named(objects(overlay), "ConfigMap", config_of(store))["data"]
    options = configuration(files, start_file(container))
    assert (options["appendonly"], options["appendfsync"]) == ("yes", "always")
    assert options["maxmemory-policy"] == "noeviction"
    # no port without TLS
    assert (options["port"], options["tls-port"]) == ("0", "6379")
    gigabytes = int(options["maxmemory"].removesuffix("gb"))
    assert 2 * gigabytes * 1024 <= mebibytes(container["resources"]["limits"]["memory"])
    (claim,) = store["spec"]["volumeClaimTemplates"]
    assert {"name": claim["metadata"]["name"], "mountPath": options["dir"]} in container["volumeMounts"]
    assert store["spec"]["persistentVolumeClaimRetentionPolicy"] == {
        "whenDeleted": "Retain",
        "whenScaled": "Retain",
    }


@every_overlay
def test_services_and_budgets_select_the_pods_of_one_workload(overlay: str) -> None:
    found = objects(overlay)
    labels = {
        name(w): pod_template(w)["metadata"]["labels"] for w in of_kind(found, "Deployment", "StatefulSet")
    }
    for each in of_kind(found, "Service", "PodDisruptionBudget"):
        selector = each["spec"]["selector"]
        wanted = selector if each["kind"] == "PodDisruptionBudget" else {"matchLabels": selector}
        chosen = [workload for workload, have in labels.items() if selects(wanted, have)]
        assert len(chosen) == 1, name(each)
        assert chosen[0].rpartition("/")[2] == each["metadata"]["name"]


@every_overlay
def test_workloads_select_their_own_pods(overlay: str) -> None:
    for workload in of_kind(objects(overlay), "Deployment", "StatefulSet"):
        assert selects(workload["spec"]["selector"], pod_template(workload)["metadata"]["labels"])


@every_service
@every_overlay
def test_services_are_headless_and_name_ports_that_are_there(overlay: str, service: str) -> None:
    spec = named(objects(overlay), "Service", f"spotted-{service}")["spec"]
    # a client sees every replica and shares its calls out itself
    assert spec["clusterIP"] == "None"
    there = {port["name"]: port["containerPort"] for port in container_of(overlay, service)["ports"]}
    for port in spec["ports"]:
        assert there[port["targetPort"]] == port["port"]
    assert there["grpc"] == DEFAULT_PORTS[service]


@every_service
@every_overlay
def test_one_pod_of_a_service_at_a_time_may_be_evicted(overlay: str, service: str) -> None:
    budget = named(objects(overlay), "PodDisruptionBudget", f"spotted-{service}")
    assert budget["spec"]["maxUnavailable"] == 1


@every_overlay
def test_autoscalers_scale_deployments_that_set_no_number_themselves(overlay: str) -> None:
    found = objects(overlay)
    scalers = of_kind(found, "HorizontalPodAutoscaler")
    assert len(scalers) == (0 if overlay == "dev" else 2)
    for scaler in scalers:
        target = named(
            found, scaler["spec"]["scaleTargetRef"]["kind"], scaler["spec"]["scaleTargetRef"]["name"]
        )
        assert "replicas" not in target["spec"], "the next apply would undo what the autoscaler did"


def test_embedders_scale_with_their_queue() -> None:
    scaler = named(objects("gpu"), "HorizontalPodAutoscaler", "spotted-embedder")
    (metric,) = scaler["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] == "spotted_embed_queue_depth"


def test_a_gpu_is_given_up_before_the_next_pod_takes_it() -> None:
    spec = deployment("gpu", "embedder")["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    container = container_of("gpu", "embedder")
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert environment(objects("gpu"), container)["SPOTTED_DEVICE"] == "cuda"
    assert container["image"] == f"spotted/embedder-gpu:{__version__}"


@every_overlay
def test_secrets_are_in_secrets_only(overlay: str) -> None:
    found = objects(overlay)
    assert not of_kind(found, "Secret"), "a Secret in the repository is not secret"
    for settings in of_kind(found, "ConfigMap"):
        for key, value in settings["data"].items():
            assert not SECRET_TEXT.search(value), key
            assert "STORE_URL" not in key
    for workload, container in containers(found):
        for variable in container.get("env", ()):
            # the kubelet puts $(NAME) into arguments and other variables
            assert "valueFrom" not in variable, name(workload)


@every_overlay
def test_what_pods_refer_to_is_there(overlay: str) -> None:
    found = objects(overlay)
    accounts = {each["metadata"]["name"] for each in of_kind(found, "ServiceAccount")}
    configs = {each["metadata"]["name"] for each in of_kind(found, "ConfigMap")}
    claims = {each["metadata"]["name"] for each in of_kind(found, "PersistentVolumeClaim")}
    for workload, pod in pods(found):
        assert pod["serviceAccountName"] in accounts, name(workload)
        for volume in pod["volumes"]:
            assert volume.get("secret", {"secretName": "spotted-tls"})["secretName"] in SECRETS, name(
                workload
            )
            if "configMap" in volume and not volume["configMap"].get("optional"):
                assert volume["configMap"]["name"] in configs
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in claims | CLAIMS
    assert all(each["automountServiceAccountToken"] is False for each in of_kind(found, "ServiceAccount"))


@every_overlay
def test_backups_never_overlap_leave_the_cluster_and_wait_for_no_claim(overlay: str) -> None:
    found = objects(overlay)
    job = named(found, "CronJob", "spotted-backup")
    assert job["spec"]["concurrencyPolicy"] == "Forbid"
    assert job["spec"].get("suspend", False) == (overlay == "dev")
    (container,) = pod_template(job)["spec"]["containers"]
    output = container["args"][container["args"].index("--output") + 1]
    assert is_url(environment(found, container)[output.strip("$()")])
    # a ReadWriteOnce claim that a pod of another node holds would keep this one waiting for ever
    for workload in (job, named(found, "Deployment", "spotted-upkeep")):
        assert not [v for v in pod_template(workload)["spec"]["volumes"] if "persistentVolumeClaim" in v]
    assert not of_kind(found, "PersistentVolumeClaim")
