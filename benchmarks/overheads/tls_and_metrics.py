"""The cost of TLS with tokens, and of metrics, for a cheap call.

    python -m benchmarks.overheads

Scorers over one store, each a process of its own; ScorePairs of one pair, 16 in flight, in turns whose order
alternates. The client shares the machine with them, and pays its part of TLS.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from subprocess import Popen

import click
import psutil

from benchmarks.common import report
from benchmarks.common.report import Bar
from benchmarks.load.access import Access, Lines, Targets
from benchmarks.load.ratio import Way, quartiles, ratios
from benchmarks.load.surveys import LoadSurvey, fill
from services.common.access.tokens import Tokens
from services.common.store.store import Store
from services.upkeep.certificates import create_authority, issue
from spotted.local import processes
from spotted.v1 import access_pb2

DETECTIONS = 500
# one of two equal processes is up to 2 % faster, so several pairs are compared, each in short turns
STARTS, TURNS, SECONDS = 10, 8, 1.0
SECURED, COUNTED, ALIKE = "TLS and token", "metrics", "nothing: two that are alike"
# of calls a second
LEAST = {SECURED: 0.90, COUNTED: 0.98}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of scorer: what is run, its settings beside the usual ones, and how clients reach it."""

    module: str
    more: Mapping[str, str]
    access: Access


@click.command()
@click.option("--quick", is_flag=True, help="A few short turns, as a smoke test.")
def main(*, quick: bool) -> None:
    """Compare scorers that differ in one thing."""
    starts, turns, seconds = (1, 2, 0.5) if quick else (STARTS, TURNS, SECONDS)
    with tempfile.TemporaryDirectory() as name, ExitStack() as opened:
        directory = Path(name)
        store = processes.start_store(directory, processes.free_port())
        opened.callback(processes.end, store)
        processes.wait(store, directory / "store.log")
        url = f"redis://{store.address}/0"
        access = secured(directory, url)
        # others store the surveys: a process that did so is 2 % slower than one that read them
        usual = Kind("services.scorer", {}, Access())
        private = Kind("services.scorer", settings(directory), access)
        for kind in (private, usual):
            with scorer(directory, kind, url) as address:
                survey = stored(address, kind.access)
        compared = {
            SECURED: (private, usual),
            COUNTED: (usual, Kind("benchmarks.overheads.uncounted_scorer", {}, Access())),
            ALIKE: (usual, usual),
        }
        found: dict[str, list[float]] = {words: [] for words in compared}
        for start, (words, (way, base)) in product(range(starts), compared.items()):
            # who starts first alternates too
            first, second = (base, way) if start % 2 else (way, base)
            with scorer(directory, first, url) as one, scorer(directory, second, url) as other:
                values = ratios(
                    Way(one, first.access), Way(other, second.access), survey, turns=turns, seconds=seconds
                )
            found[words] += [1 / value for value in values] if start % 2 else values
    rows = [(words, *quartiles(values), len(values)) for words, values in found.items()]
    report.show("calls a second over those without", ("with", "median", "lower", "upper", "turns"), rows)
    bars = [
        Bar(f"calls a second, {words}, over those without", quartiles(found[words])[0], least=least)
        for words, least in LEAST.items()
    ]
    print(f"written: {report.write('overheads-quick' if quick else 'overheads', {'ratios': found}, bars)}")
    missed = report.judge(bars)
    # bars do not apply to short turns
    sys.exit(0 if quick else missed)


def secured(directory: Path, url: str) -> Access:
    """Certificates in the directory, and the credentials of a client of an organisation."""
    signer = create_authority(days=1)
    signed = issue(signer, ["127.0.0.1"], days=1)
    for name, content in (("ca", signer.certificate), ("cert", signed.certificate), ("key", signed.key)):
        (directory / f"{name}.pem").write_bytes(content)
    store = Store(url)
    store.open()
    _, token = Tokens(store).create(organisation="reserve", role=access_pb2.ROLE_WRITE)
    store.close()
    return Access(signer.certificate, token)


def settings(directory: Path) -> Mapping[str, str]:
    """Settings of a scorer that accepts only calls with a token over TLS."""
    return {
        "SPOTTED_AUTH": "tokens",
        "SPOTTED_TLS_CERT": str(directory / "cert.pem"),
        "SPOTTED_TLS_KEY": str(directory / "key.pem"),
    }


@contextmanager
def scorer(directory: Path, kind: Kind, url: str) -> Iterator[str]:
    """A scorer in a process of its own; yields its address."""
    address, health = (f"127.0.0.1:{processes.free_port()}" for _ in range(2))
    named = {"SPOTTED_LISTEN": address, "SPOTTED_HEALTH_LISTEN": health, "SPOTTED_STORE_URL": url}
    log = (directory / "scorer.log").open("ab")
    environment = {**os.environ, **named, "SPOTTED_WORKERS": "1", **kind.more}
    process = Popen([sys.executable, "-m", kind.module], env=environment, stdout=log, stderr=log)
    began_s = psutil.Process(process.pid).create_time()
    member = processes.Member("scorer", int(health.rsplit(":", 1)[1]), process.pid, began_s)
    try:
        processes.wait(member, directory / "scorer.log")
        yield address
    finally:
        log.close()
        process.terminate()
        process.wait()


def stored(address: str, access: Access) -> LoadSurvey:
    """A small survey, as this client sees it."""

    async def store() -> LoadSurvey:
        lines = Lines(Targets(address, address, address), access)
        surveys = await fill(lines, [DETECTIONS], lambda _: None)
        await lines.close()
        return surveys[0]

    return asyncio.run(store())
