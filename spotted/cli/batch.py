"""`spotted batch candidates`: what `spotted match` lists, for surveys of millions."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path

import click

from spotted.batch.blocks import Job, blocks_path, compute_block, job_of, snapshot_path, sweep, unfinished
from spotted.batch.engines import BlockResult, Engine, engine
from spotted.batch.listing import write_listing
from spotted.batch.snapshot import Snapshot, described, open_snapshot, take_snapshot
from spotted.cli.connection import connected
from spotted.client import Spotted
from spotted.console import data_option, err, json_option, progress, show
from spotted.errors import PreconditionError, SpottedError
from spotted.scoring.fusion import Fusion

LISTING = "candidates.csv"
# what ranks without asking a service; a calibration is the scorer's own
FUSIONS = {"product": Fusion.PRODUCT, "visual": Fusion.VISUAL, "location": Fusion.LOCATION}
FAILURES_SHOWN = 5


@click.group()
def batch() -> None:
    """Work through whole surveys, block by block, with many processes."""


@batch.command()
@click.argument("survey")
@data_option
@json_option
@click.option("--top", default=5, show_default=True, type=click.IntRange(min=1), help="Candidates of each.")
@click.option("--fusion", type=click.Choice(list(FUSIONS)), default="product", show_default=True)
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory of the snapshot, the blocks and candidates.csv; the same one again goes on.",
)
@click.option(
    "--engine",
    "kind",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Who works: this machine, or a Ray cluster.",
)
@click.option(
    "--workers",
    default=os.cpu_count() or 1,
    show_default="one for each core",
    type=click.IntRange(min=1),
    help="Processes on this machine; a cluster that is joined has its own.",
)
@click.option("--address", default="", help="Ray cluster to join, such as auto or 10.0.0.5:6379.")
@click.option(
    "--block",
    "block_rows",
    default=1024,
    show_default=True,
    type=click.IntRange(min=1),
    help="Detections that ask at once.",
)
@click.option("--fresh", is_flag=True, help="Begin again: forget the snapshot and the blocks of -o.")
def candidates(
    *,
    survey: str,
    directory: Path,
    as_json: bool,
    top: int,
    fusion: str,
    output: Path,
    kind: str,
    workers: int,
    address: str,
    block_rows: int,
    fresh: bool,
) -> None:
    """List, for every detection of a large survey, those most likely to show the same animal.

    The survey is read once into -o, then worked through in blocks of --block detections. May be stopped and
    run again at any time: finished blocks are kept. candidates.csv has the columns of `spotted match -o`.
    With --engine ray the blocks go to a Ray cluster whose machines share the folder -o.
    """
    works = engine(kind, workers=workers, address=address)
    output = output.resolve()
    if fresh:
        shutil.rmtree(snapshot_path(output), ignore_errors=True)
        shutil.rmtree(blocks_path(output), ignore_errors=True)
    with connected(directory) as spotted:
        snapshot = _snapshot(spotted, survey, snapshot_path(output))
    job = job_of(snapshot, output, top_k=top, fusion=FUSIONS[fusion], block_rows=block_rows)
    computed = _work(works, job)
    sweep(job)
    with err.status("writing"):
        rows = write_listing(snapshot, job, output / LISTING)
    document: dict[str, object] = {
        "survey_id": survey,
        "revision": snapshot.stored.survey.revision,
        "detections": job.detections,
        "blocks": job.count,
        "computed": computed,
        "candidates": rows,
        "output": str(output / LISTING),
    }

    def text() -> None:
        kept = f", {job.count - computed} were there" if computed < job.count else ""
        click.echo(
            f"{rows} candidates of {job.detections} detections written to {output / LISTING}\n"
            f"{computed} of {job.count} blocks computed{kept}"
        )

    show(document, as_json=as_json, text=text)


def _snapshot(spotted: Spotted, survey: str, directory: Path) -> Snapshot:
    """The snapshot, taken where there is none. Raises PreconditionError where the survey is another since."""
    if not directory.exists():
        with progress("detections", spotted.survey(survey).detection_count) as advance:
            take_snapshot(spotted, survey, directory, told=advance)
    snapshot, now = open_snapshot(directory), described(spotted, survey)
    if now != snapshot.stored:
        before = snapshot.stored.survey
        raise PreconditionError(
            f"{directory.parent} was begun with survey {before.survey_id!r} at revision {before.revision}; "
            f"survey {survey!r} is at revision {now.survey.revision} now: give --fresh to begin again, or "
            "another -o"
        )
    return snapshot


def _work(works: Engine, job: Job) -> int:
    """Compute what is not finished; answers how many blocks. Raises SpottedError that numbers the failed."""
    numbers = unfinished(job)
    failed: list[BlockResult] = []
    # Ray writes of tries that failed to stdout, where the results belong
    with progress("blocks", job.count) as advance, redirect_stdout(sys.stderr):
        advance(job.count - len(numbers))
        if numbers:
            for outcome in works.run(partial(compute_block, job), numbers):
                if outcome.error:
                    failed.append(outcome)
                else:
                    advance(1)
    if failed:
        told = "; ".join(
            f"block {one.number}: {one.error}" for one in sorted(failed, key=_number)[:FAILURES_SHOWN]
        )
        more = f"; and {len(failed) - FAILURES_SHOWN} more" if len(failed) > FAILURES_SHOWN else ""
        raise SpottedError(
            f"{len(failed)} of {job.count} blocks failed: {told}{more}; finished blocks are kept, so correct "
            "the cause and run the command again"
        )
    return len(numbers)


def _number(outcome: BlockResult) -> int:
    return outcome.number
