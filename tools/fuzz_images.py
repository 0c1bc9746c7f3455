"""Fuzz the path of images: damaged files, masks and boxes through Preprocessing.apply in a watched child.

    python -m tools.fuzz_images --minutes 10

Only UnreadableImageError may come of an input. A crash, another error, more than 5 s, or more memory than
`BYTES_PER_PIXEL` allows is a fault, which is made small, printed, and ends the run with status 1.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from hypothesis import HealthCheck, given, seed, settings

from services.embedder.images.preprocessing import BYTES_PER_PIXEL
from spotted.errors import UnreadableImageError
from tools.fuzz_cases import PREPROCESSINGS, Case, cases

# processor time of one input
LIMIT_S = 5.0
# an input that takes this long without using the processor hangs; far more than a busy machine needs
HANG_S = 300.0
POLL_S = 0.2
MAX_PIXELS = 2_000_000
# what decoders and allocators hold beside the pixels
SLACK_BYTES = 64 << 20
MEMORY_BYTES = BYTES_PER_PIXEL * MAX_PIXELS + SLACK_BYTES
# a new thread's heap reserves addresses, not memory
RESERVED_BYTES = 256 << 20
ROUND = 500


class FaultError(AssertionError):
    """An input did what none may."""


def task(case: Case) -> str:
    """Result of the child for an input: `accepted` or `refused`."""
    try:
        PREPROCESSINGS[case.preprocessing].apply(case.content, case.part, max_pixels=MAX_PIXELS)
    except UnreadableImageError:
        return "refused"
    return "accepted"


def serve(connection: Connection, work: Callable[[Case], str], memory_bytes: int) -> None:
    """The child: answer each input with what became of it, and the memory taken since the start."""
    start = _memory("VmHWM")
    most = _memory("VmSize") + memory_bytes + RESERVED_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    connection.send(("ready", 0))
    while True:
        case = connection.recv()
        try:
            answer = work(case)
        except Exception as error:  # noqa: BLE001 # whatever it is, it is the finding
            answer = f"{type(error).__name__}: {error}"
        connection.send((answer, _memory("VmHWM") - start))


class Watched:
    """A child process that works on inputs one by one, and is replaced when one ends it."""

    def __init__(
        self,
        work: Callable[[Case], str] = task,
        *,
        limit_s: float = LIMIT_S,
        hang_s: float = HANG_S,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self.slowest_s = 0.0
        self.most_bytes = 0
        self.answers: Counter[str] = Counter()
        self._work, self._limit_s, self._hang_s = work, limit_s, hang_s
        self._memory_bytes = memory_bytes
        self._child: tuple[BaseProcess, Connection] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def run(self, case: Case) -> None:
        """Work on one input. Raises FaultError for a crash, a hang, too much memory, or another error."""
        process, connection = self._child or self._start()
        begun_s = _processor_s(process)
        connection.send(case)
        self._wait(process, connection, begun_s)
        try:
            answer, taken = connection.recv()
        except EOFError:
            process.join()
            self._end()
            raise FaultError(f"ended the process with status {process.exitcode}") from None
        self.slowest_s = max(self.slowest_s, _processor_s(process) - begun_s)
        self._judge(answer, taken)

    def _wait(self, process: BaseProcess, connection: Connection, begun_s: float) -> None:
        """Wait for the answer. Raises FaultError after too much processor time, or if nothing happens."""
        ends_s = time.monotonic() + self._hang_s
        while not connection.poll(min(POLL_S, self._hang_s)):
            slow = _processor_s(process) - begun_s > self._limit_s
            if slow or time.monotonic() > ends_s:
                self._end()
                raise FaultError(f"took more than {self._limit_s if slow else self._hang_s} s")

    def _judge(self, answer: str, taken: int) -> None:
        if answer not in {"accepted", "refused"}:
            raise FaultError(f"raised {answer}")
        self.most_bytes = max(self.most_bytes, taken)
        if taken > self._memory_bytes:
            self._end()
            raise FaultError(f"took {taken >> 20} MB, but {self._memory_bytes >> 20} are allowed")
        self.answers[answer] += 1

    def _start(self) -> tuple[BaseProcess, Connection]:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=serve, args=(there, self._work, self._memory_bytes), daemon=True)
        process.start()
        there.close()
        here.recv()
        self._child = process, here
        return self._child

    def _end(self) -> None:
        if self._child is not None:
            process, connection = self._child
            process.kill()
            process.join()
            connection.close()
        self._child = None


def _processor_s(process: BaseProcess) -> float:
    """Processor time that a child has used, seconds; 0 if it has ended."""
    try:
        times = psutil.Process(process.pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _memory(field: str) -> int:
    """Bytes, from the process's own status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(field))


def fuzz(watched: Watched, *, examples: int, start: int) -> None:
    """Run random inputs of a seed. Raises FaultError with a small input that has the fault."""

    @seed(start)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(cases())
    def only_unreadable_images_are_refused(case: Case) -> None:
        watched.run(case)

    only_unreadable_images_are_refused()


def main() -> None:
    """Fuzz for some minutes, and say what was run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0, help="of the first round; each has the next")
    arguments = parser.parse_args()
    end, start = time.monotonic() + 60 * arguments.minutes, arguments.seed
    fault: FaultError | None = None
    with Watched() as watched:
        while time.monotonic() < end and fault is None:
            try:
                fuzz(watched, examples=ROUND, start=start)
            except FaultError as error:
                fault = error
            start += 1
    print(
        f"{watched.answers.total()} inputs: {watched.answers['accepted']} accepted, "
        f"{watched.answers['refused']} refused; slowest {watched.slowest_s:.2f} s, "
        f"most memory {watched.most_bytes >> 20} of {MEMORY_BYTES >> 20} MB"
    )
    if fault is not None:
        # hypothesis notes the input on the error
        found = "\n".join(getattr(fault, "__notes__", []))
        sys.exit(f"fault in the round of seed {start - 1}: {fault}\n{found}")


if __name__ == "__main__":
    main()
