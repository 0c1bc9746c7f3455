"""Attacks on stored data: two stores on one directory, and surveys and sessions created beside deletions."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from spotted.client import Spotted
from spotted.errors import AlreadyExistsError, NotFoundError, PreconditionError
from tools.attack.bystanders import fill
from tools.attack.outcomes import BreachError
from tools.attack.site import Site

START = """
import sys
from pathlib import Path
from spotted.errors import PreconditionError
from spotted.local import processes
try:
    processes.start_store(Path(sys.argv[1]), processes.free_port())
    print("started")
except PreconditionError:
    print("refused")
"""
OTHER_NAMESPACES = ["unshare", "--pid", "--net", "--fork", "--mount-proc"]
SURVEY = "raced"
ALLOWED = (NotFoundError, AlreadyExistsError, PreconditionError)


def start_a_second_store(site: Site) -> str:
    """Start a store on the directory of the one that runs, also from other namespaces, as in a container."""
    ways = {"": [], "other namespaces": OTHER_NAMESPACES}
    if subprocess.run([*OTHER_NAMESPACES, "true"], capture_output=True, check=False).returncode:
        del ways["other namespaces"]
    for prefix in ways.values():
        command = [*prefix, sys.executable, "-c", START, str(site.store_directory)]
        verdict = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        if verdict != "refused":
            raise BreachError(f"a second store was {verdict}")
    return f"refused {len(ways)} of {len(ways)} times" + (", other namespaces too" if len(ways) > 1 else "")


def race(site: Site, rounds: int) -> str:
    """Delete a survey while it, and sessions in it, are created; nothing may be inherited or unlisted."""
    token = site.token("racing")[1]
    with site.client(token) as client, ThreadPoolExecutor(4) as pool:
        for number in range(rounds):
            _create(client)
            survey = client.survey(SURVEY)
            sessions = (partial(survey.create_session, f"s{number}-{n}") for n in range(2))
            _at_once(pool, [survey.delete, partial(_create, client), *sessions])
            _check(client, number)
    return f"{rounds} rounds: nothing inherited, nothing unlisted"


def _check(client: Spotted, number: int) -> None:
    listed = SURVEY in {survey.survey_id for survey in client.surveys()}
    survey = client.survey(SURVEY)
    try:
        survey.info()
    except NotFoundError:
        exists = False
    else:
        exists = True
        survey.delete()
    if listed != exists:
        raise BreachError(f"in round {number} the survey was {'' if listed else 'not '}listed")
    _create(client)
    if inherited := [session.session_id for session in survey.sessions()]:
        raise BreachError(f"in round {number} a new survey had the sessions {inherited}")
    survey.delete()


def _create(client: Spotted) -> None:
    # sessions need detections
    fill(client, SURVEY, detections=2)


def _at_once(pool: ThreadPoolExecutor, calls: list[Callable[[], object]]) -> None:
    together = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        together.wait()
        with suppress(*ALLOWED):
            call()

    for done in [pool.submit(run, call) for call in calls]:
        done.result()
