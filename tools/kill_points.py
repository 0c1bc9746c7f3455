"""SIGKILL of a real sampler or store at random moments, while annotators answer over gRPC.

    python -m tools.kill_points --points 1000

Killed processes are restarted, calls that were not answered are repeated with their request ids, and after
each kill the journal must hold every acknowledged label once, none twice, and replay to the session that the
sampler reports. The first loss ends the run with status 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tools.killed_processes import Processes
from tools.killed_session import LossError, Session, Tally

# kills of one session, so that its journal stays short enough to be read after each
KILLS_A_SESSION = 25
TOLD_EVERY = 100


def kill(processes: Processes, points: int, seed: int, tally: Tally, *, end_s: float = float("inf")) -> None:
    """Kill processes repeatedly, in one session after another. Raises LossError.

    end_s: by time.monotonic(); no kill comes after it.
    """
    rng = np.random.default_rng(seed)
    while tally.kills.total() < points and time.monotonic() < end_s:
        session, first = Session(processes, rng, tally), tally.kills.total()
        while not session.finished and tally.kills.total() < min(points, first + KILLS_A_SESSION):
            session.kill_once()
            if tally.kills.total() % TOLD_EVERY == 0:
                print(f"{tally.kills.total()} kills, {tally.labels} labels", flush=True)


def main() -> None:
    """Kill, and say what was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="no kill after this many minutes")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    tally, begin_s = Tally(), time.monotonic()
    loss: LossError | None = None
    with tempfile.TemporaryDirectory() as directory, Processes(Path(directory)) as processes:
        try:
            end_s = begin_s + 60 * arguments.minutes
            kill(processes, arguments.points, arguments.seed, tally, end_s=end_s)
        except LossError as error:
            loss = error
    kills, seconds = tally.kills, time.monotonic() - begin_s
    print(
        f"{kills.total()} kills ({kills['sampler']} of the sampler, {kills['store']} of the store) in "
        f"{seconds:.0f} s; {tally.labels} labels acknowledged; {tally.repeated} calls repeated, of whose "
        f"labels {tally.already_stored} had been stored; {int(loss is not None)} losses"
    )
    if loss is not None:
        sys.exit(f"loss at kill {kills.total()} of seed {arguments.seed}: {loss}")


if __name__ == "__main__":
    main()
