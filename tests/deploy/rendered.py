"""The overlays as `kubectl kustomize` renders them, as plain objects."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("cpu", "gpu", "dev", "sentinel", "cluster", "review")
WORKLOADS = {"Deployment", "StatefulSet", "CronJob"}
SERVICES = ("embedder", "scorer", "sampler")
# stands for what a Secret holds
SECRET = "s3cret"  # noqa: S105 - no secret

Object = Mapping[str, Any]


def tool(command: str) -> str:
    """A command line tool of the development requirements, beside this Python."""
    return str(Path(sys.executable).parent / command)


@lru_cache
def kustomized(directory: Path) -> tuple[Object, ...]:
    """The objects of a kustomization."""
    rendered = subprocess.run(
        [tool("kubectl"), "kustomize", str(directory)],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    return tuple(yaml.load_all(rendered.stdout, Loader=yaml.CSafeLoader))


def with_components(directory: Path, overlay: str, *components: str) -> tuple[Object, ...]:
    """The objects of an overlay with components. directory: empty, takes the kustomization."""
    at = os.path.relpath(KUBERNETES, directory)
    kustomization = {
        "namespace": "spotted",
        "resources": [f"{at}/overlays/{overlay}"],
        "components": [f"{at}/components/{component}" for component in components],
    }
    (directory / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return kustomized(directory)


def schema_fault(each: Object, version: str) -> str:
    """What is wrong with an object by its schema in a version of Kubernetes, "" if nothing is."""
    # two seconds of processor time to import, which reading the tests would take in every worker
    import kubernetes_validate  # noqa: PLC0415

    try:
        kubernetes_validate.validate(dict(each), version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return str(error)
    return ""


def objects(overlay: str) -> tuple[Object, ...]:
    """The objects of an overlay."""
    return kustomized(KUBERNETES / "overlays" / overlay)


def of_kind(found: tuple[Object, ...], *kinds: str) -> list[Object]:
    """Those of some kinds."""
    return [each for each in found if each["kind"] in kinds]


def name(each: Object) -> str:
    """Kind and name, for test ids and messages."""
    return f"{each['kind']}/{each['metadata']['name']}"


def named(found: tuple[Object, ...], kind: str, called: str) -> Object:
    """The one object of a kind and name."""
    (one,) = [each for each in of_kind(found, kind) if each["metadata"]["name"] == called]
    return one


def pod_template(workload: Object) -> Object:
    """The pod template of a workload."""
    spec = workload["spec"]
    template: Object = (spec["jobTemplate"]["spec"] if workload["kind"] == "CronJob" else spec)["template"]
    return template


def pods(found: tuple[Object, ...]) -> Iterator[tuple[Object, Object]]:
    """Each workload with the spec of its pods."""
    for workload in of_kind(found, *WORKLOADS):
        yield workload, pod_template(workload)["spec"]


def containers(found: tuple[Object, ...]) -> Iterator[tuple[Object, Object]]:
    """Each workload with each container of its pods."""
    for workload, pod in pods(found):
        for container in (*pod["containers"], *pod.get("initContainers", ())):
            yield workload, container


def environment(found: tuple[Object, ...], container: Object) -> dict[str, str]:
    """The variables of a container as its process sees them, SECRET for what Secrets hold."""
    variables: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        variables |= named(found, "ConfigMap", source["configMapRef"]["name"])["data"]
    for variable in container.get("env", ()):
        if "valueFrom" in variable:
            assert set(variable["valueFrom"]) == {"secretKeyRef"}
            variables[variable["name"]] = SECRET
        else:
            value: str = variable["value"]
            for known, text in variables.items():
                value = value.replace(f"$({known})", text)
            variables[variable["name"]] = value
    return variables


def start_file(container: Object) -> str:
    """The configuration file of the ConfigMap that a store starts with, whatever a script made of it."""
    start = Path(container["args"][0]).name
    return {"role.conf": "store-replicated.conf", "node.conf": "store-cluster.conf"}.get(start, start)


def mebibytes(quantity: str) -> int:
    """A quantity of memory, such as 3Gi."""
    return int(quantity[:-2]) * {"Mi": 1, "Gi": 1024}[quantity[-2:]]


def configuration(files: Mapping[str, str], start: str) -> dict[str, str]:
    """The options of a store's configuration file and of those that it includes."""
    options: dict[str, str] = {}
    for line in files[start].splitlines():
        option, _, value = line.partition(" ")
        if option == "include":
            included = Path(value).name
            # the password is not in the repository
            options |= configuration(files, included) if included in files else {}
        elif option and option != "#":
            options[option] = value
    return options


def secret_arguments(command: list[str], secret_names: set[str]) -> list[str]:
    """The arguments that hold a secret: a variable of one, or an option that is followed by one."""
    refers = re.compile(
        "|".join([r"(^|\s)--?(requirepass|primaryauth|masterauth|pass|password)\b", *secret_names])
    )
    return [argument for argument in command if refers.search(argument)]


def selects(selector: Object, labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects these labels."""
    unknown = set(selector) - {"matchLabels", "matchExpressions"}
    assert not unknown, f"{unknown} in a selector"
    for expression in selector.get("matchExpressions", ()):
        assert expression["operator"] == "In"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
