"""What TLS with tokens costs a cheap call, and what it costs that every call is counted.

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
from pathlib import Path
from subprocess import Popen

import click
import psutil

from benchmarks import report
from benchmarks.load_access import Access, Lines, Targets
from benchmarks.load_ratio import Way, quartiles, ratios
from benchmarks.load_surveys import LoadSurvey, fill
from benchmarks.report import Bar
from services.common.store import Store
from services.common.tokens import Tokens
from services.upkeep.certificates import authority, issued
from spotted import local
from spotted.v1 import access_pb2

DETECTIONS = 500
# many short turns: the machine drifts more slowly than they follow each other
TURNS, SECONDS = 60, 1.0
LEAST_SECURED, LEAST_COUNTED = 0.90, 0.98
SECURED, COUNTED = "TLS and token", "counted"


@click.command()
@click.option("--quick", is_flag=True, help="A few short turns: does it run?")
def main(*, quick: bool) -> None:
    """Compare scorers that differ in one thing."""
    turns, seconds = (2, 0.5) if quick else (TURNS, SECONDS)
    with tempfile.TemporaryDirectory() as name, ExitStack() as opened:
        directory = Path(name)
        store = local.start_store(directory, local.free_port())
        opened.callback(local.end, store)
        local.wait(store, directory / "store.log")
        url = f"redis://{store.address}/0"
        access = secured(directory, url)
        # others store the surveys: a process that did so is 2 % slower than one that read them
        with scorer(directory, "services.scorer", url, {}) as address:
            survey = stored(address, Access())
        with scorer(directory, "services.scorer", url, settings(directory)) as address:
            stored(address, access)
        plain = opened.enter_context(scorer(directory, "services.scorer", url, {}))
        private = opened.enter_context(scorer(directory, "services.scorer", url, settings(directory)))
        uncounted = opened.enter_context(scorer(directory, "benchmarks.uncounted_scorer", url, {}))
        compared = {
            SECURED: (Way(private, access), Way(plain, Access()), LEAST_SECURED),
            COUNTED: (Way(plain, Access()), Way(uncounted, Access()), LEAST_COUNTED),
        }
        found = {
            words: ratios(way, base, survey, turns=turns, seconds=seconds)
            for words, (way, base, _) in compared.items()
        }
    rows = [(words, *quartiles(values), len(values)) for words, values in found.items()]
    report.show("calls a second over those without", ("with", "median", "lower", "upper", "turns"), rows)
    bars = [
        Bar(f"calls a second, {words}, over those without", quartiles(found[words])[0], least=least)
        for words, (_, _, least) in compared.items()
    ]
    print(f"written: {report.write('overheads-quick' if quick else 'overheads', {'ratios': found}, bars)}")
    missed = report.judge(bars)
    # short turns promise nothing
    sys.exit(0 if quick else missed)


def secured(directory: Path, url: str) -> Access:
    """Certificates in the directory, and what a client of an organisation shows."""
    signer = authority(days=1)
    signed = issued(signer, ["127.0.0.1"], days=1)
    for name, content in (("ca", signer.certificate), ("cert", signed.certificate), ("key", signed.key)):
        (directory / f"{name}.pem").write_bytes(content)
    store = Store(url)
    store.open()
    _, token = Tokens(store).create(organisation="reserve", role=access_pb2.ROLE_WRITE)
    store.close()
    return Access(signer.certificate, token)


def settings(directory: Path) -> Mapping[str, str]:
    """Of a scorer that takes calls with a token over TLS alone."""
    return {
        "SPOTTED_AUTH": "tokens",
        "SPOTTED_TLS_CERT": str(directory / "cert.pem"),
        "SPOTTED_TLS_KEY": str(directory / "key.pem"),
    }


@contextmanager
def scorer(directory: Path, module: str, url: str, more: Mapping[str, str]) -> Iterator[str]:
    """A scorer in a process of its own; yields its address."""
    address, health = (f"127.0.0.1:{local.free_port()}" for _ in range(2))
    named = {"SPOTTED_LISTEN": address, "SPOTTED_HEALTH_LISTEN": health, "SPOTTED_STORE_URL": url}
    log = (directory / "scorer.log").open("ab")
    environment = {**os.environ, **named, "SPOTTED_WORKERS": "1", **more}
    process = Popen([sys.executable, "-m", module], env=environment, stdout=log, stderr=log)
    began_s = psutil.Process(process.pid).create_time()
    member = local.Member("scorer", int(health.rsplit(":", 1)[1]), process.pid, began_s)
    try:
        local.wait(member, directory / "scorer.log")
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


if __name__ == "__main__":
    main()
