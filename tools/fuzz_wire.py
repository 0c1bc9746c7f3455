"""Fuzz the wire: mutated requests to every rpc of the real services, through real channels.

    python -m tools.fuzz_wire --messages 100000

Every request must be answered, in time and in our words. INTERNAL, UNKNOWN, a status without ErrorInfo, a
service that died, hangs, grows or logs a trace, and a survey that reads otherwise after a restart are faults.
Each is printed, its requests are written to a file that `--replay` sends again, and the run ends with
status 1.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import itertools
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spotted.errors import SpottedError
from tools.wire_calls import Answer, Call, Caller, call, rpcs
from tools.wire_servers import Servers

MODELS = Path(__file__).resolve().parent.parent / "models"
AT_ONCE = 8
# calls between two looks at the processes
ROUND = 300
TOLD_EVERY = 3000
# what differs between faults of one kind
VARYING = re.compile(r"[0-9]+|'.*'")


@dataclass
class Tally:
    """Counts of messages sent and answered, and faults: kind -> message."""

    messages: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)
    slowest_s: float = 0.0
    slowest: str = ""

    def add(self, call: Call, answer: Answer) -> bool:
        """Count a call; whether its answer is wrong in a way that no other was."""
        self.messages += len(call.contents)
        self.statuses[answer.code.name] += 1
        if answer.seconds > self.slowest_s:
            self.slowest_s, self.slowest = answer.seconds, call.rpc.method
        if not answer.fault:
            return False
        kind = VARYING.sub("#", answer.fault)[:100]
        return self.note(f"{call.rpc.method}: {kind}", answer.fault)

    def note(self, kind: str, words: str) -> bool:
        """Note a fault; whether it is the first of its kind."""
        first = kind not in self.faults
        if first:
            self.faults[kind] = words
            print(f"fault: {kind}\n  {words}", flush=True)
        return first


async def fuzz(servers: Servers, tally: Tally, *, messages: int, seed: int, found: Path) -> None:
    """Send messages, and check the processes and their stored data meanwhile.

    found: directory for the requests of calls that were answered wrongly.
    """
    among, numbers = rpcs(), itertools.count()
    async with Caller({m.role: m.address for m in servers.run.members if m.role != "store"}) as caller:

        async def work(end: int) -> None:
            while (number := next(numbers)) < end:
                made = call(seed, number, among)
                if tally.add(made, await caller.send(made)):
                    write(found / f"{seed}-{number}.json", made)

        end = 0
        while tally.messages < messages:
            # a worker that ends takes a number with it
            numbers, end = itertools.count(end), end + min(ROUND, messages)
            await asyncio.gather(*(work(end) for _ in range(AT_ONCE)))
            look(servers, tally)
            if end % TOLD_EVERY == 0:
                print(f"{tally.messages} messages", flush=True)


def look(servers: Servers, tally: Tally) -> None:
    """Record faults of the processes and their data; recreate what requests deleted."""
    for fault in servers.faults():
        tally.note(fault.split(":")[0], fault)
    try:
        servers.tend()
    except SpottedError as error:
        tally.note(f"tending: {type(error).__name__}", str(error))


def finish(servers: Servers, tally: Tally) -> None:
    """Record what no longer works, and what reads differently after a restart of everything."""
    try:
        servers.work()
        before = servers.stored()
        servers.restart()
        after = servers.stored()
        servers.work()
    except (SpottedError, AssertionError) as error:
        tally.note(f"afterwards: {type(error).__name__}", str(error))
        return
    for survey_id in before:
        if before[survey_id] != after[survey_id]:
            tally.note(f"survey {survey_id}", "reads otherwise after a restart")


def write(path: Path, made: Call) -> None:
    """Keep a call for `--replay`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    contents = [base64.b64encode(content).decode() for content in made.contents]
    path.write_text(json.dumps({"method": made.rpc.method, "role": made.rpc.role, "contents": contents}))


def read(path: Path) -> Call:
    """A call that `write` kept."""
    kept = json.loads(path.read_text())
    rpc = next(r for r in rpcs() if (r.role, r.method) == (kept["role"], kept["method"]))
    return Call(rpc, tuple(base64.b64decode(content) for content in kept["contents"]))


async def replay(servers: Servers, tally: Tally, paths: Sequence[Path]) -> None:
    """Send kept calls again."""
    async with Caller({m.role: m.address for m in servers.run.members if m.role != "store"}) as caller:
        for made in map(read, paths):
            answer = await caller.send(made)
            tally.add(made, answer)
            print(f"{made.rpc.method}: {answer.code.name} {answer.fault}")


def main() -> None:
    """Fuzz, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--found", type=Path, default=Path("out/fuzz-wire"), help="directory of bad calls")
    parser.add_argument("--replay", type=Path, nargs="+", default=(), help="files of it to send again")
    arguments = parser.parse_args()
    tally, begun = Tally(), time.monotonic()
    with Servers(MODELS) as servers:
        servers.tend()
        look(servers, tally)
        if arguments.replay:
            asyncio.run(replay(servers, tally, arguments.replay))
        else:
            print(f"seed {arguments.seed}", flush=True)
            sending = fuzz(
                servers, tally, messages=arguments.messages, seed=arguments.seed, found=arguments.found
            )
            asyncio.run(sending)
        look(servers, tally)
        grown = ", ".join(f"{m.role} {servers.grown_bytes(m) >> 20} MiB" for m in servers.run.members)
        finish(servers, tally)
    print(
        f"{tally.messages} messages in {time.monotonic() - begun:.0f} s: "
        + ", ".join(f"{count} {code}" for code, count in tally.statuses.most_common())
        + f"; slowest {tally.slowest_s:.1f} s ({tally.slowest}); memory grew by {grown}"
    )
    if tally.faults:
        sys.exit(f"{len(tally.faults)} kinds of faults; their calls are in {arguments.found}")


if __name__ == "__main__":
    main()
