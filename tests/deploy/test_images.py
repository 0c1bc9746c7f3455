"""Images as an engine builds and runs them; skipped if no engine answers."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException
from docker.models.containers import Container
from docker.models.networks import Network
from requests import RequestException

from services.upkeep.certificates import create_authority, issue
from services.upkeep.commands.certificate import CA, CERTIFICATE, KEY
from spotted import __version__
from tests.deploy.images import IMAGES, ROOT, Image
from tests.waiting import until

pytestmark = pytest.mark.slow

# of Docker 25
API_VERSION = "1.44"
STORE = "valkey/valkey:9.1.1"
USER = 10001
# a model is loaded, a store is waited for
# those that run on a machine without a GPU
SERVED = [image for image in IMAGES if image.called in {"embedder", "scorer", "sampler"}]
BUILT = [*SERVED, *(image for image in IMAGES if image.called == "upkeep")]


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env(version=API_VERSION, timeout=600)
    silent = silence(client)
    with warnings.catch_warnings():
        # the package leaves a socket behind if nothing answers
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    if silent:
        client.close()
        pytest.skip(f"no container engine answers here: {silent}")
    if not (ROOT / "models" / "efficientnet-lite0").is_dir():
        pytest.skip("there is no exported backbone in models/; run `make models`")
    yield client
    client.close()


def silence(client: docker.DockerClient) -> str:
    """Why no engine answers; empty if one does."""
    try:
        client.ping()
    except (DockerException, RequestException) as error:
        return str(error)
    return ""


@pytest.fixture(scope="module")
def built(engine: docker.DockerClient) -> dict[str, str]:
    """The tag of each image, built from this tree."""
    tags = {image.called: f"spotted-test/{image.called}:{__version__}" for image in BUILT}
    for image in BUILT:
        dockerfile = str(image.dockerfile.relative_to(ROOT))
        engine.images.build(path=str(ROOT), dockerfile=dockerfile, tag=tags[image.called], rm=True)
    return tags


@pytest.fixture(scope="module")
def network(engine: docker.DockerClient) -> Iterator[Network]:
    """A network with a store on it, called `store`."""
    made = engine.networks.create("spotted-test")
    command = ["valkey-server", "--appendonly", "yes", "--appendfsync", "always"]
    store = engine.containers.run(
        STORE, command, detach=True, network=made.name, hostname="store", name="store"
    )
    yield made
    store.remove(force=True, v=True)
    made.remove()


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a certificate, its authority and a token that no store knows."""
    directory = tmp_path_factory.mktemp("secrets")
    signer = create_authority(days=1)
    signed = issue(signer, ("localhost", "scorer"), days=1)
    for called, content in ((CA, signer.certificate), (CERTIFICATE, signed.certificate), (KEY, signed.key)):
        (directory / called).write_bytes(content)
    (directory / "token").write_text("spotted_0000000000000000_" + "x" * 43)
    for path in (directory, *directory.iterdir()):
        path.chmod(0o755)
    return directory


def run(engine: docker.DockerClient, tag: str, network: Network, secrets: Path, port: int) -> Container:
    """A service as deploy/compose.yaml runs it."""
    return engine.containers.run(
        tag,
        detach=True,
        read_only=True,
        tmpfs={"/tmp": ""},  # noqa: S108 - in the container
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
        network=network.name,
        volumes={str(secrets): {"bind": "/etc/spotted", "mode": "ro"}},
        environment={
            "SPOTTED_LISTEN": f"0.0.0.0:{port}",
            "SPOTTED_STORE_URL": "redis://store:6379/0",
            "SPOTTED_SCORER_ADDRESS": "scorer:7102",
            "SPOTTED_AUTH": "tokens",
            "SPOTTED_TLS_CERT": f"/etc/spotted/{CERTIFICATE}",
            "SPOTTED_TLS_KEY": f"/etc/spotted/{KEY}",
            "SPOTTED_TLS_CA": f"/etc/spotted/{CA}",
            "SPOTTED_TOKEN_FILE": "/etc/spotted/token",
            "SPOTTED_HEALTH_LISTEN": "127.0.0.1:7120",
            "SPOTTED_DRAIN_S": "2",
        },
    )


def wait_until_healthy(container: Container) -> None:
    def healthy() -> bool:
        container.reload()
        assert container.status == "running", container.logs(tail=20).decode()
        return container.exec_run(["python", "/opt/healthy.py"]).exit_code == 0

    until(healthy, f"the container {container.name} is healthy")


@pytest.mark.parametrize("image", SERVED, ids=lambda image: image.called)
def test_a_service_gets_healthy_without_root_and_ends_when_asked(
    engine: docker.DockerClient, built: dict[str, str], network: Network, secrets: Path, image: Image
) -> None:
    port = 7101 + [each.called for each in SERVED].index(image.called)
    container = run(engine, built[image.called], network, secrets, port)
    try:
        wait_until_healthy(container)
        assert container.exec_run(["id", "-u"]).output == f"{USER}\n".encode()
        assert container.exec_run(["touch", "/opt/written"]).exit_code != 0
        assert container.exec_run(["python", "-c", "import torch"]).exit_code != 0
        container.stop(timeout=30)
        # PID 1 got SIGTERM and drained: it was not killed
        assert container.wait()["StatusCode"] == 0
    finally:
        with suppress(DockerException):
            container.remove(force=True)


def test_upkeep_says_what_it_can_do(engine: docker.DockerClient, built: dict[str, str]) -> None:
    said = engine.containers.run(built["upkeep"], ["--help"], remove=True, read_only=True)
    assert isinstance(said, bytes)
    for command in (b"backup", b"restore", b"token", b"certificate"):
        assert command in said
