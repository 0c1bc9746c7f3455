"""The store and the three services under attack: real processes, tokens on, TLS off, limits as shipped."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from services.common.access.tokens import Tokens
from services.common.store.store import Store
from spotted.client import Spotted
from spotted.client.credentials import Credentials
from spotted.local import processes
from spotted.v1 import access_pb2
from tools.attack.cages import Cage

COMPOSE = Path(__file__).resolve().parent.parent.parent / "deploy" / "compose.yaml"
# of what is shipped; addresses, files and TLS are this run's own
SHIPPED = ("SPOTTED_MEMORY_MIB", "SPOTTED_PLANNERS", "SPOTTED_WORKERS")
MIB = 1 << 20
UNITS = {"M": MIB, "G": 1024 * MIB}
NOT_FORESEEN = re.compile(
    r'spotted_rpc_duration_seconds_count\{.*status="(INTERNAL|UNKNOWN|DATA_LOSS)".*\} (\S+)'
)
CALL_S = 60.0


@dataclass(frozen=True, slots=True)
class Shipped:
    """How a service is deployed."""

    limit_bytes: int
    """Memory limit of its container."""
    settings: Mapping[str, str]
    """Settings that decide how much memory it uses."""


def shipped(role: str) -> Shipped:
    """How compose.yaml deploys a service, or the store."""
    service: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"][role]
    text = str(service["deploy"]["resources"]["limits"]["memory"])
    environment = service.get("environment", {})
    settings = {name: str(environment[name]) for name in SHIPPED if name in environment}
    return Shipped(int(text[:-1]) * UNITS[text[-1]], settings)


class Site:
    """Everything that is attacked; all of it has ended when the context ends.

    cages: by role. members: the processes by role.
    """

    def __init__(self, directory: Path, models: Path) -> None:
        self.directory = directory
        self.cages = {role: Cage(f"attack-{role}", shipped(role).limit_bytes) for role in processes.ROLES}
        self.members: dict[str, processes.Member] = {}
        self._models = models
        self._metrics: dict[str, int] = {}
        self._read: dict[Path, int] = {}
        self._not_foreseen = 0

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def store_directory(self) -> Path:
        """The data directory of the store."""
        return self.directory / "store"

    @property
    def store_url(self) -> str:
        """The URL of the store."""
        return f"redis://{self.members['store'].address}/0"

    @property
    def addresses(self) -> dict[str, str]:
        """The addresses of the services by role."""
        return {role: self.members[role].address for role in processes.SERVICES}

    def store(self) -> Store:
        """An open connection to the store, as the operator has it."""
        opened = Store(self.store_url)
        opened.open()
        return opened

    def token(
        self, organisation: str, role: access_pb2.Role.ValueType = access_pb2.ROLE_ADMIN
    ) -> tuple[str, str]:
        """The id and the text of a new token."""
        store = self.store()
        try:
            return Tokens(store).create(organisation=organisation, role=role)
        finally:
            store.close()

    def client(self, token: str) -> Spotted:
        """A client with a token."""
        return Spotted(**self.addresses, timeout_s=CALL_S, credentials=Credentials(token))

    def faults(self) -> list[str]:
        """Results that no attack may have, since the last call: processes that ended, traces, INTERNAL."""
        found = list(self._traces())
        for role, member in self.members.items():
            if member.process() is None:
                found.append(f"the {role} ended")
            elif not processes.answers(member, timeout_s=CALL_S):
                found.append(f"the {role} does not answer")
            if killed := self.cages[role].killed():
                found.append(f"the kernel killed {killed} processes of the {role} for lack of memory")
        count = sum(self._statuses())
        if count > self._not_foreseen:
            found.append(f"{count - self._not_foreseen} calls ended INTERNAL, UNKNOWN or DATA_LOSS")
        self._not_foreseen = count
        return found

    def reset_peaks(self) -> None:
        """Forget the memory peaks so far."""
        for cage in self.cages.values():
            cage.reset_peak()

    def peaks_bytes(self) -> dict[str, int]:
        """Most memory that each role held."""
        return {role: cage.peak_bytes() for role, cage in self.cages.items()}

    def _start(self) -> None:
        self.store_directory.mkdir(parents=True)
        with self.cages["store"].around():
            self._started(processes.start_store(self.store_directory, processes.free_port()))
        store = self.store()
        token = Tokens(store).create(organisation="", role=access_pb2.ROLE_SERVICE)[1]
        store.close()
        file = self.directory / "sampler.token"
        file.write_text(token)
        for role in processes.SERVICES:
            self._metrics[role] = processes.free_port()
            settings = {
                **shipped(role).settings,
                "SPOTTED_AUTH": "tokens",
                "SPOTTED_TOKEN_FILE": str(file),
                "SPOTTED_MODELS": str(self._models),
                "SPOTTED_METRICS_LISTEN": f"{processes.LOOPBACK}:{self._metrics[role]}",
            }
            scorer = self.members["scorer"].address if "scorer" in self.members else ""
            with self.cages[role].around():
                self._started(
                    processes.start_service(
                        role, self.directory, processes.free_port(), self.store_url, scorer, settings
                    )
                )

    def _started(self, member: processes.Member) -> None:
        self.members[member.role] = member
        self.cages[member.role].pid = member.pid
        folder = self.store_directory if member.role == "store" else self.directory
        processes.wait(member, folder / f"{member.role}.log")

    def _stop(self) -> None:
        for role in reversed(self.members):
            processes.end(self.members[role])
        for cage in self.cages.values():
            cage.close()

    def _statuses(self) -> Iterator[int]:
        """Calls that ended in a way that no service means to, of each service that answers."""
        for role in processes.SERVICES:
            if self.members[role].process() is None:
                continue
            address = f"http://{processes.LOOPBACK}:{self._metrics[role]}/metrics"
            with urllib.request.urlopen(address, timeout=CALL_S) as answer:
                text = answer.read().decode()
            yield from (int(float(found[2])) for found in NOT_FORESEEN.finditer(text))

    def _traces(self) -> Iterator[str]:
        for log in sorted(self.directory.glob("*.log")):
            text = log.read_text(errors="replace")
            news = text[self._read.get(log, 0) :]
            self._read[log] = len(text)
            at = news.find("Traceback")
            if at >= 0:
                yield f"{log.name} has a trace: {news[max(0, at - 300) : at + 3000]}"
