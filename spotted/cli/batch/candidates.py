"""`spotted batch candidates`: the lists of `spotted match`, for surveys of millions of detections."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import click

from spotted.batch.blocks import BLOCKS, Job, compute_block, job_of, unfinished
from spotted.batch.engines import Engine, ItemResult, engine
from spotted.batch.evidence import EVIDENCE, Evidence, EvidenceJob, evidence_digest, write_evidence
from spotted.batch.listing import LISTING, write_listing
from spotted.batch.places import Place, open_place
from spotted.batch.snapshot import MANIFEST, SNAPSHOT, Snapshot, open_snapshot, store_snapshot
from spotted.cli.batch.options import PLACE, block_option, engine_options, fusion_option, shown
from spotted.cli.connection import connect
from spotted.console import data_option, err, json_option, progress, show, top_option, with_unit
from spotted.errors import PreconditionError, SpottedError
from spotted.scoring.fusion import Fusion

if TYPE_CHECKING:
    from pathlib import Path

    from spotted.calibration.model import Calibration
    from spotted.client import SurveyHandle
    from spotted.scoring.local_pairs import LocalPairs

FAILURES_SHOWN = 5


@click.command()
@click.argument("survey")
@top_option
@fusion_option
@click.option(
    "--output",
    "-o",
    required=True,
    type=PLACE,
    metavar="DIR",
    help="Folder or s3://BUCKET/PREFIX of the snapshot, the blocks and candidates.csv; an existing one is "
    "continued.",
)
@engine_options
@block_option
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
    output: str,
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
    runner, place = engine(kind, workers=workers, address=address), open_place(output)
    if fresh:
        for name in (SNAPSHOT, BLOCKS, EVIDENCE):
            place.remove(name)
    with connect(directory) as spotted:
        snapshot = _snapshot(spotted.survey(survey), place)
        _settle(spotted.survey(survey), snapshot, place, fusion)
    digest = evidence_digest(place) if place.exists(EVIDENCE) else ""
    job = job_of(output, snapshot, top_k=top, fusion=fusion, block_rows=block_rows, evidence_digest=digest)
    computed = _compute(runner, job)
    place.sweep(BLOCKS)
    with err.status("writing files"):
        rows = write_listing(snapshot, job)
    document: dict[str, object] = {
        "survey_id": survey,
        "revision": snapshot.stored.revision,
        "detections": job.detections,
        "blocks": job.count,
        "computed": computed,
        "candidates": rows,
        "output": f"{output}/{LISTING}",
    }

    def text() -> None:
        reused = f", {job.count - computed} reused" if computed < job.count else ""
        click.echo(
            f"{with_unit(rows, 'candidate')} of {with_unit(job.detections, 'detection')} written to "
            f"{output}/{LISTING}\n{computed} of {with_unit(job.count, 'block')} computed{reused}"
        )

    show(document, as_json=as_json, text=text)


def _snapshot(survey: SurveyHandle, place: Place) -> Snapshot:
    """The snapshot in a place, taken first if missing.

    Raises PreconditionError if the survey has changed since it was taken.
    """
    if not place.exists(f"{SNAPSHOT}/{MANIFEST}"):
        with progress("detections", survey.info().detection_count) as advance:
            store_snapshot(survey, place, on_progress=advance)
    snapshot, now = open_snapshot(place.local(SNAPSHOT)), survey.info()
    if now != snapshot.stored:
        before = snapshot.stored
        raise PreconditionError(
            f"{place.url} was started with survey {before.survey_id!r} at revision {before.revision}; "
            f"survey {survey.survey_id!r} is now at revision {now.revision}: give --fresh to start over, or "
            "another -o"
        )
    return snapshot


def _settle(survey: SurveyHandle, snapshot: Snapshot, place: Place, fusion: Fusion) -> None:
    """Write the evidence of the scorer that the scores need, if there is any.

    Raises PreconditionError if the survey lacks it.
    """
    stored = snapshot.stored
    if fusion is Fusion.LOCAL and not stored.local_pair_count:
        raise PreconditionError(
            f"no marks of survey {survey.survey_id!r} were matched; run `spotted match-marks` first, or "
            "choose another --fusion"
        )
    calibrated = fusion is Fusion.CALIBRATED
    if not stored.local_pair_count and not calibrated:
        place.remove(EVIDENCE)
        return
    local = survey.local_scores().pairs if stored.local_pair_count else None
    calibration = _calibration(survey, snapshot, local) if calibrated else None
    job = EvidenceJob(place.url, snapshot.digest, calibrated=calibrated)
    write_evidence(job, Evidence(local, calibration))


def _calibration(survey: SurveyHandle, snapshot: Snapshot, local: LocalPairs | None) -> Calibration:
    """The active calibration, learned again from the names of the survey. Raises PreconditionError."""
    # fitting needs scipy.optimize, which is slow to import
    from spotted.matching.calibrating import fit_to_known  # noqa: PLC0415

    gallery = replace(snapshot.gallery, local=local)
    calibration, _ = fit_to_known(gallery, snapshot.individuals())
    if calibration.digest != snapshot.stored.calibration_digest:
        raise PreconditionError(
            f"the calibration of survey {survey.survey_id!r} is not that of its known individuals, as a "
            "batch learns it; fit that one with `spotted calibrate`, or choose another --fusion"
        )
    return calibration


def _compute(runner: Engine, job: Job) -> int:
    """Compute the unfinished blocks and return their number.

    Raises SpottedError that lists the numbers and errors of failed blocks.
    """
    numbers = unfinished(job)
    failed: list[ItemResult[int]] = []
    with shown("blocks", job.count) as advance:
        advance(job.count - len(numbers))
        if numbers:
            for outcome in runner.run(partial(compute_block, job), numbers):
                if outcome.error:
                    failed.append(outcome)
                else:
                    advance(1)
    if failed:
        errors = "; ".join(
            f"block {one.item}: {one.error}" for one in sorted(failed, key=_number)[:FAILURES_SHOWN]
        )
        more = f"; and {len(failed) - FAILURES_SHOWN} more" if len(failed) > FAILURES_SHOWN else ""
        raise SpottedError(
            f"{len(failed)} of {job.count} blocks failed: {errors}{more}; finished blocks are kept: fix "
            "the cause and run the command again"
        )
    return len(numbers)


def _number(outcome: ItemResult[int]) -> int:
    return outcome.item
