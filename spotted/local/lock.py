"""One store per data directory: a lock that ends with the store, and a record of who started it.

Two things together, since each has a gap:
- `flock` on `store.lock`, inherited by the store's process. The system releases it when that process ends,
  however it ends. It holds across the containers of a machine, and across machines if the file system
  passes locks on (NFS does by default).
- `store.owner`, created exclusively by who starts the store and removed at a clean end. It names machine,
  boot and process, so a file system without locks is covered too: a record of another machine, or of a
  process that cannot be seen from here, is believed until somebody says that it is obsolete.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psutil

from spotted.errors import PreconditionError
from spotted.local.platforms import check_platform

LOCK_FILE = "store.lock"
OWNER_FILE = "store.owner"
RUN_LOCK_FILE = "run.lock"
# a store that was killed releases its lock when its rewriting child has noticed
WAIT_S = 2.0
POLL_S = 0.05
NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
BOOT_ID, MACHINE_ID = Path("/proc/sys/kernel/random/boot_id"), Path("/etc/machine-id")
PID_NAMESPACE = Path("/proc/self/ns/pid")


@dataclass(frozen=True, slots=True)
class Owner:
    """Who started the store of a directory."""

    host: str
    """Host name."""
    machine: str
    """Machine id; empty if unknown, as in many containers."""
    boot: str
    """Id of this start of the kernel; empty if unknown."""
    namespace: str
    """Namespace that the process id belongs to; empty if unknown."""
    pid: int
    """Process id of the store, or of who is starting it."""
    started_at_s: float
    """Start time of that process."""

    @classmethod
    def here(cls) -> Owner:
        """The current process."""
        unknown = "" if sys.platform == "linux" else f"{uuid.getnode():x}"
        return cls(
            host=socket.gethostname(),
            machine=_line(MACHINE_ID) or unknown,
            boot=_line(BOOT_ID),
            namespace=str(PID_NAMESPACE.stat().st_ino) if PID_NAMESPACE.exists() else "",
            pid=os.getpid(),
            started_at_s=psutil.Process().create_time(),
        )

    def has_ended(self, seen_by: Owner, *, locked: bool) -> bool:
        """Whether this owner has certainly ended.

        seen_by: the process that asks. locked: whether it holds the lock, which an owner that runs under the
        same kernel would hold.
        """
        same_machine = bool(self.machine) and (self.machine, self.host) == (seen_by.machine, seen_by.host)
        same_kernel = self.boot == seen_by.boot and (bool(self.boot) or same_machine)
        if not same_kernel:
            return same_machine
        return locked or (self.namespace == seen_by.namespace and not self._runs())

    def __str__(self) -> str:
        since = datetime.fromtimestamp(self.started_at_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return f"on {self.host} (process {self.pid}, since {since})"

    def _runs(self) -> bool:
        try:
            return abs(psutil.Process(self.pid).create_time() - self.started_at_s) < 1.0
        except psutil.NoSuchProcess:
            return False


@dataclass(frozen=True, slots=True)
class Held:
    """The lock of a directory, held by this process."""

    directory: Path
    owner: Owner
    descriptor: int
    """File descriptor for the store to inherit."""

    def hand_over(self, pid: int, started_at_s: float) -> None:
        """Enter the store, which has inherited the descriptor, as the owner."""
        _write(self.directory, replace(self.owner, pid=pid, started_at_s=started_at_s))


@contextmanager
def acquire(directory: Path, *, take_over: bool = False) -> Iterator[Held]:
    """The lock of a directory, for the store that is started inside the block.

    take_over: do not believe a record of another machine; a lock that is held is still refused.
    Raises PreconditionError if a store of the directory runs, or may run elsewhere, or if nothing can be
    written there.
    """
    with opened(directory / LOCK_FILE) as descriptor:
        locked = try_lock(descriptor, WAIT_S)
        if locked is False:
            raise PreconditionError(
                f"the store of {directory} already runs {_named(directory)}; use it there, or stop it there "
                "with `spotted down`"
            )
        owner = Owner.here()
        _claim(directory, owner, locked=bool(locked), take_over=take_over)
        try:
            yield Held(directory, owner, descriptor)
        except BaseException:
            (directory / OWNER_FILE).unlink(missing_ok=True)
            raise


def release(directory: Path) -> None:
    """Remove the record of a store that has ended. Raises PreconditionError if it runs elsewhere."""
    if not (directory / OWNER_FILE).exists():
        return
    with opened(directory / LOCK_FILE) as descriptor:
        locked = try_lock(descriptor, WAIT_S)
        before = read(directory)
        known = before is not None and before.has_ended(Owner.here(), locked=bool(locked))
        if locked is False or not known:
            raise PreconditionError(
                f"the store of {directory} was started {_named(directory)}; stop it there"
            )
        (directory / OWNER_FILE).unlink(missing_ok=True)


@contextmanager
def one_at_a_time(directory: Path) -> Iterator[None]:
    """Keep `spotted up` and `spotted down` of a directory apart. Raises PreconditionError."""
    with opened(directory / RUN_LOCK_FILE) as descriptor:
        if try_lock(descriptor, 0.0) is False:
            raise PreconditionError(
                f"another `spotted up` or `spotted down` is working in {directory}; wait until it has ended"
            )
        yield


def read(directory: Path) -> Owner | None:
    """Who started the store of a directory; None if nobody did or the record cannot be read."""
    try:
        return Owner(**json.loads((directory / OWNER_FILE).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _claim(directory: Path, owner: Owner, *, locked: bool, take_over: bool) -> None:
    try:
        # exclusive also on file systems without locks
        with (directory / OWNER_FILE).open("x"):
            pass
    except FileExistsError:
        before = read(directory)
        if not take_over and (before is None or not before.has_ended(owner, locked=locked)):
            raise PreconditionError(
                f"the store of {directory} was started {_named(directory)} and not stopped with `spotted "
                "down`; stop it there, or use `spotted up --take-over` if it certainly no longer runs: two "
                "stores in one directory lose data"
            ) from None
    _write(directory, owner)


def _named(directory: Path) -> str:
    return str(read(directory) or f"by somebody whom {directory / OWNER_FILE} does not name")


def _write(directory: Path, owner: Owner) -> None:
    temporary = directory / f"{OWNER_FILE}.new"
    temporary.write_text(json.dumps(asdict(owner)))
    temporary.replace(directory / OWNER_FILE)


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """The descriptor of a lock file, created with its folder. Raises PreconditionError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise PreconditionError(
            f"cannot write to {path.parent} ({error.strerror}); choose another directory with --data"
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def try_lock(descriptor: int, wait_s: float) -> bool | None:
    """Whether the lock was taken; None if the file system has no locks."""
    check_platform()
    # absent on Windows, where the rest of the command line works with services elsewhere
    import fcntl  # noqa: PLC0415

    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL_S)
        except OSError as error:
            if error.errno in NO_LOCKS:
                return None
            raise
        else:
            return True


def _line(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
