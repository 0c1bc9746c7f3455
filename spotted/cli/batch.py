"""`spotted batch candidates`: the lists of `spotted match`, for surveys of millions of detections."""

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
from spotted.batch.snapshot import Snapshot, open_snapshot, take_snapshot
from spotted.cli.connection import connect
from spotted.client import SurveyHandle
from spotted.console import (
    EnumChoice,
    data_option,
    err,
    json_option,
    option_word,
    progress,
    show,
    top_option,
    with_unit,
)
from spotted.errors import PreconditionError, SpottedError
from spotted.scoring.fusion import Fusion

LISTING = "candidates.csv"
# a calibrated score needs the calibration, which only the scorer has
FUSIONS = (Fusion.PRODUCT, Fusion.VISUAL, Fusion.LOCATION)
FAILURES_SHOWN = 5


@click.group()
def batch() -> None:
    """Process large surveys in parallel blocks."""


@batch.command()
@click.argument("survey")
@top_option
@click.option(
    "--fusion",
    type=EnumChoice(FUSIONS),
    default=option_word(Fusion.PRODUCT),
    show_default=True,
    help="Score that ranks the candidates.",
)
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory of the snapshot, the blocks and candidates.csv; an existing one is continued.",
)
@click.option(
    "--engine",
    "kind",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where to run: locally or on a Ray cluster.",
)
@click.option(
    "--workers",
    default=os.cpu_count() or 1,
    show_default="one per core",
    type=click.IntRange(min=1),
    help="Processes on this machine; ignored if --address joins a cluster.",
)
@click.option("--address", default="", help="Ray cluster to join, e.g. auto or 10.0.0.5:6379.")
@click.option(
    "--block",
    "block_rows",
    default=1024,
    show_default=True,
    type=click.IntRange(min=1),
    help="Query detections per block.",
)
@click.option("--fresh", is_flag=True, help="Start over: delete the snapshot and the blocks in -o.")
@data_option
@json_option
def candidates(
    *,
    survey: str,
    directory: Path,
    as_json: bool,
    top: int,
    fusion: Fusion,
    output: Path,
    kind: str,
    workers: int,
    address: str,
    block_rows: int,
    fresh: bool,
) -> None:
    """List the best candidates of every detection of a large survey.

    The survey is downloaded once to -o, then processed in blocks of --block detections. You can stop and
    rerun the command at any time: finished blocks are kept. candidates.csv has the columns of `spotted match
    -o`. With --engine ray, the blocks are computed by a Ray cluster whose machines share the directory -o.
    """
    runner = engine(kind, workers=workers, address=address)
    output = output.resolve()
    if fresh:
        shutil.rmtree(snapshot_path(output), ignore_errors=True)
        shutil.rmtree(blocks_path(output), ignore_errors=True)
    with connect(directory) as spotted:
        snapshot = _snapshot(spotted.survey(survey), snapshot_path(output))
    job = job_of(snapshot, output, top_k=top, fusion=fusion, block_rows=block_rows)
    computed = _compute(runner, job)
    sweep(job)
    with err.status("writing files"):
        rows = write_listing(snapshot, job, output / LISTING)
    document: dict[str, object] = {
        "survey_id": survey,
        "revision": snapshot.stored.revision,
        "detections": job.detections,
        "blocks": job.count,
        "computed": computed,
        "candidates": rows,
        "output": str(output / LISTING),
    }

    def text() -> None:
        reused = f", {job.count - computed} reused" if computed < job.count else ""
        click.echo(
            f"{with_unit(rows, 'candidate')} of {with_unit(job.detections, 'detection')} written to "
            f"{output / LISTING}\n{computed} of {with_unit(job.count, 'block')} computed{reused}"
        )

    show(document, as_json=as_json, text=text)


def _snapshot(survey: SurveyHandle, directory: Path) -> Snapshot:
    """The snapshot in a directory, taken first if missing.

    Raises PreconditionError if the survey has changed since it was taken.
    """
    if not directory.exists():
        with progress("detections", survey.info().detection_count) as advance:
            take_snapshot(survey, directory, on_progress=advance)
    snapshot, now = open_snapshot(directory), survey.info()
    if now != snapshot.stored:
        before = snapshot.stored
        raise PreconditionError(
            f"{directory.parent} was started with survey {before.survey_id!r} at revision {before.revision}; "
            f"survey {survey.survey_id!r} is now at revision {now.revision}: give --fresh to start over, or "
            "another -o"
        )
    return snapshot


def _compute(runner: Engine, job: Job) -> int:
    """Compute the unfinished blocks and return their number.

    Raises SpottedError that lists the numbers and errors of failed blocks.
    """
    numbers = unfinished(job)
    failed: list[BlockResult] = []
    # Ray reports failed attempts on stdout, which is reserved for the result
    with progress("blocks", job.count) as advance, redirect_stdout(sys.stderr):
        advance(job.count - len(numbers))
        if numbers:
            for outcome in runner.run(partial(compute_block, job), numbers):
                if outcome.error:
                    failed.append(outcome)
                else:
                    advance(1)
    if failed:
        errors = "; ".join(
            f"block {one.number}: {one.error}" for one in sorted(failed, key=_number)[:FAILURES_SHOWN]
        )
        more = f"; and {len(failed) - FAILURES_SHOWN} more" if len(failed) > FAILURES_SHOWN else ""
        raise SpottedError(
            f"{len(failed)} of {job.count} blocks failed: {errors}{more}; finished blocks are kept: fix "
            "the cause and run the command again"
        )
    return len(numbers)


def _number(outcome: BlockResult) -> int:
    return outcome.number
