"""The policies as a cluster reads them: a connection passes only if both ends allow it."""

from __future__ import annotations

import ipaddress
import itertools
from dataclasses import dataclass, field

import pytest

from tests.deploy.rendered import (
    OVERLAYS,
    SERVICES,
    Object,
    containers,
    named,
    objects,
    of_kind,
    pod_template,
    selects,
)

PORTS = {"embedder": 7101, "scorer": 7102, "sampler": 7103}
HEALTH, METRICS, STORE, SENTINEL, DNS, HTTPS = 7120, 7130, 6379, 26379, 53, 443
REVIEW, PROXY, BUS = 7104, 4180, 16379
EVERY_PORT = (*PORTS.values(), METRICS, STORE, SENTINEL, REVIEW, PROXY)
every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


@dataclass(frozen=True)
class Pod:
    """A pod: its labels, those of its namespace, and its ports by name."""

    labels: dict[str, str]
    namespace: dict[str, str] = field(default_factory=lambda: {"kubernetes.io/metadata.name": "spotted"})
    ports: dict[str, int] = field(default_factory=dict)


def pod(overlay: str, kind: str, called: str) -> Pod:
    """A pod of one of our workloads."""
    found = objects(overlay)
    workload = named(found, kind, called)
    (container,) = pod_template(workload)["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container.get("ports", ())}
    return Pod(dict(pod_template(workload)["metadata"]["labels"]), ports=ports)


def allowed(policies: list[Object], source: Pod, target: Pod, port: int) -> bool:
    """Whether a connection passes the policies at both its ends."""
    return _open(policies, "Egress", source, target, target, port) and _open(
        policies, "Ingress", target, source, target, port
    )


def _open(policies: list[Object], way: str, own: Pod, peer: Pod, target: Pod, port: int) -> bool:
    if own.namespace["kubernetes.io/metadata.name"] != "spotted":
        return True
    applying = [
        policy["spec"]
        for policy in policies
        if way in policy["spec"]["policyTypes"] and selects(policy["spec"]["podSelector"], own.labels)
    ]
    rules = [rule for spec in applying for rule in spec.get(way.lower(), ())]
    return not applying or any(_lets(rule, way, peer, target, port) for rule in rules)


def _lets(rule: Object, way: str, peer: Pod, target: Pod, port: int) -> bool:
    ports = [each["port"] for each in rule.get("ports", ())]
    if ports and port not in [target.ports.get(each, each) for each in ports]:
        return False
    peers = rule.get("from" if way == "Ingress" else "to")
    return peers is None or any(_is(each, peer) for each in peers)


def _is(wanted: Object, peer: Pod) -> bool:
    if "ipBlock" in wanted:
        # private addresses are left out, and every pod has one
        return "address" in peer.labels
    if "namespaceSelector" not in wanted and peer.namespace["kubernetes.io/metadata.name"] != "spotted":
        return False
    return selects(wanted.get("namespaceSelector", {}), peer.namespace) and selects(
        wanted.get("podSelector", {}), peer.labels
    )


def elsewhere(namespace: str, **labels: str) -> Pod:
    return Pod(labels, {"kubernetes.io/metadata.name": namespace})


def policies(overlay: str) -> list[Object]:
    return of_kind(objects(overlay), "NetworkPolicy")


def ours(overlay: str) -> dict[str, Pod]:
    review = ("review", "review-proxy") if overlay == "review" else ()
    deployed = (*SERVICES, "upkeep", *review)
    pods = {called: pod(overlay, "Deployment", f"spotted-{called}") for called in deployed}
    sets = ("store", "sentinel") if overlay == "sentinel" else ("store",)
    return {
        **pods,
        **{called: pod(overlay, "StatefulSet", f"spotted-{called}") for called in sets},
        "backup": pod(overlay, "CronJob", "spotted-backup"),
        **({"form-cluster": pod(overlay, "CronJob", "spotted-form-cluster")} if overlay == "cluster" else {}),
    }


@every_overlay
def test_between_our_pods_only_the_calls_of_the_design_pass(overlay: str) -> None:
    pods = ours(overlay)
    meant = {("sampler", "scorer", 7102)} | {
        (source, "store", STORE) for source in (*SERVICES, "upkeep", "backup")
    }
    if overlay == "sentinel":
        meant |= {(source, "sentinel", SENTINEL) for source in (*SERVICES, "upkeep", "backup")}
        meant |= {("sentinel", "store", STORE)}
    if overlay == "cluster":
        meant |= {("form-cluster", "store", STORE)}
    if overlay == "review":
        # never the store
        meant |= {("review", service, port) for service, port in PORTS.items()}
        meant |= {("review-proxy", "review", REVIEW)}
    passed = {
        (source, target, port)
        for source, target, port in itertools.product(pods, pods, (*EVERY_PORT, 22))
        if source != target and allowed(policies(overlay), pods[source], pods[target], port)
    }
    assert passed == meant


def test_stores_follow_one_another_and_sentinels_agree() -> None:
    pods = ours("sentinel")
    for called, port in (("store", STORE), ("sentinel", SENTINEL)):
        assert allowed(policies("sentinel"), pods[called], pods[called], port)


def test_nodes_of_a_cluster_reach_one_another_also_on_their_bus() -> None:
    store = ours("cluster")["store"]
    assert all(allowed(policies("cluster"), store, store, port) for port in (STORE, BUS))
    assert not allowed(policies("cluster"), ours("cluster")["scorer"], store, BUS)


@every_overlay
def test_clients_reach_the_three_services_and_nothing_else(overlay: str) -> None:
    client = Pod({}, {"kubernetes.io/metadata.name": "platform", "spotted-client": "true"})
    for target, there in ours(overlay).items():
        for port in EVERY_PORT:
            wanted = PORTS.get(target) == port
            assert allowed(policies(overlay), client, there, port) == wanted, (target, port)


@every_overlay
def test_strangers_reach_nothing_but_health(overlay: str) -> None:
    stranger = elsewhere("default", app="stranger")
    for target, there in ours(overlay).items():
        for port in EVERY_PORT:
            assert not allowed(policies(overlay), stranger, there, port), (target, port)
        assert allowed(policies(overlay), stranger, there, HEALTH) == (target in SERVICES)


def test_the_controller_of_the_ingress_reaches_the_proxy_and_never_the_page() -> None:
    controller = Pod({}, {"kubernetes.io/metadata.name": "ingress-nginx", "spotted-ingress": "true"})
    reached = {
        (target, port)
        for target, there in ours("review").items()
        for port in EVERY_PORT
        if allowed(policies("review"), controller, there, port)
    }
    assert reached == {("review-proxy", PROXY)}


@every_overlay
def test_prometheus_reads_metrics_only(overlay: str) -> None:
    prometheus = elsewhere("monitoring")
    for service in SERVICES:
        assert allowed(policies(overlay), prometheus, ours(overlay)[service], METRICS)
        assert not allowed(policies(overlay), prometheus, ours(overlay)[service], PORTS[service])
    assert not allowed(policies(overlay), prometheus, ours(overlay)["store"], METRICS)


@every_overlay
def test_our_pods_reach_nothing_outside_but_names(overlay: str) -> None:
    names = elsewhere("kube-system", **{"k8s-app": "kube-dns"})
    for service, there in ours(overlay).items():
        assert allowed(policies(overlay), there, names, DNS), service
        assert not allowed(policies(overlay), there, names, 443), service
        assert not allowed(policies(overlay), there, elsewhere("default"), 443), service


@every_overlay
def test_only_upkeep_and_the_proxy_reach_servers_outside_the_cluster(overlay: str) -> None:
    outside = elsewhere("", address="public")
    # an object store, and the identity provider
    reaching = {"upkeep", "backup", "review-proxy"}
    for called, there in ours(overlay).items():
        assert allowed(policies(overlay), there, outside, 443) == (called in reaching), called
        assert not allowed(policies(overlay), there, outside, 80), called


@every_overlay
def test_addresses_outside_the_cluster_leave_out_private_ones(overlay: str) -> None:
    peers = [
        peer["ipBlock"]
        for policy in policies(overlay)
        for rule in policy["spec"].get("egress", ())
        for peer in rule["to"]
        if "ipBlock" in peer
    ]
    assert len(peers) == (2 if overlay == "review" else 1)
    for block in peers:
        private = [ipaddress.ip_network(each) for each in block["except"]]
        for address in ("10.1.2.3", "172.20.0.1", "192.168.1.1", "169.254.169.254"):
            assert any(ipaddress.ip_address(address) in network for network in private)


@every_overlay
def test_ports_of_policies_are_those_of_containers(overlay: str) -> None:
    ports = [port for _, container in containers(objects(overlay)) for port in container.get("ports", ())]
    known = {port["containerPort"] for port in ports} | {port["name"] for port in ports} | {DNS, HTTPS}
    for policy in policies(overlay):
        for rule in (*policy["spec"].get("ingress", ()), *policy["spec"].get("egress", ())):
            assert {port["port"] for port in rule.get("ports", ())} <= known, policy["metadata"]["name"]
