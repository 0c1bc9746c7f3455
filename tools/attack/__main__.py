"""`python -m tools.attack`: run every attack, print the table, and end with status 1 on a breach."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc

from spotted.errors import SpottedError
from tools.attack import access, backups, fields, images, outcomes, stored, streams
from tools.attack.bystanders import Bystanders, Window
from tools.attack.outcomes import BreachError, Outcome
from tools.attack.site import MIB, Site

MODELS = Path(__file__).resolve().parent.parent.parent / "models"
# as if the attackers had machines of their own
ATTACKERS_NICENESS = 19


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of each attack is run."""

    images: int = 1000
    stopped: int = 100
    unread: int = 300
    silent: int = 300
    large: int = 300
    calls: int = 6000
    rounds: int = 100
    files: int = 16
    held_s: float = 12.0
    """How long streams stay open."""
    quiet_s: float = 7.0
    """Quiet time before each attack."""
    rest_s: float = 2.0
    """Between the end of an attack and the next quiet time."""
    pause_s: float = 0.05
    """Between two calls of others to a service."""


FULL = Scale()
SHORT = Scale(
    images=24,
    stopped=8,
    unread=40,
    silent=30,
    large=20,
    calls=400,
    rounds=8,
    files=2,
    held_s=4.0,
    quiet_s=1.0,
    rest_s=0.2,
    pause_s=0.3,
)
Attack = Callable[[Site], str]


def attacks(scale: Scale) -> dict[str, Attack]:
    """Every attack by its name."""
    return {
        "hostile images": lambda site: images.send_images(site, scale.images),
        "requests that stop": lambda site: streams.stop_within_messages(
            site, scale.stopped, held_s=scale.held_s
        ),
        "matrices unread": lambda site: streams.leave_unread(site, scale.unread, held_s=scale.held_s),
        "silent streams": lambda site: streams.stay_silent(site, scale.silent, held_s=scale.held_s),
        "messages too large": lambda site: streams.send_too_much(site, scale.large),
        "flood of calls": lambda site: streams.flood(site, scale.calls),
        "unknown tokens": lambda site: streams.flood_with_unknown_tokens(site, scale.calls),
        "token revoked within streams": access.revoke_within_streams,
        "creations beside deletions": lambda site: stored.race(site, scale.rounds),
        "second store": stored.start_a_second_store,
        "hostile backups": lambda site: backups.restore_hostile_files(site, scale.files),
        "hostile fields": fields.send_hostile_fields,
    }


def attack(site: Site, bystanders: Bystanders, name: str, run: Attack) -> Outcome:
    """One attack and what came of it."""
    site.reset_peaks()
    breaches, begun_s = [], time.monotonic()
    try:
        happened = run(site)
    except (BreachError, SpottedError, grpc.RpcError) as error:
        happened = f"{type(error).__name__}: {error}".replace("\n", " ")
        breaches.append(happened)
    window = begun_s, time.monotonic()
    breaches += [*site.faults(), *bystanders.errors(window)]
    peaks = site.peaks_bytes()
    breaches += [
        f"the {role} held {peak // MIB} MiB, {site.cages[role].limit_bytes // MIB} are allowed"
        for role, peak in peaks.items()
        if peak > site.cages[role].limit_bytes
    ]
    return Outcome(name, happened, peaks, bystanders.p99_s([window]), window[1] - window[0], breaches)


def run_all(site: Site, scale: Scale, only: str) -> tuple[list[Outcome], dict[str, float]]:
    """Every attack whose name contains `only`; returns the outcomes, and the quiet p99 by service."""
    done, quiet = [], list[Window]()
    with Bystanders(site, pause_s=scale.pause_s) as bystanders:
        # what each service does the first time
        time.sleep(scale.quiet_s)
        os.nice(ATTACKERS_NICENESS)
        for name, run in attacks(scale).items():
            if only not in name:
                continue
            begun_s = time.monotonic()
            time.sleep(scale.quiet_s)
            quiet.append((begun_s, time.monotonic()))
            done.append(attack(site, bystanders, name, run))
            print(f"{name}: {done[-1].happened} ({done[-1].seconds:.0f} s)", flush=True)
            time.sleep(scale.rest_s)
        return done, bystanders.p99_s(quiet)


def main() -> None:
    """Attack, and say what was held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer of each, about a minute")
    parser.add_argument("--only", default="", help="only attacks whose name contains this")
    arguments = parser.parse_args()
    begun_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="spotted-attack-") as place, Site(Path(place), MODELS) as site:
        print(f"memory limits: {_limits(site)}", flush=True)
        done, quiet_s = run_all(site, SHORT if arguments.short else FULL, arguments.only)
    # a short run has too few calls to judge their times
    found = outcomes.breaches(done, {} if arguments.short else quiet_s)
    print(f"\n{outcomes.table(done, quiet_s, found)}\n\n{time.monotonic() - begun_s:.0f} s")
    if found:
        sys.exit("\n".join(f"breach: {name}: {each}" for name, those in found.items() for each in those))


def _limits(site: Site) -> str:
    each = ", ".join(f"{role} {cage.limit_bytes // MIB} MiB" for role, cage in site.cages.items())
    held = "enforced by memory cgroups" if site.cages["embedder"].enforced else "measured, not enforced"
    return f"{each}; {held}"


if __name__ == "__main__":
    main()
