"""The component `vectors`, as the cluster renders it."""

from __future__ import annotations

import pytest

from services.common.settings import from_environment
from tests.deploy.rendered import (
    Object,
    containers,
    environment,
    name,
    named,
    pod_template,
    schema_fault,
    with_components,
)

PLACE = "s3://spotted-vectors/spotted"


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Object, ...]:
    """The overlay `sentinel` with the component."""
    return with_components(tmp_path_factory.mktemp("overlay"), "sentinel", "vectors")


def test_all_that_read_or_write_vectors_have_one_place_and_others_have_none(
    rendered: tuple[Object, ...],
) -> None:
    placed = {
        name(workload): variables
        for workload, container in containers(rendered)
        if "SPOTTED_VECTOR_BLOCKS_URL" in (variables := environment(rendered, container))
    }
    wanted = ("Deployment/spotted-embedder", "Deployment/spotted-scorer", "Deployment/spotted-upkeep")
    assert {*placed} == {*wanted, "CronJob/spotted-backup"}
    for variables in placed.values():
        assert variables["SPOTTED_VECTOR_BLOCKS_URL"] == PLACE
        assert variables["SPOTTED_OBJECT_STORE_SETTINGS"] == "/etc/spotted/object-store"
    # nothing that the overlay sets is lost
    variables = placed["Deployment/spotted-scorer"]
    del variables["SPOTTED_STORE_PASSWORD_FILE"]
    scorer = from_environment("scorer", variables)
    assert scorer.vector_blocks == PLACE
    assert scorer.security.tokens
    assert "sentinel" in scorer.store_url


def test_the_component_adds_what_its_schema_allows_and_mounts_the_credentials(
    rendered: tuple[Object, ...],
) -> None:
    for service in ("embedder", "scorer"):
        deployment = named(rendered, "Deployment", f"spotted-{service}")
        assert schema_fault(deployment, "1.37") == ""
        pod = pod_template(deployment)["spec"]
        (container,) = pod["containers"]
        mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
        assert mounts["object-store"] == "/etc/spotted/object-store"
        assert {*mounts} <= {each["name"] for each in pod["volumes"]}
    policy = named(rendered, "NetworkPolicy", "vectors")
    assert schema_fault(policy, "1.37") == ""
    (selector,) = policy["spec"]["podSelector"]["matchExpressions"]
    assert selector["values"] == ["spotted-embedder", "spotted-scorer"]
